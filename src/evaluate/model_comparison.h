#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/evaluation.h"
#include "evaluate/labelled_photos.h"
#include "evaluate/pair_list.h"
#include "evaluate/pair_sample.h"
#include "evaluate/person_bootstrap.h"
#include "face/embedding.h"
#include "face/model_id.h"

namespace faceforge::evaluate {

/// What a model made of photos; those that it made nothing of are not in it.
struct ModelEmbeddings {
  std::string name{};  ///< a pack's id, or the files that the embeddings were read from
  face::ModelId model_id{};
  std::map<std::string, face::Embedding> by_photo{};
};

/// The comparisons that all models are judged by.
struct ComparisonPlan {
  std::vector<std::string> photos{};  ///< by name
  size_t person_count = 0;
  PairSample pairs{};
};

/// All pairs of the photos, at most `kBootstrapPairs` of each kind.
///
/// fails: invalid_input/too_few_pairs
[[nodiscard]] Result<ComparisonPlan> plan_all_pairs(std::span<const std::string> photos,
                                                    uint64_t seed);

/// All pairs of a gallery photo with a test photo, likewise.
///
/// in:    names as `with_prefix` made them
/// fails: invalid_input/too_few_pairs
[[nodiscard]] Result<ComparisonPlan> plan_cross_pairs(std::span<const std::string> gallery,
                                                      std::span<const std::string> test,
                                                      uint64_t seed);

/// The pairs of a list; a photo is named `PERSON/NUMBER`.
///
/// fails: invalid_input/too_few_pairs
[[nodiscard]] Result<ComparisonPlan> plan_listed_pairs(const PairList& list);

[[nodiscard]] std::string listed_photo_name(const PhotoName& photo);

/// What models are ranked by.
enum class Criterion { Auc, EqualErrorRate, TrueAcceptRate };

[[nodiscard]] std::string_view to_string(Criterion criterion);  // "auc", "eer", "tar"
[[nodiscard]] Result<Criterion> criterion_from(std::string_view name);

/// The figure of a curve that a criterion looks at, of several TARs the one at the rarest rate.
[[nodiscard]] double figure_of(const CurveSummary& curve, Criterion criterion);
[[nodiscard]] const Interval& interval_of(const CurveIntervals& intervals, Criterion criterion);

struct ComparedModel {
  std::string name{};
  face::ModelId model_id{};
  size_t failure_count = 0;  ///< photos without an embedding
  CurveSummary curve{};      ///< TAR at `ComparisonReport::false_match_rates`
  std::optional<CurveIntervals> intervals{};
};

/// By how much the leading model is ahead of another one.
struct Lead {
  size_t other_index = 0;                 ///< in `ComparisonReport::models`
  std::optional<CurveIntervals> ahead{};  ///< leading minus other; of the EER other minus leading
};

/// Several models on the same comparisons.
struct ComparisonReport {
  size_t photo_count = 0;
  size_t person_count = 0;
  int64_t genuine_pair_count = 0;
  int64_t impostor_pair_count = 0;
  uint64_t seed = 1;
  Criterion criterion = Criterion::Auc;
  std::vector<double>
      false_match_rates{};              ///< those of `kReportedFalseMatchRates` that are measurable
  std::vector<ComparedModel> models{};  ///< the leading one first
  std::vector<Lead> leads{};            ///< of the leading one over every other
  double lead_confidence = kConfidence;  ///< of each interval in `leads`: all hold together
  bool leader_is_best = false;           ///< whether every lead's interval excludes zero
};

/// The criterion in words: `TAR at FMR 0.001`.
[[nodiscard]] std::string criterion_text(const ComparisonReport& report);

/// Judges models on the same comparisons. The differences are those of a bootstrap over people in
/// which all models meet the same people; with several models each interval is widened so that all
/// of them hold together at 95 % (Bonferroni).
///
/// fails:  invalid_input/too_few_models (two are needed); invalid_input/no_common_photos when a
///         model knows not one photo of the plan; invalid_input/too_few_impostor_pairs when the
///         criterion is the TAR and no rate is measurable; cancelled/cancelled
/// source: Efron & Tibshirani 1993, chapter 16; Dunn 1961, "Multiple comparisons among means"
[[nodiscard]] Result<ComparisonReport> compare_models(std::span<const ModelEmbeddings> models,
                                                      const ComparisonPlan& plan,
                                                      Criterion criterion, uint64_t seed,
                                                      const Supervision& supervision);

/// Takes the embeddings of labelled photos by name, each name with `prefix` before it.
[[nodiscard]] ModelEmbeddings by_photo(std::string name, const LabelledPhotos& photos,
                                       std::string_view prefix = "");

}  // namespace faceforge::evaluate
