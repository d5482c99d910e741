#include "http/multipart.h"

#include <algorithm>

#include <string.h>

#include "http/header_value.h"

namespace faceforge::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

Unexpected malformed(size_t offset, std::string_view why) {
  return fail(ErrorCode::InvalidInput, "multipart_malformed",
              "the form is malformed at byte {}: {}", offset, why);
}

/// RFC 2046, section 5.1.1: `bchars`, of which the last is no space.
bool is_boundary(std::string_view text) {
  constexpr std::string_view kPunctuation = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::ranges::all_of(text, [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  kPunctuation.contains(c);
         });
}

/// What stands behind the last `/` or `\`: some clients send whole paths.
std::string last_component(std::string_view path) {
  const size_t separator = path.find_last_of("/\\");
  return std::string(separator == std::string_view::npos ? path : path.substr(separator + 1));
}

/// Browsers write a quotation mark in a name as %22.
std::string without_escaped_quotes(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "%22") {
      plain += '"';
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

class Parser {
 public:
  Parser(std::string_view body, std::string_view boundary, const MultipartLimits& limits)
      : body_(body), delimiter_("\r\n--" + std::string(boundary)), limits_(limits) {}

  Result<std::vector<Part>> parse() {
    // The first delimiter has no line before it.
    if (!body_.starts_with(std::string_view(delimiter_).substr(kLineEnd.size()))) {
      return malformed(0, "it does not begin with its boundary");
    }
    position_ = delimiter_.size() - kLineEnd.size();
    std::vector<Part> parts;
    while (TRY(another_part_follows())) {
      if (parts.size() == limits_.part_count) {
        return fail(ErrorCode::TooLarge, "multipart_too_many_parts",
                    "the form has more than {} parts", limits_.part_count);
      }
      parts.push_back(TRY(next_part()));
    }
    return parts;
  }

 private:
  /// Reads what stands behind a delimiter: `--` at the end of the form, else the end of the line.
  Result<bool> another_part_follows() {
    const std::string_view rest = body_.substr(position_);
    if (rest.starts_with(kLineEnd)) {
      position_ += kLineEnd.size();
      return true;
    }
    if (rest == "--" || rest == "--\r\n") return false;
    return malformed(position_, "the boundary is followed by neither a part nor the end");
  }

  Result<Part> next_part() {
    Part part = TRY(part_header());
    const std::string_view rest = body_.substr(position_);
    // Of the searches at hand the one that is linear whatever the body: Boyer-Moore is not.
    const void* end = ::memmem(rest.data(), rest.size(), delimiter_.data(), delimiter_.size());
    if (end == nullptr) return malformed(body_.size(), "the last part has no end");
    const auto length = static_cast<size_t>(static_cast<const char*>(end) - rest.data());
    part.bytes = std::as_bytes(std::span(rest.substr(0, length)));
    position_ += length + delimiter_.size();
    return part;
  }

  /// Reads the fields of a part and the empty line behind them.
  Result<Part> part_header() {
    const size_t begin = position_;
    std::optional<Part> part;
    while (true) {
      const std::string_view window = body_.substr(begin, limits_.part_header_bytes);
      const size_t end = window.find(kLineEnd, position_ - begin);
      if (end == std::string_view::npos) {
        if (window.size() < limits_.part_header_bytes) {
          return malformed(body_.size(), "the last part has no end");
        }
        return fail(ErrorCode::TooLarge, "multipart_header_too_large",
                    "the header of a part of the form is longer than {} bytes",
                    limits_.part_header_bytes);
      }
      const std::string_view line = window.substr(position_ - begin, end - (position_ - begin));
      const size_t line_begin = position_;
      position_ = begin + end + kLineEnd.size();
      if (line.empty()) break;
      TRY(read_field(line, line_begin, part));
    }
    if (!part) return malformed(begin, "a part has no Content-Disposition");
    return *std::move(part);
  }

  Result<void> read_field(std::string_view line, size_t offset, std::optional<Part>& part) const {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return malformed(offset, "a line of a part's header has no name");
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_token(name, "Content-Disposition")) {
      if (part) return malformed(offset, "a part has two Content-Dispositions");
      part = TRY(read_disposition(value, offset));
    } else if (same_token(name, "Content-Transfer-Encoding") && !same_token(value, "binary") &&
               !same_token(value, "8bit") && !same_token(value, "7bit")) {
      return fail(ErrorCode::Unsupported, "multipart_transfer_encoding",
                  "a part of the form is encoded; send its bytes as they are");
    }
    return {};
  }

  Result<Part> read_disposition(std::string_view value, size_t offset) const {
    const auto parsed = parse_header_value(value);
    if (!parsed || !same_token(parsed->token, "form-data")) {
      return malformed(offset, "a Content-Disposition is not that of a form's field");
    }
    const auto name = parsed->parameter("name");
    if (!name || name->empty()) return malformed(offset, "a part has no name");
    if (name->size() > limits_.name_bytes)
      return malformed(offset, "the name of a part is too long");
    Part part{.name = without_escaped_quotes(*name), .file_name = {}, .bytes = {}};
    if (const auto file_name = parsed->parameter("filename")) {
      if (file_name->size() > limits_.file_name_bytes) {
        return malformed(offset, "the file name of a part is too long");
      }
      part.file_name = last_component(without_escaped_quotes(*file_name));
    }
    return part;
  }

  std::string_view body_;
  std::string delimiter_;
  const MultipartLimits& limits_;
  size_t position_ = 0;
};

}  // namespace

Result<std::string> multipart_boundary(std::optional<std::string_view> content_type) {
  const auto parsed = content_type ? parse_header_value(*content_type) : std::nullopt;
  if (!parsed || !same_token(parsed->token, "multipart/form-data")) {
    return fail(ErrorCode::Unsupported, "not_multipart",
                "send photos as multipart/form-data, one part a photo");
  }
  const auto boundary = parsed->parameter("boundary");
  if (!boundary || !is_boundary(*boundary)) {
    return fail(ErrorCode::InvalidInput, "multipart_boundary",
                "the Content-Type names no boundary of 1 to 70 permitted characters");
  }
  return *boundary;
}

Result<std::vector<Part>> parse_multipart(std::span<const std::byte> body,
                                          std::string_view boundary,
                                          const MultipartLimits& limits) {
  const std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  return Parser(text, boundary, limits).parse();
}

}  // namespace faceforge::http
