#include "evaluate/model_comparison.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/operating_curve.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/failed_comparison.h"
#include "evaluate/report_text.h"

namespace faceforge::evaluate {
namespace {

/// `PERSON` of `PREFIX:PERSON/PHOTO`.
std::string_view person_of(std::string_view photo) {
  const std::string_view person = photo.substr(0, photo.rfind('/'));
  return person.substr(person.find(':') + 1);  // npos + 1 is 0
}

std::vector<uint32_t> number_people(std::span<const std::string> photos, size_t& person_count) {
  std::map<std::string_view, uint32_t> index_of;
  std::vector<uint32_t> numbers;
  for (const std::string& photo : photos) {
    numbers.push_back(
        index_of.emplace(person_of(photo), static_cast<uint32_t>(index_of.size())).first->second);
  }
  person_count = index_of.size();
  return numbers;
}

struct KindCounts {
  int64_t genuine = 0;
  int64_t impostor = 0;
};

KindCounts count_kinds(const ComparisonPlan& plan) {
  const auto genuine = std::ranges::count(plan.pairs.people, PairKind::Genuine, &PersonPair::kind);
  return {genuine, static_cast<int64_t>(plan.pairs.people.size()) - genuine};
}

Result<ComparisonPlan> checked(ComparisonPlan plan) {
  const auto [genuine, impostor] = count_kinds(plan);
  if (genuine > 0 && impostor > 0) return plan;
  return fail(ErrorCode::InvalidInput, "too_few_pairs",
              "{} photos of {} people: {} pairs of one person and {} of two; at least one of each "
              "is needed",
              plan.photos.size(), plan.person_count, genuine, impostor);
}

std::vector<float> similarities_of(const ModelEmbeddings& model, const ComparisonPlan& plan) {
  std::vector<const face::Embedding*> embeddings;
  for (const std::string& photo : plan.photos) {
    const auto found = model.by_photo.find(photo);
    embeddings.push_back(found == model.by_photo.end() ? nullptr : &found->second);
  }
  std::vector<float> similarities;
  similarities.reserve(plan.pairs.photos.size());
  for (const PhotoPair& pair : plan.pairs.photos) {
    const face::Embedding* first = embeddings[pair.first_photo];
    const face::Embedding* second = embeddings[pair.second_photo];
    similarities.push_back(first != nullptr && second != nullptr
                               ? face::similarity(first->values, second->values, first->metric)
                               : kFailedComparison);
  }
  return similarities;
}

/// More is better.
double merit(const CurveSummary& curve, Criterion criterion) {
  const double figure = figure_of(curve, criterion);
  return criterion == Criterion::EqualErrorRate ? -figure : figure;
}

/// Leading minus other, draw by draw; of the EER the other way round, so that more is better.
BootstrappedCurve difference(const BootstrappedCurve& leading, const BootstrappedCurve& other) {
  const auto subtract = [](const CurveSummary& a, const CurveSummary& b) {
    CurveSummary ahead{.auc = a.auc - b.auc,
                       .equal_error_rate = b.equal_error_rate - a.equal_error_rate};
    for (size_t index = 0; index < a.true_accept_rates.size(); ++index) {
      ahead.true_accept_rates.push_back(a.true_accept_rates[index] - b.true_accept_rates[index]);
    }
    return ahead;
  };
  CHECK(leading.draws.size() == other.draws.size());  // the same people, so the same left out
  BootstrappedCurve ahead{.measured = subtract(leading.measured, other.measured)};
  for (size_t draw = 0; draw < leading.draws.size(); ++draw) {
    ahead.draws.push_back(subtract(leading.draws[draw], other.draws[draw]));
  }
  return ahead;
}

Result<void> check_models(std::span<const ModelEmbeddings> models, const ComparisonPlan& plan) {
  if (models.size() < 2) {
    return fail(ErrorCode::InvalidInput, "too_few_models", "{} model; two or more can be compared",
                models.size());
  }
  for (const ModelEmbeddings& model : models) {
    const bool any = std::ranges::any_of(
        plan.photos, [&](const std::string& photo) { return model.by_photo.contains(photo); });
    if (any) continue;
    return fail(ErrorCode::InvalidInput, "no_common_photos",
                "{} has not one of the {} photos that are compared", model.name,
                plan.photos.size());
  }
  return {};
}

/// Ranks the models and says how far the first one is ahead.
void rank_models(const std::vector<BootstrappedCurve>& curves, ComparisonReport& report) {
  std::vector<size_t> order(curves.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t index) {
    return merit(curves[index].measured, report.criterion);
  });
  std::vector<ComparedModel> ranked;
  for (const size_t index : order) ranked.push_back(std::move(report.models[index]));
  report.models = std::move(ranked);
  const auto others = static_cast<double>(curves.size() - 1);
  report.lead_confidence = 1 - (1 - kConfidence) / others;
  report.leader_is_best = true;
  for (size_t place = 1; place < order.size(); ++place) {
    const BootstrappedCurve ahead = difference(curves[order[0]], curves[order[place]]);
    Lead lead{.other_index = place};
    if (!ahead.draws.empty()) lead.ahead = intervals_of(ahead, report.lead_confidence);
    const bool is_sure = lead.ahead && interval_of(*lead.ahead, report.criterion).low > 0;
    report.leader_is_best = report.leader_is_best && is_sure;
    report.leads.push_back(std::move(lead));
  }
}

}  // namespace

