#include "search/internal/scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "search/internal/parallel.h"
#include "search/internal/products.h"

namespace faceforge::search::internal {
namespace {

/// Rows compared with every query before the next ones are read: their codes stay in the
/// first-level or second-level cache (at 512 values a row, 64 KiB).
constexpr size_t kBlockRows = 128;

/// Fewer for a lone query, whose codes come from memory: none are read while a block's products are
/// looked at, so those pauses are kept short.
constexpr size_t kLoneBlockRows = 32;
static_assert(kLoneBlockRows <= kBlockRows);

/// Queries whose products with a block are in memory at once: 32 KiB.
constexpr size_t kGroupQueries = 64;

/// Candidates of one query at which those that better rows have ruled out meanwhile are dropped.
constexpr size_t kPruneAbove = 8'192;

/// What single precision may add to a bound, relative to the product of the norms, and what it
/// may hide of a similarity that is near 1.
constexpr double kRelativeSlack = 0x1p-20;
constexpr double kAbsoluteSlack = 0x1p-22;

bool comes_first(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
}

/// The best rows of a part of the index for one query, as far as codes can tell. What is compared
/// is q.x (cosine) or q.x - |x|^2 / 2 (L2), which rank like the similarity.
class Candidates {
 public:
  Candidates(const RowStore& rows, std::span<const float> query, size_t count)
      : rows_(&rows), query_(rows.code(query)), count_(count) {
    const double norm = query_.norm;
    // A row's codes are at most twice as long as it: each value moves by less than itself.
    slack_ = static_cast<float>(double{query_.code_error} * 2 * rows.norm_limit() +
                                kRelativeSlack * (norm + rows.norm_limit()) * rows.norm_limit() +
                                kAbsoluteSlack);
    if (rows.metric() == face::Metric::L2) {
      // Of distances beyond that of similarity -1 nothing is told apart. Where the norm is too
      // large for it, nothing is beyond.
      lowest_ = static_cast<float>(norm * norm / 2 * (1 - kRelativeSlack) - 2 - kAbsoluteSlack);
      if (!std::isfinite(lowest_)) lowest_ = -std::numeric_limits<float>::infinity();
    } else {
      lowest_ = -1;
      highest_ = 1;
    }
    lower_bounds_.reserve(count);
  }

  [[nodiscard]] const int16_t* codes() const { return query_.codes.data(); }

  /// in: `exact` the products of the query's codes with those of `row_count` rows
  void compare(size_t first_row, size_t row_count, const int32_t* exact) {
    std::array<float, kBlockRows> centres;
    std::array<float, kBlockRows> margins;
    const RowStore::Columns& columns = rows_->columns();
    const float* const steps = columns.steps.data() + first_row;
    const float* const errors = columns.errors.data() + first_row;
    for (size_t row = 0; row < row_count; ++row) {
      centres[row] = static_cast<float>(exact[row]) * (steps[row] * query_.step);
      margins[row] = errors[row] * query_.norm + slack_;
    }
    if (rows_->metric() == face::Metric::L2) {
      const float* const offsets = columns.offsets.data() + first_row;
      for (size_t row = 0; row < row_count; ++row) centres[row] += offsets[row];
    }
    // Written so that a bound which is no number rules nothing out. Most blocks hold no row that is
    // good enough, which this tells without a branch a row.
    int good_count = 0;
    for (size_t row = 0; row < row_count; ++row) {
      good_count += !(centres[row] + margins[row] < threshold_);
    }
    for (size_t row = 0; row < row_count && good_count > 0; ++row) {
      if (centres[row] + margins[row] < threshold_) continue;
      offer(first_row + row, centres[row], margins[row]);
    }
  }

  /// Rows that may be among the best when nothing better than `threshold` is known elsewhere.
  void collect(float threshold, std::vector<uint32_t>& candidates) const {
    for (const Candidate& candidate : found_) {
      if (!(candidate.upper < threshold)) candidates.push_back(candidate.row);
    }
  }

  [[nodiscard]] std::span<const float> lower_bounds() const { return lower_bounds_; }

 private:
  struct Candidate {
    uint32_t row;
    float upper;
  };

  void offer(size_t row, float centre, float margin) {
    if (!rows_->is_present(row)) return;
    // std::max and std::min give their first argument where one is no number; a bound that is none
    // rules nothing out.
    const float upper = std::max(std::min(centre + margin, highest_), lowest_);
    // At the floor all similarities are equal, and this part's rows come by rising number.
    if (upper <= lowest_ && lower_bounds_.size() == count_) return;
    found_.push_back({static_cast<uint32_t>(row), upper});
    const float lower = std::min(highest_, std::max(lowest_, centre - margin));
    if (lower_bounds_.size() < count_) {
      lower_bounds_.push_back(lower);
      std::ranges::push_heap(lower_bounds_, std::greater<>());
    } else if (lower > lower_bounds_.front()) {
      std::ranges::pop_heap(lower_bounds_, std::greater<>());
      lower_bounds_.back() = lower;
      std::ranges::push_heap(lower_bounds_, std::greater<>());
    }
    if (lower_bounds_.size() == count_) threshold_ = lower_bounds_.front();
    if (found_.size() >= prune_at_) prune();
  }

