#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace faceforge::gallery {

inline constexpr int kMaxNameCharacters = 200;

/// Checks the name of a gallery, a person or a photo's file and brings it to its one stored form.
///
/// Surrounding white space goes, and the text is composed (Unicode NFC), so that an e with an
/// accent is the same name whether a Mac or a PC wrote it. Two names are equal when their stored
/// forms are, letter case included. Any other character is welcome: emoji, slashes, quotes.
///
/// in:     UTF-8
/// out:    1 to kMaxNameCharacters Unicode code points
/// fails:  invalid_input/name_empty; invalid_input/name_too_long; invalid_input/name_not_utf8;
///         invalid_input/name_control_character (NUL, line breaks and their kind)
/// source: Unicode Standard Annex 15 (NFC)
[[nodiscard]] Result<std::string> checked_name(std::string_view text);

/// The name under which a file is shown: as it was sent, without folders, where that is a name;
/// else one made of its content (file systems allow names that are no text).
[[nodiscard]] std::string shown_file_name(std::string_view sent, std::span<const std::byte> file);

}  // namespace faceforge::gallery
