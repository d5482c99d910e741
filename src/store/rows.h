#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "store/value.h"

namespace faceforge::store {

/// One row of a result, a view into its `Rows` (or into the scan that hands it out). The statement
/// decides how many columns there are and of which type, so asking otherwise is a bug: a CHECK.
class Row {
 public:
  explicit Row(std::span<const Value> values) : values_(values) {}

  [[nodiscard]] size_t column_count() const { return values_.size(); }
  [[nodiscard]] bool is_null(size_t column) const;
  [[nodiscard]] int64_t integer(size_t column) const;
  [[nodiscard]] bool boolean(size_t column) const;  ///< an integer other than 0
  [[nodiscard]] double real(size_t column) const;   ///< integers are widened
  [[nodiscard]] const std::string& text(size_t column) const;
  [[nodiscard]] const Blob& blob(size_t column) const;
  [[nodiscard]] std::optional<int64_t> integer_or_null(size_t column) const;
  [[nodiscard]] std::optional<std::string> text_or_null(size_t column) const;

  /// A key column as its own kind of id: `row.id<PersonId>(0)`.
  template <typename Id>
  [[nodiscard]] Id id(size_t column) const {
    return Id(integer(column));
  }

 private:
  [[nodiscard]] const Value& at(size_t column) const;

  std::span<const Value> values_;
};

/// All rows of a result, in the order of the statement.
class Rows {
 public:
  Rows(size_t column_count, std::vector<Value> values);

  [[nodiscard]] size_t size() const {
    return column_count_ == 0 ? 0 : values_.size() / column_count_;
  }
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] Row operator[](size_t index) const;

  class Iterator {
   public:
    Iterator(const Rows* rows, size_t index) : rows_(rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Rows* rows_;
    size_t index_;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, size()}; }

 private:
  size_t column_count_;
  std::vector<Value> values_;
};

}  // namespace faceforge::store