  void prune() {
    std::erase_if(found_,
                  [this](const Candidate& candidate) { return candidate.upper < threshold_; });
    prune_at_ = std::max(kPruneAbove, 2 * found_.size());
  }

  const RowStore* rows_;
  CodedQuery query_;
  size_t count_;
  float slack_ = 0;
  float lowest_;
  float highest_ = std::numeric_limits<float>::infinity();
  float threshold_ = -std::numeric_limits<float>::infinity();
  size_t prune_at_ = kPruneAbove;
  std::vector<Candidate> found_;
  std::vector<float> lower_bounds_;  ///< the `count` highest, a heap, the lowest in front
};

/// Compares the rows of some blocks with all queries, block by block.
///
/// in: `block_rows` at most kBlockRows
void compare_blocks(const RowStore& rows, std::span<Candidates> queries, size_t block_rows,
                    size_t first_block, size_t block_end) {
  std::array<const int16_t*, kGroupQueries> codes;
  std::array<int32_t, kGroupQueries * kBlockRows> exact;
  for (size_t block = first_block; block < block_end; ++block) {
    const size_t row = block * block_rows;
    const size_t row_count = std::min(block_rows, rows.row_end() - row);
    for (size_t first = 0; first < queries.size(); first += kGroupQueries) {
      const auto group = queries.subspan(first, std::min(kGroupQueries, queries.size() - first));
      std::ranges::transform(group, codes.begin(), &Candidates::codes);
      products(rows.codes(row), row_count, rows.stride(), std::span(codes).first(group.size()),
               exact.data());
      for (size_t query = 0; query < group.size(); ++query) {
        group[query].compare(row, row_count, exact.data() + query * row_count);
      }
    }
  }
}

/// The `count`-th highest of the lower bounds of all parts; minus infinity where there are fewer.
float common_threshold(const std::vector<std::vector<Candidates>>& parts, size_t query,
                       size_t count) {
  std::vector<float> bounds;
  for (const auto& part : parts) {
    bounds.insert(bounds.end(), part[query].lower_bounds().begin(),
                  part[query].lower_bounds().end());
  }
  if (bounds.size() < count) return -std::numeric_limits<float>::infinity();
  const auto place = bounds.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::ranges::nth_element(bounds, place, std::greater<>());
  return *place;
}

}  // namespace

std::vector<Neighbour> rank(const RowStore& rows, std::span<const float> query,
                            std::span<const uint32_t> candidates, size_t count) {
  std::vector<Neighbour> ranked;
  ranked.reserve(candidates.size());
  for (const uint32_t row : candidates) {
    const float similarity = rows.similarity(query, row);
    // A damaged file may hold any values, and what is no number has no rank.
    if (std::isfinite(similarity)) ranked.push_back({row, similarity});
  }
  const size_t kept = std::min(count, ranked.size());
  std::ranges::partial_sort(ranked, ranked.begin() + static_cast<std::ptrdiff_t>(kept),
                            comes_first);
  ranked.resize(kept);
  return ranked;
}

std::vector<std::vector<Neighbour>> scan(const RowStore& rows, std::span<const float> queries,
                                         size_t count, size_t thread_count) {
  const size_t query_count = queries.size() / rows.length();
  const auto query = [&](size_t number) {
    return queries.subspan(number * rows.length(), rows.length());
  };
  std::vector<std::vector<Candidates>> parts(thread_count);
  for (auto& part : parts) {
    for (size_t number = 0; number < query_count; ++number) {
      part.emplace_back(rows, query(number), count);
    }
  }
  const size_t block_rows = query_count == 1 ? kLoneBlockRows : kBlockRows;
  const size_t block_count = (rows.row_end() + block_rows - 1) / block_rows;
  run_parts(thread_count, [&](size_t part) {
    compare_blocks(rows, parts[part], block_rows, block_count * part / thread_count,
                   block_count * (part + 1) / thread_count);
  });
  std::vector<std::vector<Neighbour>> found(query_count);
  std::vector<uint32_t> candidates;
  for (size_t number = 0; number < query_count; ++number) {
    candidates.clear();
    const float threshold = common_threshold(parts, number, count);
    for (const auto& part : parts) part[number].collect(threshold, candidates);
    found[number] = rank(rows, query(number), candidates, count);
  }
  return found;
}

}  // namespace faceforge::search::internal
