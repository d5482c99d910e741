#include "accounts/internal/storable_text.h"

#include <algorithm>

#include "base/unicode.h"

namespace faceforge::accounts::internal {

std::string storable_text(std::string_view text) {
  const bool is_cut = text.size() > kMaxStored_bytes;
  text = text.substr(0, kMaxStored_bytes);
  // A character that was cut in two has up to three bytes left.
  for (int cut = 0; is_cut && cut < 3 && !is_utf8(text); ++cut) text.remove_suffix(1);
  const bool is_text = is_utf8(text);
  std::string stored(text);
  std::ranges::replace_if(
      stored,
      [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || (!is_text && byte >= 0x80);
      },
      '?');
  return stored;
}

}  // namespace faceforge::accounts::internal
