#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"
#include "evaluate/error_rates.h"
#include "evaluate/pair_list.h"
#include "evaluate/person_bootstrap.h"
#include "evaluate/photo_embeddings.h"
#include "evaluate/verification_metrics.h"
#include "face/model_id.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// The pairs of a list as a pipeline compares them.
struct ComparedPairs {
  std::vector<ComparedPair> pairs;  ///< beside the list's
  size_t photo_count = 0;
  size_t failures_to_detect = 0;  ///< photos; their pairs count with similarity -1, none is dropped
  double images_per_second = 0;   ///< decoding, detection, alignment and embedding on every core
};

/// Embeds every photo of a list once, whole pipeline from the file, and compares its pairs.
///
/// in:     `images` holds `PERSON/PERSON_0001.jpg`
/// fails:  not_found/photo_missing before any work; invalid_input/photo_unusable naming the file
///         and why, when one cannot be decoded or embedded; cancelled/cancelled
[[nodiscard]] Result<ComparedPairs> compare_pairs(const vision::Pipeline& pipeline,
                                                  const std::filesystem::path& images,
                                                  const PairList& list,
                                                  const Supervision& supervision);

/// How a pipeline does on a list of pairs.
struct PairsReport {
  face::ModelId model_id;
  size_t pair_count = 0;
  size_t photo_count = 0;
  VerificationMetrics metrics;
  double equal_error_rate = 0;
  std::vector<FnmrAtFmr> fnmr_at_fmr;       ///< at `kFalseMatchRates`
  std::optional<CurveIntervals> intervals;  ///< over people; TAR at `kReportedFalseMatchRates`
  size_t failures_to_detect = 0;  ///< photos; their pairs count with similarity -1, none is dropped
  double images_per_second = 0;   ///< decoding, detection, alignment and embedding on every core
};

/// Runs LFW's protocol.
///
/// fails:  as `compare_pairs` and `measure_verification`
[[nodiscard]] Result<PairsReport> evaluate_pairs(const vision::Pipeline& pipeline,
                                                 const std::filesystem::path& images,
                                                 const PairList& list,
                                                 const Supervision& supervision);

}  // namespace faceforge::evaluate
