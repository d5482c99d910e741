#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faceforge::http {

/// The parameters behind the `?`, decoded.
class Query {
 public:
  struct Parameter {
    std::string name;
    std::string value;
  };

  Query() = default;
  explicit Query(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}

  /// fails: invalid_input/query_parameter_unknown for a name that is not in `names`;
  ///        invalid_input/query_parameter_repeated
  [[nodiscard]] Result<void> allow(std::initializer_list<std::string_view> names) const;

  /// The value of a parameter; nothing when it is not there.
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;

  /// A whole number in [`least`, `most`]; nothing when it is not there.
  ///
  /// fails: invalid_input/query_parameter_invalid, naming the parameter and its bounds
  [[nodiscard]] Result<std::optional<int64_t>> integer(std::string_view name, int64_t least,
                                                       int64_t most) const;

  /// A finite decimal number; nothing when it is not there.
  ///
  /// fails: invalid_input/query_parameter_invalid
  [[nodiscard]] Result<std::optional<double>> number(std::string_view name) const;

  /// Finite decimal numbers, `count` of them with commas between; nothing when it is not there.
  ///
  /// fails: invalid_input/query_parameter_invalid, also for fewer or more
  [[nodiscard]] Result<std::optional<std::vector<double>>> numbers(std::string_view name,
                                                                   size_t count) const;

 private:
  std::vector<Parameter> parameters_;
};

/// What a request is about, taken apart and percent-decoded: `/api/v1/jobs?limit=5`.
struct Target {
  std::vector<std::string> segments;  ///< `api`, `v1`, `jobs`; a final `/` gives an empty last one
  Query query;
};

/// Takes the target of a request line apart.
///
/// fails: invalid_input/target_malformed, also for more than 32 segments or parameters and for
///        encoded NULs
[[nodiscard]] Result<Target> parse_target(std::string_view text);

}  // namespace faceforge::http
