#include "base/spelling.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace faceforge {
namespace {

/// Levenshtein distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> near_words(std::string_view word, std::span<const std::string> known) {
  constexpr size_t kAnswerLimit = 3;
  constexpr size_t kWordLimit_bytes = 64;
  if (word.empty() || word.size() > kWordLimit_bytes) return {};
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    const bool is_part = candidate.find(word) != std::string::npos;
    if (is_part || distance <= std::max<size_t>(1, candidate.size() / 3)) {
      near.emplace_back(distance, candidate);
    }
  }
  std::ranges::sort(near);
  if (near.size() > kAnswerLimit) near.resize(kAnswerLimit);
  std::vector<std::string> answer;
  for (auto& [distance, candidate] : near) answer.push_back(std::move(candidate));
  return answer;
}

}  // namespace faceforge
