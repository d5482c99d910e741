#include "evaluate/evaluation.h"

#include <algorithm>
#include <mutex>
#include <span>

#include "base/check.h"
#include "evaluate/failed_comparison.h"
#include "evaluate/pair_sample.h"
#include "evaluate/silhouette.h"

namespace faceforge::evaluate {
namespace {

constexpr auto kGenuine = PairKind::Genuine;
constexpr auto kImpostor = PairKind::Impostor;

std::vector<uint32_t> person_indices(const LabelledPhotos& photos) {
  std::vector<uint32_t> person_of;
  for (const LabelledPhoto& photo : photos.photos) person_of.push_back(photo.person_index);
  return person_of;
}

struct PairCounts {
  int64_t genuine = 0;
  int64_t impostor = 0;
};

/// Pairs of photos by kind; with or without those that gave no embedding.
PairCounts count_pairs(const LabelledPhotos& photos, bool acquired_only) {
  int64_t all = 0;
  PairCounts pairs;
  for (const auto& own : photos.photos_by_person()) {
    const int64_t count = std::ranges::count_if(own, [&](size_t photo) {
      return !acquired_only || photos.photos[photo].embedding.has_value();
    });
    pairs.genuine += count * (count - 1) / 2;
    all += count;
  }
  pairs.impostor = all * (all - 1) / 2 - pairs.genuine;
  return pairs;
}

Result<void> check_pairs(const LabelledPhotos& photos) {
  const PairCounts pairs = count_pairs(photos, false);
  if (pairs.genuine > 0 && pairs.impostor > 0) return {};
  return fail(ErrorCode::InvalidInput, "too_few_pairs",
              "{} photos of {} people: {} pairs of one person and {} of two; at least one of each "
              "is needed",
              photos.photos.size(), photos.people.size(), pairs.genuine, pairs.impostor);
}

/// Everything that one look at all similarities gives.
struct AllPairs {
  ComparisonCounts counts;
  WorstPairs false_non_matches{WorstPairs::Order::LeastSimilar, kWorstPairs};
  WorstPairs false_matches{WorstPairs::Order::MostSimilar, kWorstPairs};
  std::vector<std::optional<Retrieval>> retrievals;
  std::vector<std::optional<double>> silhouettes;
};

Result<AllPairs> compare_all(const LabelledPhotos& photos, const Supervision& supervision) {
  const std::vector<uint32_t> person_of = person_indices(photos);
  AllPairs all;
  all.retrievals.resize(person_of.size());
  all.silhouettes.resize(person_of.size());
  const auto by_person = photos.photos_by_person();
  for (size_t photo = 0; photo < person_of.size(); ++photo) {
    // Whoever could be found and gave no embedding finds nobody.
    if (by_person[person_of[photo]].size() > 1) all.retrievals[photo] = Retrieval{};
  }
  std::mutex mutex;
  const auto visit = [&](size_t photo, std::span<const float> similarities) {
    all.retrievals[photo] = retrieve(similarities, person_of, photo);
    all.silhouettes[photo] = silhouette(similarities, person_of, photos.people.size(), photo);
    const std::scoped_lock lock(mutex);
    for (size_t other = photo + 1; other < similarities.size(); ++other) {
      if (similarities[other] == kFailedComparison) continue;
      const bool is_genuine = person_of[other] == person_of[photo];
      all.counts.add(is_genuine ? kGenuine : kImpostor, similarities[other]);
      (is_genuine ? all.false_non_matches : all.false_matches)
          .see({photo, other, similarities[other]});
    }
  };
  TRY(for_each_row(photos, visit, supervision));
  const PairCounts pairs = count_pairs(photos, false);
  const PairCounts compared = count_pairs(photos, true);
  all.counts.add_failures(kGenuine, pairs.genuine - compared.genuine);
  all.counts.add_failures(kImpostor, pairs.impostor - compared.impostor);
  return all;
}

Result<std::optional<CurveIntervals>> bootstrap(const LabelledPhotos& photos, uint64_t seed,
                                                const std::stop_token& stop) {
  const PairSample sample = sample_pairs(person_indices(photos), kBootstrapPairs, seed);
  std::vector<float> similarities;
  for (const PhotoPair& pair : sample.photos) {
    const auto& first = photos.photos[pair.first_photo].embedding;
    const auto& second = photos.photos[pair.second_photo].embedding;
    similarities.push_back(first && second
                               ? face::similarity(first->values, second->values, first->metric)
                               : kFailedComparison);
  }
  const PersonBootstrap people(
      sample.people, photos.people.size(),
      {.seed = seed,
       .false_match_rates = {kReportedFalseMatchRates.begin(), kReportedFalseMatchRates.end()}});
  const BootstrappedCurve curve = TRY(people.summarize(similarities, stop));
  if (curve.draws.empty()) return std::nullopt;
  return intervals_of(curve);
}

std::optional<double> mean_of(std::span<const std::optional<double>> numbers) {
  double sum = 0;
  int64_t count = 0;
  for (const auto& number : numbers) {
    if (!number) continue;
    sum += *number;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

Result<void> measure_pairs(const SupervisePhase& supervise, EvaluationReport& report) {
  const LabelledPhotos& photos = report.photos;
  AllPairs all = TRY(compare_all(photos, supervise("comparisons")));
  VerificationReport verification;
  verification.curve = summarize(all.counts, kReportedFalseMatchRates);
  verification.intervals = TRY(bootstrap(photos, report.seed, supervise("intervals").stop));
  verification.fnmr_at_fmr = fnmr_at_fmr(all.counts);
  verification.false_non_matches = all.false_non_matches.take();
  verification.false_matches = all.false_matches.take();
  verification.counts = std::move(all.counts);
  EmbeddingReport embeddings{.retrieval = summarize(all.retrievals),
                             .silhouette = mean_of(all.silhouettes)};
  embeddings.map =
      TRY(map_photos(photos, {.layout = {.seed = report.seed}}, supervise("map").stop));
  report.verification = std::move(verification);
  report.embeddings = std::move(embeddings);
  return {};
}

Result<void> measure_conditions(const EvaluationOptions& options, const SupervisePhase& supervise,
                                EvaluationReport& report) {
  // Rarer rates have thresholds that few pairs place; groups would differ by chance.
  const auto common = std::span(report.verification->fnmr_at_fmr).first(3);
  const auto rate = rarest_measured(common);
  if (!rate) {
    report.notes.emplace_back(
        "Errors by quality and group: not measurable, for too few impostor pairs set a threshold.");
    return {};
  }
  ConditionReport conditions{.false_match_rate = rate->false_match_rate,
                             .match_threshold = rate->measured->match_threshold};
  conditions.quality = measure_quality(report.photos, conditions.match_threshold);
  const Supervision supervision = supervise("groups");
  conditions.attributes = TRY(
      measure_groups(report.photos, options.attributes, conditions.match_threshold, supervision));
  report.conditions = std::move(conditions);
  return {};
}

}  // namespace

Result<EvaluationReport> evaluate_photos(LabelledPhotos photos, const EvaluationOptions& options,
                                         const SupervisePhase& supervise) {
  EvaluationReport report{.seed = options.seed, .photos = std::move(photos)};
  const auto any = std::ranges::find_if(report.photos.photos,
                                        [](const auto& photo) { return !!photo.embedding; });
  CHECK(any != report.photos.photos.end());
  report.model_id = any->embedding->model_id;
  if (options.scope == EvaluationScope::Everything) {
    TRY(check_pairs(report.photos));
    TRY(measure_pairs(supervise, report));
    TRY(measure_conditions(options, supervise, report));
  }
  auto identification =
      measure_identification(report.photos, {.seed = options.seed}, supervise("galleries"));
  if (identification) {
    report.identification = std::move(*identification);
  } else if (options.scope == EvaluationScope::Everything &&
             identification.error().reason == "too_few_people") {
    report.notes.push_back("Identification: " + identification.error().message + ".");
  } else {
    return Unexpected(identification.error());
  }
  return report;
}

}  // namespace faceforge::evaluate