Result<ComparisonPlan> plan_all_pairs(std::span<const std::string> photos, uint64_t seed) {
  ComparisonPlan plan{.photos = {photos.begin(), photos.end()}};
  const auto people = number_people(photos, plan.person_count);
  plan.pairs = sample_pairs(people, kBootstrapPairs, seed);
  return checked(std::move(plan));
}

Result<ComparisonPlan> plan_cross_pairs(std::span<const std::string> gallery,
                                        std::span<const std::string> test, uint64_t seed) {
  ComparisonPlan plan{.photos = {gallery.begin(), gallery.end()}};
  plan.photos.insert(plan.photos.end(), test.begin(), test.end());
  const auto people = number_people(plan.photos, plan.person_count);
  plan.pairs = sample_cross_pairs(people, gallery.size(), kBootstrapPairs, seed);
  return checked(std::move(plan));
}

Result<ComparisonPlan> plan_listed_pairs(const PairList& list) {
  ComparisonPlan plan;
  std::map<PhotoName, uint32_t> index_of;
  std::map<std::string, uint32_t> person_index_of;
  const auto photo_index = [&](const PhotoName& photo) {
    const auto [place, is_new] = index_of.emplace(photo, static_cast<uint32_t>(plan.photos.size()));
    if (is_new) plan.photos.push_back(listed_photo_name(photo));
    return place->second;
  };
  const auto person_index = [&](const std::string& person) {
    return person_index_of.emplace(person, static_cast<uint32_t>(person_index_of.size()))
        .first->second;
  };
  for (const Pair& pair : list.pairs) {
    plan.pairs.photos.push_back({photo_index(pair.first), photo_index(pair.second)});
    plan.pairs.people.push_back(
        {person_index(pair.first.person), person_index(pair.second.person), pair.kind});
  }
  plan.person_count = person_index_of.size();
  return checked(std::move(plan));
}

std::string listed_photo_name(const PhotoName& photo) {
  return fmt::format("{}/{}", photo.person, photo.number);
}

std::string_view to_string(Criterion criterion) {
  switch (criterion) {
    case Criterion::Auc:
      return "auc";
    case Criterion::EqualErrorRate:
      return "eer";
    case Criterion::TrueAcceptRate:
      return "tar";
  }
  return "";
}

