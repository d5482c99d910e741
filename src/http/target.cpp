#include "http/target.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ranges>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace faceforge::http {
namespace {

constexpr size_t kMaxPieces = 32;

Unexpected malformed() {
  return fail(ErrorCode::InvalidInput, "target_malformed", "the address asked for is malformed");
}

bool has_nul(std::string_view text) {
  return text.contains('\0');
}

/// Reads all of `text` as a number.
template <typename Number>
std::optional<Number> number_from(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<void> Query::allow(std::initializer_list<std::string_view> names) const {
  for (auto parameter = parameters_.begin(); parameter != parameters_.end(); ++parameter) {
    if (std::ranges::find(names, parameter->name) == names.end()) {
      return fail(ErrorCode::InvalidInput, "query_parameter_unknown",
                  "this address has no parameter of that name; it has: {}", fmt::join(names, ", "));
    }
    if (std::any_of(parameters_.begin(), parameter,
                    [&](const Parameter& other) { return other.name == parameter->name; })) {
      return fail(ErrorCode::InvalidInput, "query_parameter_repeated", "{} is given twice",
                  parameter->name);
    }
  }
  return {};
}

std::optional<std::string_view> Query::text(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  if (found == parameters_.end()) return std::nullopt;
  return found->value;
}

Result<std::optional<int64_t>> Query::integer(std::string_view name, int64_t least,
                                              int64_t most) const {
  const auto written = text(name);
  if (!written) return std::nullopt;
  const auto value = number_from<int64_t>(*written);
  if (!value || *value < least || *value > most) {
    return fail(ErrorCode::InvalidInput, "query_parameter_invalid",
                "{} must be a whole number from {} to {}", name, least, most);
  }
  return value;
}

Result<std::optional<double>> Query::number(std::string_view name) const {
  const auto written = text(name);
  if (!written) return std::nullopt;
  const auto value = number_from<double>(*written);
  if (!value || !std::isfinite(*value)) {
    return fail(ErrorCode::InvalidInput, "query_parameter_invalid", "{} must be a number", name);
  }
  return value;
}

Result<std::optional<std::vector<double>>> Query::numbers(std::string_view name,
                                                          size_t count) const {
  const auto written = text(name);
  if (!written) return std::nullopt;
  const auto invalid = fail(ErrorCode::InvalidInput, "query_parameter_invalid",
                            "{} must be {} numbers with commas between them", name, count);
  std::vector<double> values;
  for (const auto part : std::views::split(*written, ',')) {
    const auto value = number_from<double>(std::string_view(part.begin(), part.end()));
    if (!value || !std::isfinite(*value) || values.size() == count) return invalid;
    values.push_back(*value);
  }
  if (values.size() != count) return invalid;
  return values;
}

Result<Target> parse_target(std::string_view text) {
  const auto url = boost::urls::parse_origin_form({text.data(), text.size()});
  if (!url || url->segments().size() > kMaxPieces || url->params().size() > kMaxPieces) {
    return malformed();
  }
  Target target;
  for (const auto& segment : url->segments()) {
    target.segments.emplace_back(segment.data(), segment.size());
    if (has_nul(target.segments.back())) return malformed();
  }
  std::vector<Query::Parameter> parameters;
  for (const auto& parameter : url->params()) {
    parameters.push_back({std::string(parameter.key.data(), parameter.key.size()),
                          std::string(parameter.value.data(), parameter.value.size())});
    if (has_nul(parameters.back().name) || has_nul(parameters.back().value)) return malformed();
  }
  target.query = Query(std::move(parameters));
  return target;
}

}  // namespace faceforge::http
