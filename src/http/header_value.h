#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faceforge::http {

/// A header field's value of the form `token; name=value; name="quoted value"`.
struct HeaderValue {
  std::string token;
  std::vector<std::pair<std::string, std::string>> parameters;

  /// The value of a parameter, by its name without case; nothing when it is not there.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Reads a Content-Type or a Content-Disposition. In quoted values `\"` and `\\` stand for `"` and
/// `\`; any other backslash is itself, as browsers mean it.
///
/// out:    nothing when the text is not of that form or names a parameter twice
/// source: RFC 9110, section 5.6
[[nodiscard]] std::optional<HeaderValue> parse_header_value(std::string_view text);

/// Without the spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Compares without the case of ASCII letters.
[[nodiscard]] bool same_token(std::string_view a, std::string_view b);

/// The value of a cookie of a Cookie field; nothing when it is not there.
[[nodiscard]] std::optional<std::string_view> cookie_value(std::string_view cookies,
                                                           std::string_view name);

}  // namespace faceforge::http
