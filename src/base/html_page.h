#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace faceforge {

/// Foreign text for HTML, in elements and in quoted attributes. What is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string html_text(std::string_view text);

/// A page that needs nothing beside itself: the house's colours for light and dark screens. A
/// content security policy in it lets it load nothing, and run nothing but its own script.
///
/// in: `title` as text; `style`, `body` and `script` as CSS, HTML and JavaScript, of this program
///     alone: foreign text in the body has gone through `html_text`. The style may use the colours
///     `--ground`, `--surface`, `--line`, `--ink`, `--quiet`, `--first` and `--second`; `section`,
///     `table`, `svg`, `.quiet`, `.key`, `.wide` (what may be scrolled sideways) and `.figures` (of
///     key figures) have a look already.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view style,
                                    std::string_view body, std::string_view script = {});

/// A figure that stands out, for a page's `<div class="figures">`. All three are text.
[[nodiscard]] std::string key_figure(std::string_view name, std::string_view value,
                                     std::string_view more);

/// The address of a picture that lies in the page itself.
///
/// in: `media_type` such as `image/jpeg`
/// source: RFC 2397, RFC 4648
[[nodiscard]] std::string data_url(std::string_view media_type, std::span<const std::byte> bytes);

}  // namespace faceforge
