#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "evaluate/attributes.h"
#include "evaluate/error_rates.h"
#include "evaluate/group_errors.h"
#include "evaluate/identification.h"
#include "evaluate/labelled_photos.h"
#include "evaluate/person_bootstrap.h"
#include "evaluate/photo_map.h"
#include "evaluate/retrieval.h"
#include "evaluate/worst_pairs.h"
#include "face/model_id.h"

namespace faceforge::evaluate {

/// Verification (1:1) over all pairs of photos.
struct VerificationReport {
  ComparisonCounts counts{};
  CurveSummary curve{};  ///< TAR at `kReportedFalseMatchRates`
  /// Over people, on at most `kBootstrapPairs` pairs of each kind.
  std::optional<CurveIntervals> intervals{};
  std::vector<FnmrAtFmr> fnmr_at_fmr{};          ///< at `kFalseMatchRates`
  std::vector<SimilarPair> false_non_matches{};  ///< the least similar genuine pairs
  std::vector<SimilarPair> false_matches{};      ///< the most similar impostor pairs
};

inline constexpr size_t kBootstrapPairs = 150'000;
inline constexpr size_t kWorstPairs = 12;

/// How the embeddings lie, over all photos whose person has another one.
struct EmbeddingReport {
  RetrievalMetrics retrieval{};
  std::optional<double> silhouette{};  ///< mean
  std::vector<MappedPhoto> map{};
};

/// Errors at one threshold, by quality and by group.
struct ConditionReport {
  double false_match_rate = 0;  ///< the rarest measurable of `kFalseMatchRates` down to 1e-3
  float match_threshold = 0;
  std::vector<QualityErrors> quality{};
  std::vector<AttributeErrors> attributes{};
};

/// What a model makes of a labelled folder. Parts that were not asked for or not possible are
/// absent; `notes` says why of the latter.
struct EvaluationReport {
  std::string model{};  ///< the pack's id
  face::ModelId model_id{};
  std::string faceforge_version{};
  uint64_t seed = 1;
  LabelledPhotos photos{};
  std::optional<VerificationReport> verification{};
  std::optional<EmbeddingReport> embeddings{};
  std::optional<ConditionReport> conditions{};
  std::optional<IdentificationReport> identification{};
  std::vector<std::string> notes{};
};

enum class EvaluationScope { Everything, IdentificationOnly };

struct EvaluationOptions {
  EvaluationScope scope = EvaluationScope::Everything;
  uint64_t seed = 1;
  std::vector<AttributeGroups> attributes{};
};

/// Asked for at the beginning of each phase, whose name is for people.
using SupervisePhase = std::function<Supervision(std::string_view phase)>;

/// Measures what `options.scope` asks for.
///
/// in:     photos of one ModelId, at least one with an embedding (a CHECK)
/// fails:  invalid_input/too_few_pairs when nobody has two photos or there is only one person;
///         with `IdentificationOnly` as measure_identification; cancelled/cancelled
/// cost:   O(photos^2 * embedding length), on every core
[[nodiscard]] Result<EvaluationReport> evaluate_photos(LabelledPhotos photos,
                                                       const EvaluationOptions& options,
                                                       const SupervisePhase& supervise);

}  // namespace faceforge::evaluate
