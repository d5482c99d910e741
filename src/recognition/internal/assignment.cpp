#include "recognition/internal/assignment.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace faceforge::recognition::internal {
namespace {

constexpr size_t kNone = SIZE_MAX;

/// Pairs all rows, of which there are no more than columns. Keeps prices of rows and columns under
/// which no pair costs less than nothing and those made cost nothing.
class Pairing {
 public:
  Pairing(size_t row_count, size_t column_count)
      : row_prices_(row_count), column_prices_(column_count), row_of_(column_count, kNone) {}

  /// Adds a row by the cheapest path of exchanges that ends at a free column.
  void add(size_t new_row, const auto& cost) {
    const size_t column_count = row_of_.size();
    std::vector<double> distances(column_count, std::numeric_limits<double>::infinity());
    std::vector<size_t> rows_before(column_count, new_row);
    std::vector<bool> settled(column_count, false);
    size_t row = new_row;
    double travelled = 0;
    size_t end = kNone;
    while (end == kNone) {
      size_t nearest = kNone;
      for (size_t column = 0; column < column_count; ++column) {
        if (settled[column]) continue;
        const double distance =
            travelled + cost(row, column) - row_prices_[row] - column_prices_[column];
        if (distance < distances[column]) {
          distances[column] = distance;
          rows_before[column] = row;
        }
        if (nearest == kNone || distances[column] < distances[nearest]) nearest = column;
      }
      settled[nearest] = true;
      travelled = distances[nearest];
      if (row_of_[nearest] == kNone) {
        end = nearest;
      } else {
        row = row_of_[nearest];
      }
    }
    row_prices_[new_row] += travelled;
    for (size_t column = 0; column < column_count; ++column) {
      if (!settled[column] || column == end) continue;
      row_prices_[row_of_[column]] += travelled - distances[column];
      column_prices_[column] -= travelled - distances[column];
    }
    exchange_along(end, new_row, rows_before);
  }

  /// out: for each column its row, or kNone
  [[nodiscard]] const std::vector<size_t>& rows() const { return row_of_; }

 private:
  void exchange_along(size_t end, size_t new_row, const std::vector<size_t>& rows_before) {
    size_t column = end;
    while (true) {
      const size_t row = rows_before[column];
      const auto former = std::ranges::find(row_of_, row);
      row_of_[column] = row;
      if (row == new_row) return;
      column = static_cast<size_t>(former - row_of_.begin());
    }
  }

  std::vector<double> row_prices_;
  std::vector<double> column_prices_;
  std::vector<size_t> row_of_;
};

}  // namespace

std::vector<std::optional<size_t>> assign(std::span<const float> costs, size_t row_count,
                                          size_t column_count, float unpaired_cost) {
  CHECK(costs.size() == row_count * column_count);
  // A pair that is made only because all rows must have one costs what staying alone does.
  const auto cost = [&](size_t row, size_t column) {
    return double{std::min(costs[row * column_count + column], unpaired_cost)};
  };
  const bool is_wide = row_count <= column_count;
  Pairing pairing(std::min(row_count, column_count), std::max(row_count, column_count));
  for (size_t added = 0; added < std::min(row_count, column_count); ++added) {
    if (is_wide) {
      pairing.add(added, cost);
    } else {
      pairing.add(added, [&](size_t column, size_t row) { return cost(row, column); });
    }
  }
  std::vector<std::optional<size_t>> column_of(row_count);
  for (size_t longer = 0; longer < pairing.rows().size(); ++longer) {
    const size_t shorter = pairing.rows()[longer];
    if (shorter == kNone) continue;
    const size_t row = is_wide ? shorter : longer;
    const size_t column = is_wide ? longer : shorter;
    if (costs[row * column_count + column] < unpaired_cost) column_of[row] = column;
  }
  return column_of;
}

}  // namespace faceforge::recognition::internal
