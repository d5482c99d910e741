#include "evaluate/pack_trial.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/check.h"

namespace faceforge::evaluate {
namespace {

/// The people of a list's pairs by number.
struct NumberedPairs {
  std::vector<PersonPair> pairs;
  size_t person_count = 0;
};

NumberedPairs number_people(const PairList& list) {
  std::map<std::string_view, uint32_t> number_of;
  const auto number = [&](const std::string& person) {
    return number_of.emplace(person, static_cast<uint32_t>(number_of.size())).first->second;
  };
  NumberedPairs numbered;
  for (const Pair& pair : list.pairs) {
    const uint32_t first = number(pair.first.person);
    const uint32_t second = number(pair.second.person);
    numbered.pairs.push_back({first, second, pair.kind});
  }
  numbered.person_count = number_of.size();
  return numbered;
}

std::vector<float> similarities_of(const ComparedPairs& compared) {
  std::vector<float> similarities;
  for (const ComparedPair& pair : compared.pairs) similarities.push_back(pair.similarity);
  return similarities;
}

/// Of a figure of both curves, draw by draw.
Interval lead_of(const BootstrappedCurve& challenger, const BootstrappedCurve& current,
                 const std::function<double(const CurveSummary&)>& figure) {
  CHECK(challenger.draws.size() == current.draws.size());  // the same people, so the same left out
  std::vector<double> leads;
  for (size_t draw = 0; draw < challenger.draws.size(); ++draw) {
    leads.push_back(figure(challenger.draws[draw]) - figure(current.draws[draw]));
  }
  return percentile_interval(std::move(leads));
}

}  // namespace

Result<PackTrial> compare_sides(const PairList& list, const ComparedPairs& challenger,
                                const ComparedPairs& current, const std::stop_token& stop) {
  CHECK(challenger.pairs.size() == list.pairs.size() && current.pairs.size() == list.pairs.size());
  const NumberedPairs people = number_people(list);
  PackTrial trial;
  trial.photo_count = challenger.photo_count;
  trial.person_count = people.person_count;
  trial.genuine_pair_count = std::ranges::count(list.pairs, PairKind::Genuine, &Pair::kind);
  trial.impostor_pair_count = std::ssize(list.pairs) - trial.genuine_pair_count;
  const auto too_few = [&] {
    return fail(ErrorCode::InvalidInput, "too_few_pairs",
                "{} pairs of one person and {} of two, of {} people: too few to compare packs",
                trial.genuine_pair_count, trial.impostor_pair_count, trial.person_count);
  };
  if (trial.genuine_pair_count == 0 || trial.impostor_pair_count == 0) return too_few();
  const PersonBootstrap bootstrap(people.pairs, people.person_count,
                                  {.false_match_rates = {kTrialFalseMatchRate}});
  const auto ours = TRY(bootstrap.summarize(similarities_of(challenger), stop));
  const auto theirs = TRY(bootstrap.summarize(similarities_of(current), stop));
  if (ours.draws.empty()) return too_few();
  trial.challenger = {.curve = ours.measured, .failure_count = challenger.failures_to_detect};
  trial.current = {.curve = theirs.measured, .failure_count = current.failures_to_detect};
  trial.auc_lead = lead_of(ours, theirs, [](const CurveSummary& curve) { return curve.auc; });
  trial.true_accept_lead = lead_of(
      ours, theirs, [](const CurveSummary& curve) { return curve.true_accept_rates.front(); });
  return trial;
}

Result<PackTrial> hold_trial(const vision::Pipeline& challenger, const vision::Pipeline& current,
                             const std::filesystem::path& images, const PairList& list,
                             const std::function<Supervision(std::string_view)>& begin_side) {
  const Supervision of_current = begin_side(current.spec().pack_id);
  const ComparedPairs theirs = TRY(compare_pairs(current, images, list, of_current));
  const Supervision of_challenger = begin_side(challenger.spec().pack_id);
  const ComparedPairs ours = TRY(compare_pairs(challenger, images, list, of_challenger));
  PackTrial trial = TRY(compare_sides(list, ours, theirs, of_challenger.stop));
  trial.challenger.model_id = challenger.model_id();
  trial.current.model_id = current.model_id();
  return trial;
}

bool is_better(const PackTrial& trial, double margin) {
  return trial.auc_lead.low > -margin;
}

}  // namespace faceforge::evaluate
