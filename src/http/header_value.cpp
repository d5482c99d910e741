#include "http/header_value.h"

#include <algorithm>

namespace faceforge::http {
namespace {

bool is_token_character(char c) {
  constexpr std::string_view kPunctuation = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kPunctuation.contains(c);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

/// Reads a quoted string from the front of `text` and takes it away.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && (next == '"' || next == '\\')) {
      value += next;
      ++i;
    } else {
      value += c;
    }
  }
  return std::nullopt;
}

/// Reads up to the next `;` from the front of `text` and takes it away.
std::string take_plain(std::string_view& text) {
  const size_t end = std::min(text.find(';'), text.size());
  std::string value(trimmed(text.substr(0, end)));
  text.remove_prefix(end);
  return value;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool same_token(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string> HeaderValue::parameter(std::string_view name) const {
  for (const auto& [parameter_name, value] : parameters) {
    if (same_token(parameter_name, name)) return value;
  }
  return std::nullopt;
}

std::optional<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue parsed{.token = take_plain(text), .parameters = {}};
  const bool token_is_valid =
      std::ranges::all_of(parsed.token, [](char c) { return is_token_character(c) || c == '/'; });
  if (parsed.token.empty() || !token_is_valid) return std::nullopt;
  while (!text.empty()) {
    if (text.front() != ';') return std::nullopt;
    text = trimmed(text.substr(1));
    if (text.empty()) break;  // a trailing semicolon
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name(text.substr(0, equals));
    if (!is_token(name) || parsed.parameter(name)) return std::nullopt;
    text.remove_prefix(equals + 1);
    std::optional<std::string> value;
    if (text.starts_with('"')) {
      value = take_quoted(text);
      text = trimmed(text);
    } else {
      value = take_plain(text);
      if (!is_token(*value)) return std::nullopt;
    }
    if (!value) return std::nullopt;
    parsed.parameters.emplace_back(name, *std::move(value));
  }
  return parsed;
}

std::optional<std::string_view> cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view cookie = trimmed(cookies.substr(0, end));
    const size_t equals = cookie.find('=');
    if (equals != std::string_view::npos && cookie.substr(0, equals) == name) {
      return cookie.substr(equals + 1);
    }
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return std::nullopt;
}

}  // namespace faceforge::http
