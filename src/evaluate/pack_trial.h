#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string_view>

#include "base/parallel_work.h"
#include "base/result.h"
#include "evaluate/pairs_protocol.h"
#include "evaluate/person_bootstrap.h"
#include "face/model_id.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

/// What one of the two made of the pairs.
struct TrialSide {
  face::ModelId model_id = {};
  CurveSummary curve = {};   ///< TAR at `kTrialFalseMatchRate`
  size_t failure_count = 0;  ///< photos without a face: their pairs count as wrong
};

inline constexpr double kTrialFalseMatchRate = 1e-2;

/// A pack held against the one in use, on the same pairs.
struct PackTrial {
  size_t photo_count = 0;
  size_t person_count = 0;
  int64_t genuine_pair_count = 0;
  int64_t impostor_pair_count = 0;
  TrialSide challenger = {};
  TrialSide current = {};
  Interval auc_lead = {};  ///< of the challenger's area minus the current's, 95 %, over people
  Interval true_accept_lead = {};
};

/// Bounds the difference between two that compared the same pairs, by drawing people: each draw is
/// the same for both, so that what makes people hard to tell apart is not taken for a difference.
///
/// in:     what both made of the list's pairs (a CHECK)
/// out:    without the sides' ModelIds
/// fails:  invalid_input/too_few_pairs when there are not pairs of both kinds, or no draw has them;
///         cancelled/cancelled
/// source: as `PersonBootstrap`
[[nodiscard]] Result<PackTrial> compare_sides(const PairList& list, const ComparedPairs& challenger,
                                              const ComparedPairs& current,
                                              const std::stop_token& stop = {});

/// Measures both packs on the same pairs.
///
/// in:     `begin_side` is told of each of the two before its photos are looked at
/// fails:  as `compare_pairs` and `compare_sides`
[[nodiscard]] Result<PackTrial> hold_trial(
    const vision::Pipeline& challenger, const vision::Pipeline& current,
    const std::filesystem::path& images, const PairList& list,
    const std::function<Supervision(std::string_view pack_id)>& begin_side);

/// Whether the challenger is better for certain: the whole interval of its lead in area lies above
/// -`margin`. With a margin over 0 it need only be no worse than that.
[[nodiscard]] bool is_better(const PackTrial& trial, double margin = 0);

}  // namespace faceforge::evaluate
