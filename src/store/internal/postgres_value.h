#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "base/result.h"
#include "store/value.h"

namespace faceforge::store::internal {

/// Arguments in the form in which libpq takes them: everything binary. Views what the parameters
/// view.
class PostgresArguments {
 public:
  explicit PostgresArguments(std::span<const Parameter> parameters);
  PostgresArguments(const PostgresArguments&) = delete;
  PostgresArguments& operator=(const PostgresArguments&) = delete;

  [[nodiscard]] int count() const { return static_cast<int>(types_.size()); }
  [[nodiscard]] const Oid* types() const { return types_.data(); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

  /// Tells apart statements that are prepared for other types.
  [[nodiscard]] std::string signature() const;

 private:
  void add_number(Oid type, uint64_t bits);
  void add(Oid type, const char* start, size_t size_bytes);

  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::array<char, 8>> numbers_;
};

/// Reads one cell of a binary result.
///
/// fails: internal/database_error for a type that the seam does not have, naming the column
[[nodiscard]] Result<Value> postgres_cell(const PGresult* result, int row, int column);

}  // namespace faceforge::store::internal
