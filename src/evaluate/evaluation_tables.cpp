#include "evaluate/evaluation_tables.h"

#include <fmt/format.h>

#include "evaluate/report_text.h"

namespace faceforge::evaluate {
namespace {

std::string not_measurable() {
  return "not measurable";
}

/// A value of any measure with the digits that tell values apart: 0.39, 90.3, 784.
std::string quality_text(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

}  // namespace

ReportTable curve_table(const VerificationReport& verification) {
  const auto& intervals = verification.intervals;
  const auto with_interval = [&](double value, auto interval_of) {
    std::string text = rate_text(value);
    if (intervals) text += " " + interval_text(interval_of(*intervals));
    return text;
  };
  ReportTable table{.titles = {"figure", "value (95 % interval over people)"}};
  table.rows.push_back({"equal error rate", with_interval(verification.curve.equal_error_rate,
                                                          [](const CurveIntervals& of) {
                                                            return of.equal_error_rate;
                                                          })});
  std::string area = fmt::format("{:.5f}", verification.curve.auc);
  if (intervals)
    area += fmt::format(" ({:.5f} to {:.5f})", intervals->auc.low, intervals->auc.high);
  table.rows.push_back({"area under the ROC curve", area});
  for (size_t index = 0; index < kReportedFalseMatchRates.size(); ++index) {
    table.rows.push_back(
        {"TAR at FMR " + promise_text(kReportedFalseMatchRates[index]),
         with_interval(verification.curve.true_accept_rates[index],
                       [index](const CurveIntervals& of) { return of.true_accept_rates[index]; })});
  }
  return table;
}

ReportTable fnmr_table(const VerificationReport& verification) {
  ReportTable table{.titles = {"FMR", "threshold", "FNMR (95 % interval)", "impostor errors"}};
  for (const FnmrAtFmr& rate : verification.fnmr_at_fmr) {
    const std::string name = promise_text(rate.false_match_rate);
    if (!rate.measured) {
      table.rows.push_back({name, "", not_measurable(), ""});
      continue;
    }
    table.rows.push_back({name, fmt::format("{:.4f}", rate.measured->match_threshold),
                          rate_text(rate.measured->false_non_matches),
                          count_text(rate.measured->false_matches.error_count)});
  }
  return table;
}

ReportTable open_set_table(const IdentificationReport& identification) {
  ReportTable table{.titles = {"people"}};
  for (const double rate : kFalsePositiveIdentificationRates) {
    table.titles.push_back("FNIR at FPIR " + promise_text(rate));
  }
  for (const GallerySizeResult& size : identification.sizes) {
    std::vector<std::string> row{count_text(static_cast<int64_t>(size.person_count))};
    for (const FnirAtFpir& rate : size.rates) {
      row.push_back(rate.measured ? rate_text(rate.measured->false_negatives) : not_measurable());
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportTable closed_set_table(const IdentificationReport& identification) {
  ReportTable table{.titles = {"people"}};
  for (const size_t rank : kReportedRanks) {
    table.titles.push_back(fmt::format("rank-{} misses", rank));
  }
  for (const GallerySizeResult& size : identification.sizes) {
    std::vector<std::string> row{count_text(static_cast<int64_t>(size.person_count))};
    for (const CountedRate& misses : size.rank_misses) row.push_back(rate_text(misses));
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportTable embeddings_table(const EmbeddingReport& embeddings) {
  const RetrievalMetrics& retrieval = embeddings.retrieval;
  ReportTable table{.titles = {"each photo against all others", "value"},
                    .rows = {{"rank-1 misses", rate_text(retrieval.misses_at_rank_1)},
                             {"rank-5 misses", rate_text(retrieval.misses_at_rank_5)},
                             {"rank-20 misses", rate_text(retrieval.misses_at_rank_20)},
                             {"precision at 5", fmt::format("{:.4f}", retrieval.precision_at_5)},
                             {"R-precision", fmt::format("{:.4f}", retrieval.r_precision)},
                             {"mean average precision",
                              fmt::format("{:.4f}", retrieval.mean_average_precision)}}};
  if (embeddings.silhouette) {
    table.rows.push_back({"silhouette", fmt::format("{:.4f}", *embeddings.silhouette)});
  }
  return table;
}

ReportTable quality_table(const QualityErrors& errors) {
  ReportTable table{.titles = {measure_text(errors), "FNMR (95 % interval)", "pairs"}};
  for (const QualityBin& bin : errors.bins) {
    table.rows.push_back({range_text(bin), rate_text(bin.false_non_matches),
                          count_text(bin.false_non_matches.trial_count)});
  }
  return table;
}

ReportTable attribute_table(const AttributeErrors& errors) {
  ReportTable table{.titles = {errors.attribute, "photos", "FNMR (95 % interval)",
                               "FMR within the group (95 % interval)"}};
  for (const GroupErrors& group : errors.groups) {
    table.rows.push_back({group.group, count_text(static_cast<int64_t>(group.photo_count)),
                          rate_text(group.false_non_matches), rate_text(group.false_matches)});
  }
  return table;
}

ReportTable pairs_table(const std::vector<SimilarPair>& pairs, const LabelledPhotos& photos) {
  ReportTable table{.titles = {"similarity", "photo", "photo"}};
  for (const auto& [first, second, similarity] : pairs) {
    table.rows.push_back(
        {fmt::format("{:.3f}", similarity), photos.photos[first].name, photos.photos[second].name});
  }
  return table;
}

std::string range_text(const QualityBin& bin) {
  return quality_text(bin.low) + " to " + quality_text(bin.high);
}

std::string measure_text(const QualityErrors& errors) {
  if (errors.measure == "face_size_px") return "face size, px";
  if (errors.measure == "yaw_deg") return "yaw, degrees";
  if (errors.measure == "pitch_deg") return "pitch, degrees";
  return errors.measure;
}

}  // namespace faceforge::evaluate