Result<Criterion> criterion_from(std::string_view name) {
  for (const Criterion criterion :
       {Criterion::Auc, Criterion::EqualErrorRate, Criterion::TrueAcceptRate}) {
    if (name == to_string(criterion)) return criterion;
  }
  return fail(ErrorCode::InvalidInput, "criterion_unknown",
              "`{}` is no criterion; choose auc, eer or tar", name);
}

double figure_of(const CurveSummary& curve, Criterion criterion) {
  switch (criterion) {
    case Criterion::Auc:
      return curve.auc;
    case Criterion::EqualErrorRate:
      return curve.equal_error_rate;
    case Criterion::TrueAcceptRate:
      return curve.true_accept_rates.back();
  }
  return 0;
}

const Interval& interval_of(const CurveIntervals& intervals, Criterion criterion) {
  switch (criterion) {
    case Criterion::Auc:
      return intervals.auc;
    case Criterion::EqualErrorRate:
      return intervals.equal_error_rate;
    case Criterion::TrueAcceptRate:
      return intervals.true_accept_rates.back();
  }
  return intervals.auc;
}

std::string criterion_text(const ComparisonReport& report) {
  switch (report.criterion) {
    case Criterion::Auc:
      return "area under the ROC curve";
    case Criterion::EqualErrorRate:
      return "equal error rate";
    case Criterion::TrueAcceptRate:
      return "TAR at FMR " + promise_text(report.false_match_rates.back());
  }
  return "";
}

ModelEmbeddings by_photo(std::string name, const LabelledPhotos& photos, std::string_view prefix) {
  ModelEmbeddings model{.name = std::move(name)};
  for (const LabelledPhoto& photo : photos.photos) {
    if (!photo.embedding) continue;
    model.model_id = photo.embedding->model_id;
    model.by_photo.emplace(std::string(prefix) + photo.name, *photo.embedding);
  }
  return model;
}

Result<ComparisonReport> compare_models(std::span<const ModelEmbeddings> models,
                                        const ComparisonPlan& plan, Criterion criterion,
                                        uint64_t seed, const Supervision& supervision) {
  TRY(check_models(models, plan));
  const auto [genuine_count, impostor_count] = count_kinds(plan);
  ComparisonReport report{.photo_count = plan.photos.size(),
                          .person_count = plan.person_count,
                          .genuine_pair_count = genuine_count,
                          .impostor_pair_count = impostor_count,
                          .seed = seed,
                          .criterion = criterion};
  for (const double rate : kReportedFalseMatchRates) {
    if (is_measurable(rate, impostor_count)) report.false_match_rates.push_back(rate);
  }
  if (criterion == Criterion::TrueAcceptRate && report.false_match_rates.empty()) {
    return fail(ErrorCode::InvalidInput, "too_few_impostor_pairs",
                "{} impostor pairs; {} are needed for a TAR at FMR {:g}", impostor_count,
                static_cast<int64_t>(kErrorsBehindARate / kReportedFalseMatchRates.front()),
                kReportedFalseMatchRates.front());
  }
  const PersonBootstrap bootstrap(plan.pairs.people, plan.person_count,
                                  {.seed = seed, .false_match_rates = report.false_match_rates});
  std::vector<BootstrappedCurve> curves;
  for (const ModelEmbeddings& model : models) {
    curves.push_back(TRY(bootstrap.summarize(similarities_of(model, plan), supervision.stop)));
    ComparedModel compared{.name = model.name, .model_id = model.model_id};
    compared.failure_count = static_cast<size_t>(std::ranges::count_if(
        plan.photos, [&](const std::string& photo) { return !model.by_photo.contains(photo); }));
    compared.curve = curves.back().measured;
    if (!curves.back().draws.empty()) compared.intervals = intervals_of(curves.back());
    report.models.push_back(std::move(compared));
    if (supervision.report) supervision.report(report.models.size(), models.size());
  }
  rank_models(curves, report);
  return report;
}

}  // namespace faceforge::evaluate
