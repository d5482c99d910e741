#pragma once

#include <span>
#include <string_view>

namespace faceforge::packs {

/// The texts of `models/*/card.json`; written by `embed_cards.cmake` when the program is built.
[[nodiscard]] std::span<const std::string_view> known_card_texts();

}  // namespace faceforge::packs
