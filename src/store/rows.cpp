#include "store/rows.h"

#include <utility>

#include <fmt/format.h>

namespace faceforge::store {
namespace {

constexpr const char* kTypeNames[] = {"null", "an integer", "a real", "text", "a blob"};

template <typename T>
const T& get(const Value& value, size_t column, const char* wanted) {
  const T* found = std::get_if<T>(&value);
  CHECK_MSG(found != nullptr,
            fmt::format("column {} is {}, not {}", column, kTypeNames[value.index()], wanted));
  return *found;
}

}  // namespace

const Value& Row::at(size_t column) const {
  CHECK_MSG(column < values_.size(),
            fmt::format("column {} of a row of {} columns", column, values_.size()));
  return values_[column];
}

bool Row::is_null(size_t column) const {
  return std::holds_alternative<std::monostate>(at(column));
}

int64_t Row::integer(size_t column) const {
  return get<int64_t>(at(column), column, "an integer");
}

bool Row::boolean(size_t column) const {
  return integer(column) != 0;
}

double Row::real(size_t column) const {
  const Value& value = at(column);
  if (const auto* whole = std::get_if<int64_t>(&value)) return static_cast<double>(*whole);
  return get<double>(value, column, "a real");
}

const std::string& Row::text(size_t column) const {
  return get<std::string>(at(column), column, "text");
}

const Blob& Row::blob(size_t column) const {
  return get<Blob>(at(column), column, "a blob");
}

std::optional<int64_t> Row::integer_or_null(size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Row::text_or_null(size_t column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

Rows::Rows(size_t column_count, std::vector<Value> values)
    : column_count_(column_count), values_(std::move(values)) {
  CHECK(column_count == 0 ? values_.empty() : values_.size() % column_count == 0);
}

Row Rows::operator[](size_t index) const {
  CHECK_MSG(index < size(), fmt::format("row {} of {}", index, size()));
  return Row(std::span(values_).subspan(index * column_count_, column_count_));
}

}  // namespace faceforge::store
