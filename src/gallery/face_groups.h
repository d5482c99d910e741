#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "face/embedding.h"

namespace faceforge::gallery {

/// Most faces that are grouped at once.
inline constexpr size_t kMaxGroupedFaces = 4'096;

/// Puts faces that are alike together. Two groups become one while the similarity of their faces,
/// on average over all pairs, reaches a threshold; the most alike go first. An average, because a
/// single link is enough for two people's chains of faces to become one, and with many faces one
/// pair in a million is there.
///
/// in:     embeddings of one model, metric and length (a CHECK), at most kMaxGroupedFaces (a CHECK)
/// out:    indices: every face in one group, in its order; the groups by falling size, of equals
///         the one whose first face comes first. The same for the same faces in the same order.
/// cost:   O(faces^2 * length) time, O(faces^2) memory: 4 MB for 1000
/// source: agglomerative clustering with average linkage (UPGMA), by chains of nearest neighbours:
///         Murtagh 1983, "A survey of recent advances in hierarchical clustering algorithms"; a
///         pair below the threshold ends the chain, for average linkage never makes two groups more
///         alike than their parts were
[[nodiscard]] std::vector<std::vector<size_t>> group_faces(
    std::span<const face::Embedding> embeddings, float same_person_similarity);

}  // namespace faceforge::gallery
