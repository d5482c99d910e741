#include "gallery/face_groups.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"

namespace faceforge::gallery {
namespace {

constexpr float kNoSimilarity = -2;  // less than any

/// Groups while they grow, and how alike each two of them are. A group has the index of one of its
/// faces.
class Linkage {
 public:
  explicit Linkage(std::span<const face::Embedding> embeddings)
      : count_(embeddings.size()),
        similarity_(count_ * count_, kNoSimilarity),
        members_(count_),
        is_open_(count_, 1) {
    for (size_t a = 0; a < count_; ++a) {
      members_[a].push_back(a);
      for (size_t b = 0; b < a; ++b) {
        const auto compared = face::similarity(embeddings[a], embeddings[b]);
        CHECK_MSG(compared.has_value(), "faces of one model are grouped");
        similarity(a, b) = similarity(b, a) = *compared;
      }
    }
  }

  /// A group that may still grow.
  [[nodiscard]] std::optional<size_t> any_open() const {
    const auto found = std::ranges::find(is_open_, 1);
    if (found == is_open_.end()) return std::nullopt;
    return static_cast<size_t>(found - is_open_.begin());
  }

  /// The open group that is most like an open one, and how much; of equals `preferred`, so that a
  /// chain of equals ends.
  [[nodiscard]] std::pair<size_t, float> nearest(size_t group, size_t preferred) const {
    std::pair best{preferred, preferred == group ? kNoSimilarity : similarity(group, preferred)};
    for (size_t other = 0; other < count_; ++other) {
      if (other == group || is_open_[other] == 0) continue;
      if (similarity(group, other) > best.second) best = {other, similarity(group, other)};
    }
    return best;
  }

  /// `from` becomes part of `into`.
  void join(size_t into, size_t from) {
    const auto weight = static_cast<float>(members_[into].size());
    const auto added = static_cast<float>(members_[from].size());
    for (size_t other = 0; other < count_; ++other) {
      if (other == into || other == from) continue;
      const float mean =
          (weight * similarity(into, other) + added * similarity(from, other)) / (weight + added);
      similarity(into, other) = similarity(other, into) = mean;
    }
    members_[into].insert(members_[into].end(), members_[from].begin(), members_[from].end());
    members_[from].clear();
    is_open_[from] = 0;
  }

  void close(size_t group) { is_open_[group] = 0; }

  [[nodiscard]] std::vector<std::vector<size_t>> groups() && {
    std::erase_if(members_, [](const auto& members) { return members.empty(); });
    for (auto& members : members_) std::ranges::sort(members);
    std::ranges::sort(members_, [](const auto& a, const auto& b) {
      return std::pair(b.size(), a.front()) < std::pair(a.size(), b.front());
    });
    return std::move(members_);
  }

 private:
  [[nodiscard]] float& similarity(size_t a, size_t b) { return similarity_[a * count_ + b]; }
  [[nodiscard]] float similarity(size_t a, size_t b) const { return similarity_[a * count_ + b]; }

  size_t count_;
  std::vector<float> similarity_;
  std::vector<std::vector<size_t>> members_;
  std::vector<uint8_t> is_open_;
};

}  // namespace

std::vector<std::vector<size_t>> group_faces(std::span<const face::Embedding> embeddings,
                                             float same_person_similarity) {
  CHECK(embeddings.size() <= kMaxGroupedFaces);
  Linkage linkage(embeddings);
  std::vector<size_t> chain;  // each is the most like the one before
  for (;;) {
    if (chain.empty()) {
      const auto begin = linkage.any_open();
      if (!begin) break;
      chain.push_back(*begin);
    }
    const size_t last = chain.back();
    const size_t before = chain.size() > 1 ? chain[chain.size() - 2] : last;
    const auto [nearest, similarity] = linkage.nearest(last, before);
    if (similarity < same_person_similarity) {
      linkage.close(last);
      chain.pop_back();
    } else if (nearest != before) {
      chain.push_back(nearest);
    } else {
      chain.resize(chain.size() - 2);
      linkage.join(std::min(last, before), std::max(last, before));
    }
  }
  return std::move(linkage).groups();
}

}  // namespace faceforge::gallery
