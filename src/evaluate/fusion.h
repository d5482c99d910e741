#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluate/people_folder.h"
#include "face/embedding.h"
#include "vision/spec.h"

namespace faceforge::evaluate {

/// Pairs of strangers that must stand behind a weight.
inline constexpr int64_t kMinFusionPairs = 10'000;

/// What the photos say of one embedder of a combination.
struct FusedEmbedder {
  std::vector<float> output_mean;  ///< empty where the embedder is not normalized
  float weight = 1;
  double impostor_mean = 0;  ///< squared distance of two strangers, finished but not weighted
  double impostor_standard_deviation = 0;
  double genuine_mean = 0;  ///< of two photos of one person; 0 without such pairs
};

struct FusionReport {
  std::vector<FusedEmbedder> embedders;
  face::Metric metric = face::Metric::Cosine;  ///< of the combination
  int64_t impostor_pair_count = 0;
  int64_t genuine_pair_count = 0;
  size_t photo_count = 0;
  std::vector<std::string> faceless;  ///< photos in which no face was found
  std::vector<std::string> unusable;  ///< photos that could not be read, and why
};

/// Finds how embedders are put together, so that each has the same say: the squared distances of
/// strangers get the same standard deviation in each, and add.
///
/// An embedder that is brought to unit length is centred first: what all faces have in common tells
/// nobody apart, and hides in a cosine. A distance does not change by it, so one that is not
/// normalized stays as it is. All of unit length are compared by their cosine, others by distance,
/// scaled so that two strangers have a mean similarity of 0.
///
/// in:     raw outputs, one embedder after the other, of people whose names are known; `embedders`
///         in the same order (CHECKs)
/// fails:  invalid_input/too_few_impostor_pairs; invalid_input/fusion_degenerate naming an embedder
///         that gives all strangers one distance; cancelled/cancelled when asked to stop
/// cost:   O(photos^2 * length)
/// source: z-score normalization and the sum rule: Jain, Nandakumar and Ross 2005, "Score
///         normalization in multimodal biometric systems", sections 3.2 and 4
[[nodiscard]] Result<FusionReport> fit_fusion(std::span<const PersonEmbeddings> people,
                                              std::span<const vision::EmbedderSpec> embedders,
                                              const std::stop_token& stop = {});

/// Embeds the central face of every photo of `images` (`PERSON/PHOTO`), but those of the people in
/// `excluded_people`, with every embedder of `spec`, and fits.
///
/// fails: as `vision::Pipeline::load`, `embed_people` and `fit_fusion`
[[nodiscard]] Result<FusionReport> fit_fusion_folder(const vision::PipelineSpec& spec,
                                                     const std::filesystem::path& images,
                                                     const std::set<std::string>& excluded_people,
                                                     const Supervision& supervision);

}  // namespace faceforge::evaluate
