#pragma once

#include <cstddef>

#include "base/result.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition::internal {

/// Candidates that a decision needs: two, so that a second person who comes close is seen even when
/// only the best is asked for.
inline constexpr size_t kDecisiveCandidates = 2;

/// fails: conflict/model_mismatch when gallery and engine are of two models
[[nodiscard]] Result<void> require_one_model(const gallery::Snapshot& snapshot,
                                             const FaceEngine& engine);

/// By what similarities to a version are judged: `gallery::Snapshot::calibration_beside`.
///
/// in:    `snapshot` and `engine` of one model
/// fails: as gallery::MatchPolicy::create
[[nodiscard]] Result<gallery::MatchPolicy> policy_of(const gallery::Snapshot& snapshot,
                                                     const FaceEngine& engine,
                                                     const gallery::MatchRates& rates);

}  // namespace faceforge::recognition::internal
