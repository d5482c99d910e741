#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace faceforge::http {

struct MultipartLimits {
  size_t part_count = 51;
  size_t part_header_bytes = 8'192;  ///< of one part, all fields together
  size_t name_bytes = 100;
  size_t file_name_bytes = 1'000;
};

/// One part of a form. `bytes` points into the body that was parsed.
struct Part {
  std::string name;
  std::optional<std::string> file_name;  ///< the last component of what the client called the file
  std::span<const std::byte> bytes;
};

/// Reads the boundary out of a Content-Type.
///
/// fails: unsupported/not_multipart when the type is another one (or there is none);
///        invalid_input/multipart_boundary when it is missing or not one of RFC 2046
[[nodiscard]] Result<std::string> multipart_boundary(std::optional<std::string_view> content_type);

/// Takes a form apart, strictly: what no browser and no curl sends is refused, not repaired.
///
/// in:     the whole body; it must outlive the parts
/// fails:  invalid_input/multipart_malformed, saying where and why;
/// too_large/multipart_too_many_parts
///         and too_large/multipart_header_too_large, naming the limit; unsupported/
///         multipart_transfer_encoding for parts in base64 and its kind
/// cost:   one pass, no copy of the parts' bytes
/// source: RFC 7578, RFC 2046 section 5.1 without preamble and epilogue; names as the WHATWG HTML
///         standard escapes them
[[nodiscard]] Result<std::vector<Part>> parse_multipart(std::span<const std::byte> body,
                                                        std::string_view boundary,
                                                        const MultipartLimits& limits = {});

}  // namespace faceforge::http
