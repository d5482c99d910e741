#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace faceforge::evaluate {

/// Two photos and how similar they are.
struct SimilarPair {
  size_t first_photo = 0;
  size_t second_photo = 0;
  float similarity = 0;
};

/// Keeps the few pairs that stand out most of the millions that it is shown: the most similar or
/// the least similar ones. Which of equals are kept does not depend on the order they come in.
class WorstPairs {
 public:
  enum class Order { MostSimilar, LeastSimilar };

  WorstPairs(Order order, size_t limit) : order_(order), limit_(limit) {}

  void see(const SimilarPair& pair) {
    if (pairs_.size() == limit_ && !stands_out(pair, pairs_.back())) return;
    const auto place = std::ranges::upper_bound(
        pairs_, pair,
        [this](const SimilarPair& a, const SimilarPair& b) { return stands_out(a, b); });
    pairs_.insert(place, pair);
    if (pairs_.size() > limit_) pairs_.pop_back();
  }

  /// The pairs, the one that stands out most first.
  [[nodiscard]] std::vector<SimilarPair> take() { return std::move(pairs_); }

 private:
  [[nodiscard]] bool stands_out(const SimilarPair& a, const SimilarPair& b) const {
    const float sign = order_ == Order::MostSimilar ? -1.0F : 1.0F;
    return std::tuple(sign * a.similarity, a.first_photo, a.second_photo) <
           std::tuple(sign * b.similarity, b.first_photo, b.second_photo);
  }

  Order order_;
  size_t limit_;
  std::vector<SimilarPair> pairs_;
};

}  // namespace faceforge::evaluate
