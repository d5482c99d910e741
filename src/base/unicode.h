#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace faceforge {

/// Tells whether `text` is well-formed UTF-8 (no surrogates, nothing overlong, nothing beyond
/// U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

/// Calls `visit` on each code point and its bytes; each byte that is no UTF-8 comes as U+FFFD.
void for_each_code_point(std::string_view text,
                         const std::function<void(char32_t, std::string_view)>& visit);

/// A text as it is where it is UTF-8; each byte that is not becomes U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// The code points of a text; nothing when it is not UTF-8.
[[nodiscard]] std::optional<std::u32string> to_code_points(std::string_view text);

/// Composes a text (NFC), so that equal-looking text typed on different systems has equal bytes.
///
/// fails: invalid_input/text_not_utf8
/// source: Unicode Standard Annex 15
[[nodiscard]] Result<std::string> to_nfc(std::string_view text);

/// As `to_nfc`, and replaces compatibility forms (full-width letters, ligatures): NFKC.
///
/// fails: invalid_input/text_not_utf8
[[nodiscard]] Result<std::string> to_nfkc(std::string_view text);

/// The form in which names are compared: without differences of case, of compatibility forms and of
/// invisible characters (NFKC_Casefold).
///
/// fails: invalid_input/text_not_utf8
/// source: The Unicode Standard, section 3.13, D147
[[nodiscard]] Result<std::string> fold_case(std::string_view text);

/// The form in which names are looked for: as `fold_case`, and without accents and other marks.
///
/// fails: invalid_input/text_not_utf8
[[nodiscard]] Result<std::string> fold_for_search(std::string_view text);

enum class CharacterKind { Letter, Mark, Digit, Control, Other };

/// What a code point is, by its general category (L*, M*, Nd, Cc; all else is Other).
[[nodiscard]] CharacterKind kind_of(char32_t code_point);

}  // namespace faceforge
