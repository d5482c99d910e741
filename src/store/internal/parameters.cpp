#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/unicode.h"
#include "store/internal/connection.h"

namespace faceforge::store::internal {
namespace {

Result<void> check_size(size_t number, size_t size_bytes) {
  if (size_bytes <= kMaxValue_bytes) return {};
  return fail(ErrorCode::TooLarge, "value_too_large",
              "argument ${} has {} bytes; the limit of a value in the database is {}", number,
              size_bytes, kMaxValue_bytes);
}

Result<void> check_text(size_t number, std::string_view text) {
  TRY(check_size(number, text.size()));
  // PostgreSQL has no text with NUL, and SQLite's own functions stop at one.
  if (const size_t at = text.find('\0'); at != std::string_view::npos) {
    return fail(ErrorCode::InvalidInput, "text_with_nul",
                "a text has the character NUL at byte {}; it may have none", at);
  }
  if (!is_utf8(text)) {
    return fail(ErrorCode::InvalidInput, "text_not_utf8", "a text of {} bytes is not UTF-8",
                text.size());
  }
  return {};
}

Result<void> check_real(size_t number, double value) {
  // SQLite would keep a NaN as null.
  if (std::isfinite(value)) return {};
  return fail(ErrorCode::InvalidInput, "real_not_finite", "argument ${} is {}, which is not finite",
              number, value);
}

Result<void> check_parameter(size_t number, const Parameter& parameter) {
  const auto& view = parameter.view();
  if (const auto* text = std::get_if<std::string_view>(&view)) return check_text(number, *text);
  if (const auto* real = std::get_if<double>(&view)) return check_real(number, *real);
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&view)) {
    return check_size(number, bytes->size());
  }
  return {};
}

// The highest `$n` in a statement.
size_t placeholder_count(std::string_view sql) {
  size_t highest = 0;
  for (size_t at = sql.find('$'); at != std::string_view::npos; at = sql.find('$', at + 1)) {
    size_t number = 0;
    std::from_chars(sql.data() + at + 1, sql.data() + sql.size(), number);
    highest = std::max(highest, number);
  }
  return highest;
}

}  // namespace

Result<void> check_parameters(std::string_view sql, std::span<const Parameter> parameters) {
  // PostgreSQL would take superfluous arguments.
  if (const size_t wanted = placeholder_count(sql); wanted != parameters.size()) {
    return fail(ErrorCode::Internal, "database_error", "{} arguments for {} placeholders in: {}",
                parameters.size(), wanted, sql);
  }
  for (size_t index = 0; index < parameters.size(); ++index) {
    TRY(check_parameter(index + 1, parameters[index]));
  }
  return {};
}

}  // namespace faceforge::store::internal
