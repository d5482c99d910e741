#pragma once

namespace faceforge::evaluate {

/// What stands for the similarity of a comparison that failed, because one of its photos gave no
/// embedding: less than every similarity.
inline constexpr float kFailedComparison = -2;

}  // namespace faceforge::evaluate
