#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "face/embedding.h"
#include "gallery/npy.h"

namespace faceforge::gallery {

/// Embeddings and whose they are.
struct LabelledEmbeddings {
  FloatTable embeddings{};
  std::vector<size_t> people{};  ///< one a row; any numbers
};

/// Triplet loss of embeddings brought into a head's space, and where it falls. With s an anchor's
/// similarity to a positive p (same person, another photo) or a negative n, and margin m:
///
///     mean of max(0, m + s_an - s_ap) over all (a, p, n) where it is above zero
struct TripletLoss {
  double loss = 0;
  int64_t active_count = 0;  ///< triplets above zero
  FloatTable gradient{};     ///< by the matrix; zeros where no triplet is active
};

/// in:     `matrix` square, with as many columns as the embeddings (a CHECK)
/// cost:   photos * length^2 + photos^2 * length + triplets
/// source: Hermans et al. 2017, "In Defense of the Triplet Loss", eq. 7 with the mean over what is
///         not zero, on similarities; the gradient by hand
[[nodiscard]] TripletLoss triplet_loss(const FloatTable& matrix, const LabelledEmbeddings& photos,
                                       face::Metric metric, double margin);

struct HeadSettings {
  size_t step_count = 100;
  size_t people_per_batch = 24;
  size_t photos_per_person = 6;  ///< of a batch
  /// Of how far the photos' own people are from others on average, in similarity.
  double margin_share = 0.5;
  /// How far the matrix may go from the identity, as the sum of the steps' Frobenius norms: what
  /// keeps a head of few photos near what the pack knows of millions.
  double path_length = 2;
  uint64_t seed = 1;
};

/// Trains a head: steps of a length that falls to zero, down the triplet loss of batches of people
/// who are alike. No step leaves the space of the photos: what they do not show, the head leaves as
/// it is.
///
/// in:    photos of people who have two or more
/// out:   the matrix, the same for the same photos in the same order; the identity where there are
///        not two people
/// fails: cancelled/training_cancelled when asked to stop
/// cost:  `step_count` times that of `triplet_loss`: 2 s at a length of 512
[[nodiscard]] Result<FloatTable> train_projection(const LabelledEmbeddings& photos,
                                                  face::Metric metric, const HeadSettings& settings,
                                                  const std::stop_token& stop);

}  // namespace faceforge::gallery
