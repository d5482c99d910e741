#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/embedding.h"
#include "nn/network.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// The network of an `EmbedderSpec`.
class Embedder {
 public:
  /// fails: as `nn::Network::load`; corrupt/network_shape when its embeddings are not of the card's
  ///        length, found by one run on a black crop
  [[nodiscard]] static Result<Embedder> load(const EmbedderSpec& spec,
                                             const face::ModelId& model_id,
                                             const nn::RunOptions& run_options);

  /// Embeds crops, up to 32 in one run.
  ///
  /// in:    crops of the embedder's template (a CHECK)
  /// out:   one embedding a crop, in order; of unit length with `Metric::Cosine`, multiplied by the
  ///        card's distance scale with `Metric::L2`
  /// fails: as `nn::Network::run`; internal/embedding_not_finite, also for a length of 0
  [[nodiscard]] Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedCrop> crops) const;

 private:
  Embedder(EmbedderSpec spec, face::ModelId model_id, nn::Network network,
           nn::RunOptions run_options);

  [[nodiscard]] Result<std::vector<float>> run(const nn::Tensor& input) const;

  EmbedderSpec spec_;
  face::ModelId model_id_;
  nn::Network network_;
  nn::RunOptions run_options_;
};

/// Brings a network's output into the form in which embeddings are compared; false when it is not
/// finite or, with `Metric::Cosine`, has no length.
[[nodiscard]] bool make_comparable(std::span<float> values, face::Metric metric,
                                   float distance_scale);

}  // namespace faceforge::vision
