#include "evaluate/unseen_people.h"

#include <algorithm>

namespace faceforge::evaluate {

std::set<std::string> seen_in_training(std::span<const crops::TrainedPeople> trained,
                                       const std::set<std::string>& people) {
  std::set<std::string> seen;
  for (const std::string& person : people) {
    const bool is_seen = std::ranges::any_of(
        trained, [&](const crops::TrainedPeople& one) { return one.contains(person); });
    if (is_seen) seen.insert(person);
  }
  return seen;
}

Result<void> require_unseen(std::span<const crops::TrainedPeople> trained,
                            const std::set<std::string>& people, std::string_view pack_id) {
  const auto seen = seen_in_training(trained, people);
  if (seen.empty()) return {};
  return fail(
      ErrorCode::Conflict, "trained_on_these_people",
      "{} was trained on {} of these {} people (`{}` is one): it knows them, so they cannot "
      "show how well it tells others apart; leave them out, or take others",
      pack_id, seen.size(), people.size(), *seen.begin());
}

PairList without(PairList list, const std::set<std::string>& people) {
  std::erase_if(list.pairs, [&](const Pair& pair) {
    return people.contains(pair.first.person) || people.contains(pair.second.person);
  });
  return list;
}

}  // namespace faceforge::evaluate
