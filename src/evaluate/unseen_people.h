#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crops/trained_people.h"
#include "evaluate/pair_list.h"

// Whoever was trained on cannot show how well a network tells others apart.
namespace faceforge::evaluate {

/// Those of `people` whom one of the networks was trained on.
[[nodiscard]] std::set<std::string> seen_in_training(std::span<const crops::TrainedPeople> trained,
                                                     const std::set<std::string>& people);

/// Refuses people whom one of the networks was trained on.
///
/// in:    `pack_id` for the message
/// fails: conflict/trained_on_these_people naming how many they are and one of them
[[nodiscard]] Result<void> require_unseen(std::span<const crops::TrainedPeople> trained,
                                          const std::set<std::string>& people,
                                          std::string_view pack_id);

/// The pairs of a list in which none of `people` occurs.
[[nodiscard]] PairList without(PairList list, const std::set<std::string>& people);

}  // namespace faceforge::evaluate
