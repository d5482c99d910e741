#include "search/internal/row_store.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "base/check.h"
#include "search/internal/products.h"

namespace faceforge::search::internal {
namespace {

constexpr float kLargestRowCode = 127;
constexpr double kLargestQueryCode = 32'767;

/// Limit on the sum of a query's codes: times the largest row code it stays within 31 bits.
constexpr double kQueryCodeSum = 2'147'483'647.0 / kLargestRowCode - Index::kMaxLength;

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

double norm_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return std::sqrt(sum);
}

/// The next float above: a bound stays one when it is stored.
float rounded_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

}  // namespace

size_t stride_of(size_t length) {
  return (length + kCodeStep - 1) / kCodeStep * kCodeStep;
}

Result<void> check_finite(std::span<const float> values) {
  if (std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) return {};
  return fail(ErrorCode::InvalidInput, "embedding_not_finite",
              "an embedding of {} values holds one that is not finite", values.size());
}

RowStore::RowStore(size_t length, face::Metric metric, size_t row_limit)
    : length_(length), stride_(stride_of(length)), metric_(metric), row_limit_(row_limit) {
  CHECK(length >= 1 && length <= Index::kMaxLength && row_limit <= Index::kMaxRows);
}

RowStore::RowStore(size_t length, face::Metric metric, size_t row_limit, Columns columns,
                   double norm_limit)
    : RowStore(length, metric, row_limit) {
  columns_ = std::move(columns);
  norm_limit_ = norm_limit;
  CHECK(row_end() <= row_limit);
  for (size_t row = 0; row < row_end(); ++row) {
    // In rising order, which is a heap.
    if (!is_present(row)) free_rows_.push_back(static_cast<uint32_t>(row));
  }
}

size_t RowStore::memory_bytes() const {
  return columns_.values.memory_bytes() + columns_.codes.memory_bytes() +
         columns_.steps.memory_bytes() + columns_.errors.memory_bytes() +
         columns_.offsets.memory_bytes() + columns_.presences.memory_bytes() +
         free_rows_.capacity() * sizeof(uint32_t);
}

void RowStore::reserve(size_t row_count) {
  CHECK(row_count <= row_limit_);
  columns_.values.reserve(row_count * length_);
  columns_.codes.reserve(row_count * stride_);
  columns_.steps.reserve(row_count);
  columns_.errors.reserve(row_count);
  if (metric_ == face::Metric::L2) columns_.offsets.reserve(row_count);
  columns_.presences.reserve(row_count);
  free_rows_.reserve(row_count);
}

Result<uint32_t> RowStore::add(std::span<const float> values) {
  CHECK(values.size() == length_);
  TRY(check_finite(values));
  if (!free_rows_.empty()) {
    std::ranges::pop_heap(free_rows_, std::greater<>());
    const uint32_t row = free_rows_.back();
    free_rows_.pop_back();
    write(row, values);
    return row;
  }
  const size_t row = row_end();
  if (row >= row_limit_) {
    return fail(ErrorCode::Exhausted, "index_full", "the index holds {} embeddings, its limit",
                row);
  }
  make_room_for_a_row();
  columns_.values.grow(length_);
  columns_.codes.grow(stride_);
  columns_.steps.grow(1);
  columns_.errors.grow(1);
  if (metric_ == face::Metric::L2) columns_.offsets.grow(1);
  columns_.presences.grow(1);
  write(row, values);
  return static_cast<uint32_t>(row);
}

/// Before anything grows: no column is longer than another where one finds no memory, and what was
/// added can be taken back without any.
void RowStore::make_room_for_a_row() {
  columns_.values.make_room(length_);
  columns_.codes.make_room(stride_);
  columns_.steps.make_room(1);
  columns_.errors.make_room(1);
  if (metric_ == face::Metric::L2) columns_.offsets.make_room(1);
  columns_.presences.make_room(1);
  const size_t room = free_rows_.capacity();
  if (room <= row_end()) free_rows_.reserve(std::max(row_end() + 1, room + room / 2));
}

void RowStore::write(size_t row, std::span<const float> values) {
  std::ranges::copy(values, columns_.values.data() + row * length_);
  const float step = largest_magnitude(values) / kLargestRowCode;
  int8_t* const codes = columns_.codes.data() + row * stride_;
  double squared_error = 0;
  for (size_t index = 0; index < length_; ++index) {
    // A step too small to divide by leaves all of the row to its error.
    const float code =
        step >= std::numeric_limits<float>::min()
            ? std::clamp(std::nearbyint(values[index] / step), -kLargestRowCode, kLargestRowCode)
            : 0;
    codes[index] = static_cast<int8_t>(code);
    const double error = double{values[index]} - double{step} * double{code};
    squared_error += error * error;
  }
  const double norm = norm_of(values);
  columns_.steps[row] = step;
  columns_.errors[row] = rounded_up(std::sqrt(squared_error));
  if (metric_ == face::Metric::L2) {
    // A row too long for single precision is never ruled out by its codes.
    const auto offset = static_cast<float>(-norm * norm / 2);
    columns_.offsets[row] = std::isfinite(offset) ? offset : 0;
    if (!std::isfinite(offset)) columns_.errors[row] = std::numeric_limits<float>::infinity();
  }
  columns_.presences[row] = 1;
  norm_limit_ = std::max(norm_limit_, norm);
}

Result<void> RowStore::remove(uint32_t row) {
  if (!is_present(row)) {
    return fail(ErrorCode::NotFound, "row_not_found", "row {} is not in the index of {} rows", row,
                row_end());
  }
  free_rows_.push_back(row);  // first, for a row from a file may find no memory here
  std::ranges::push_heap(free_rows_, std::greater<>());
  std::fill_n(columns_.values.data() + row * length_, length_, 0.0F);
  std::fill_n(columns_.codes.data() + row * stride_, stride_, int8_t{0});
  columns_.steps[row] = 0;
  columns_.errors[row] = 0;
  if (metric_ == face::Metric::L2) columns_.offsets[row] = 0;
  columns_.presences[row] = 0;
  return {};
}

CodedQuery RowStore::code(std::span<const float> query) const {
  CodedQuery coded;
  coded.codes.grow(stride_);
  double sum = 0;
  for (const float value : query) sum += std::abs(double{value});
  const double step =
      std::max(double{largest_magnitude(query)} / kLargestQueryCode, sum / kQueryCodeSum);
  coded.step = rounded_up(step);
  double squared_error = 0;
  for (size_t index = 0; index < query.size(); ++index) {
    const double code = step >= double{std::numeric_limits<float>::min()}
                            ? std::nearbyint(double{query[index]} / double{coded.step})
                            : 0;
    coded.codes[index] = static_cast<int16_t>(code);
    const double error = double{query[index]} - double{coded.step} * code;
    squared_error += error * error;
  }
  coded.norm = rounded_up(norm_of(query));
  coded.code_error = rounded_up(std::sqrt(squared_error));
  return coded;
}

}  // namespace faceforge::search::internal
