#include "store/internal/postgres_error.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace faceforge::store::internal {
namespace {

std::string_view field(const PGresult* result, int code) {
  const char* found = PQresultErrorField(result, code);
  return found == nullptr ? std::string_view() : std::string_view(found);
}

// libpq says what went wrong in several lines, indented ones too; messages of ours have one.
std::string in_one_line(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::string line;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    part.remove_prefix(std::min(part.find_first_not_of(kSpace), part.size()));
    part = part.substr(0, part.find_last_not_of(kSpace) + 1);
    if (part.empty()) continue;
    if (!line.empty()) line += "; ";
    line += part;
  }
  return line;
}

// From `Key (owner_id, name)=(1, x) already exists.` to `people.owner_id, people.name`, the form in
// which SQLite says it. The values are left out.
std::string unique_columns(const PGresult* result) {
  const std::string_view detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  const std::string_view table = field(result, PG_DIAG_TABLE_NAME);
  const size_t open = detail.find('(');
  const size_t close = detail.find(")=(");
  if (open == std::string_view::npos || close == std::string_view::npos) {
    return std::string(field(result, PG_DIAG_CONSTRAINT_NAME));
  }
  std::string columns;
  std::string_view rest = detail.substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const size_t comma = rest.find(", ");
    if (!columns.empty()) columns += ", ";
    columns += fmt::format("{}.{}", table, rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 2);
  }
  return columns;
}

Error constraint_error(std::string_view state, const PGresult* result) {
  if (state == "23505") {
    return {ErrorCode::AlreadyExists, "unique_violated",
            fmt::format("there is already a row with this {}", unique_columns(result))};
  }
  if (state == "23503") {
    return {ErrorCode::Conflict, "foreign_key_violated",
            "a row that this refers to is gone, or this one is still referred to"};
  }
  return {
      ErrorCode::InvalidInput, "constraint_violated",
      fmt::format("the table does not take this row: {}", field(result, PG_DIAG_MESSAGE_PRIMARY))};
}

Error unreachable(std::string_view message) {
  return {ErrorCode::Busy, "database_unreachable",
          fmt::format("PostgreSQL cannot be reached: {}", in_one_line(message))};
}

}  // namespace

// source: PostgreSQL 15, appendix A (error codes)
Error postgres_error(const PGconn* connection, const PGresult* result) {
  const std::string_view state = field(result, PG_DIAG_SQLSTATE);
  // 57P0x: shut down, crashed, starting; 53300: too many connections.
  if (PQstatus(connection) != CONNECTION_OK || state.starts_with("57P") || state == "53300") {
    return unreachable(PQerrorMessage(connection));
  }
  const std::string message(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (state.starts_with("23")) return constraint_error(state, result);
  // Serialization failure, deadlock, lock timeout.
  if (state == "40001" || state == "40P01" || state == "55P03") {
    return {ErrorCode::Busy, "database_busy", fmt::format("the database is busy: {}", message)};
  }
  if (state == "53100") {
    return {ErrorCode::Exhausted, "database_full",
            fmt::format("no room left for the database: {}", message)};
  }
  if (state == "53200") {
    return {ErrorCode::Exhausted, "out_of_memory",
            fmt::format("no memory left for the database: {}", message)};
  }
  // Read-only transaction or server; no privilege.
  if (state == "25006" || state == "42501") {
    return {ErrorCode::Forbidden, "database_read_only",
            fmt::format("the database may not be written: {}", message)};
  }
  if (state.starts_with("XX00") && state != "XX000") {
    return {ErrorCode::Corrupt, "database_corrupt",
            fmt::format("the database is damaged: {}", message)};
  }
  if (state.starts_with("54")) return {ErrorCode::TooLarge, "value_too_large", message};
  return {ErrorCode::Internal, "database_error",
          message.empty() ? in_one_line(PQerrorMessage(connection)) : message};
}

}  // namespace faceforge::store::internal
