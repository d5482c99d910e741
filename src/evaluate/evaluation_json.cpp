#include "evaluate/evaluation_json.h"

#include <fmt/format.h>

namespace faceforge::evaluate {
namespace {

json::array pairs_json(std::span<const SimilarPair> pairs, const LabelledPhotos& photos) {
  json::array written;
  for (const auto& [first, second, similarity] : pairs) {
    written.push_back(json::object{{"first", photos.photos[first].name},
                                   {"second", photos.photos[second].name},
                                   {"similarity", json::number(similarity)}});
  }
  return written;
}

json::object verification_json(const VerificationReport& verification,
                               const LabelledPhotos& photos) {
  const ComparisonCounts& counts = verification.counts;
  json::object tar;
  for (size_t index = 0; index < kReportedFalseMatchRates.size(); ++index) {
    tar[fmt::format("{}", kReportedFalseMatchRates[index])] =
        verification.curve.true_accept_rates[index];
  }
  json::array det;
  for (const CurvePoint& point : det_curve(counts)) {
    det.push_back(json::array{json::number(point.match_threshold), point.false_match_rate,
                              point.false_non_match_rate});
  }
  json::array bins;
  for (const SimilarityBin& bin : plot_bins(counts)) {
    bins.push_back(json::object{{"low", bin.low},
                                {"high", bin.high},
                                {"genuine", bin.genuine_count},
                                {"impostor", bin.impostor_count}});
  }
  return {{"genuine_pairs", counts.total(PairKind::Genuine)},
          {"impostor_pairs", counts.total(PairKind::Impostor)},
          {"failed_genuine_pairs", counts.failures(PairKind::Genuine)},
          {"failed_impostor_pairs", counts.failures(PairKind::Impostor)},
          {"auc", verification.curve.auc},
          {"equal_error_rate", verification.curve.equal_error_rate},
          {"tar_at_fmr", std::move(tar)},
          {"intervals", verification.intervals ? json::value(to_json(*verification.intervals,
                                                                     kReportedFalseMatchRates))
                                               : json::value(nullptr)},
          {"fnmr_at_fmr", to_json(verification.fnmr_at_fmr)},
          {"det", std::move(det)},
          {"similarities", std::move(bins)},
          {"false_non_matches", pairs_json(verification.false_non_matches, photos)},
          {"false_matches", pairs_json(verification.false_matches, photos)}};
}

json::object embeddings_json(const EmbeddingReport& embeddings, const LabelledPhotos& photos) {
  const RetrievalMetrics& retrieval = embeddings.retrieval;
  json::array map;
  for (const auto& [photo, place] : embeddings.map) {
    map.push_back(json::object{{"image", photos.photos[photo].name},
                               {"x", json::number(static_cast<float>(place.x))},
                               {"y", json::number(static_cast<float>(place.y))}});
  }
  return {{"rank_1_misses", to_json(retrieval.misses_at_rank_1)},
          {"rank_5_misses", to_json(retrieval.misses_at_rank_5)},
          {"rank_20_misses", to_json(retrieval.misses_at_rank_20)},
          {"precision_at_5", retrieval.precision_at_5},
          {"r_precision", retrieval.r_precision},
          {"mean_average_precision", retrieval.mean_average_precision},
          {"silhouette",
           embeddings.silhouette ? json::value(*embeddings.silhouette) : json::value(nullptr)},
          {"map", std::move(map)}};
}

json::object conditions_json(const ConditionReport& conditions) {
  json::array quality;
  for (const QualityErrors& errors : conditions.quality) {
    json::array bins;
    for (const QualityBin& bin : errors.bins) {
      bins.push_back(json::object{
          {"low", bin.low}, {"high", bin.high}, {"fnmr", to_json(bin.false_non_matches)}});
    }
    quality.push_back(json::object{{"measure", errors.measure}, {"bins", std::move(bins)}});
  }
  json::array attributes;
  for (const AttributeErrors& errors : conditions.attributes) {
    json::array groups;
    for (const GroupErrors& group : errors.groups) {
      groups.push_back(json::object{{"group", group.group},
                                    {"images", group.photo_count},
                                    {"fnmr", to_json(group.false_non_matches)},
                                    {"fmr", to_json(group.false_matches)}});
    }
    attributes.push_back(
        json::object{{"attribute", errors.attribute}, {"groups", std::move(groups)}});
  }
  return {{"false_match_rate", conditions.false_match_rate},
          {"match_threshold", json::number(conditions.match_threshold)},
          {"quality", std::move(quality)},
          {"attributes", std::move(attributes)}};
}

json::object rate_json(const FnirAtFpir& rate) {
  json::object written{
      {"false_positive_identification_rate", rate.false_positive_identification_rate},
      {"measurable", rate.measured.has_value()}};
  if (rate.measured) {
    written["match_threshold"] = json::number(rate.measured->match_threshold);
    written["fpir"] = to_json(rate.measured->false_positives);
    written["fnir"] = to_json(rate.measured->false_negatives);
  }
  return written;
}

json::object identification_json(const IdentificationReport& identification) {
  json::array sizes;
  for (const GallerySizeResult& size : identification.sizes) {
    json::array rates;
    for (const FnirAtFpir& rate : size.rates) rates.push_back(rate_json(rate));
    json::object written{{"people", size.person_count},
                         {"galleries", size.gallery_count},
                         {"fnir_at_fpir", std::move(rates)}};
    for (size_t index = 0; index < kReportedRanks.size(); ++index) {
      written[fmt::format("rank_{}_misses", kReportedRanks[index])] =
          to_json(size.rank_misses[index]);
    }
    sizes.push_back(std::move(written));
  }
  return {{"enrolled_people", identification.enrolled_person_count},
          {"strangers", identification.stranger_count},
          {"mated_images", identification.mated_photo_count},
          {"non_mated_images", identification.non_mated_photo_count},
          {"failures_to_enroll", identification.failure_to_enroll_count},
          {"failures_to_acquire", identification.failure_to_acquire_count},
          {"sizes", std::move(sizes)}};
}

}  // namespace

json::array to_json(const Interval& interval) {
  return {interval.low, interval.high};
}

json::object to_json(const CountedRate& rate) {
  return {{"rate", rate.rate()},
          {"interval", to_json(rate.interval())},
          {"errors", rate.error_count},
          {"trials", rate.trial_count}};
}

json::array to_json(std::span<const FnmrAtFmr> rates) {
  json::array written;
  for (const FnmrAtFmr& rate : rates) {
    json::object one{{"false_match_rate", rate.false_match_rate},
                     {"measurable", rate.measured.has_value()}};
    if (rate.measured) {
      one["match_threshold"] = json::number(rate.measured->match_threshold);
      one["fmr"] = to_json(rate.measured->false_matches);
      one["fnmr"] = to_json(rate.measured->false_non_matches);
    }
    written.push_back(std::move(one));
  }
  return written;
}

json::object to_json(const CurveIntervals& intervals, std::span<const double> false_match_rates) {
  json::object tar;
  for (size_t index = 0; index < false_match_rates.size(); ++index) {
    tar[fmt::format("{}", false_match_rates[index])] = to_json(intervals.true_accept_rates[index]);
  }
  return {{"auc", to_json(intervals.auc)},
          {"equal_error_rate", to_json(intervals.equal_error_rate)},
          {"tar_at_fmr", std::move(tar)}};
}

json::object to_json(const EvaluationReport& report) {
  json::array faceless;
  for (const LabelledPhoto& photo : report.photos.photos) {
    if (!photo.embedding) faceless.push_back(json::value(photo.name));
  }
  json::object written{
      {"model", report.model},
      {"model_id", report.model_id.hex()},
      {"faceforge_version", report.faceforge_version},
      {"seed", report.seed},
      {"people", report.photos.people.size()},
      {"images", report.photos.photos.size()},
      {"failures_to_acquire", std::move(faceless)},
      {"unusable", json::array(report.photos.unusable.begin(), report.photos.unusable.end())},
      {"notes", json::array(report.notes.begin(), report.notes.end())}};
  if (report.verification) {
    written["verification"] = verification_json(*report.verification, report.photos);
  }
  if (report.embeddings) written["embeddings"] = embeddings_json(*report.embeddings, report.photos);
  if (report.conditions) written["conditions"] = conditions_json(*report.conditions);
  if (report.identification) {
    written["identification"] = identification_json(*report.identification);
  }
  return written;
}

}  // namespace faceforge::evaluate
