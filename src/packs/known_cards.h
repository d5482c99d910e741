#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packs/card.h"

namespace faceforge::packs {

/// The cards of `models/*/card.json`, which are compiled into the program, in the order of their
/// ids.
[[nodiscard]] std::span<const Card> known_cards();

[[nodiscard]] const Card* find_known_card(std::string_view id);

/// Recognizes a folder without a card: by the sha256 of its files among `cards`, and where a card
/// knows no sha256, by the file's name.
///
/// out:   the card with every sha256 and size of this folder's files filled in; nothing when the
///        folder is no known pack
/// fails: as crypto::sha256_file
/// cost:  reads each file whose size a card names
[[nodiscard]] Result<std::optional<Card>> recognize(const std::filesystem::path& folder,
                                                    std::span<const Card> cards = known_cards());

}  // namespace faceforge::packs
