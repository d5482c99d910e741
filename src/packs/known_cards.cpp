#include "packs/known_cards.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "packs/internal/known_card_texts.h"
#include "packs/internal/pack_files.h"

namespace faceforge::packs {
namespace {

/// Tells by names and sizes, which cost nothing, whether a folder may be a card's.
bool may_be(const std::filesystem::path& folder, const Card& card) {
  return std::ranges::all_of(card.files, [&](const PackFile& file) {
    std::error_code failed;
    const std::filesystem::path path = folder / file.path;
    if (!std::filesystem::is_regular_file(path, failed)) return false;
    const auto size_bytes = std::filesystem::file_size(path, failed);
    return !failed && (!file.size_bytes || std::cmp_equal(*file.size_bytes, size_bytes));
  });
}

/// A card with what it did not know of the folder's files filled in; nothing when a hash differs.
Result<std::optional<Card>> filled_in(const std::filesystem::path& folder, const Card& card) {
  if (!may_be(folder, card)) return std::nullopt;
  auto filled = checked(card, folder);
  if (filled) return *std::move(filled);
  const bool is_other = filled.error().code == ErrorCode::Corrupt;
  if (is_other || filled.error().reason == "pack_file_missing") return std::nullopt;
  return Unexpected(std::move(filled).error());
}

size_t known_hash_count(const Card& card) {
  return static_cast<size_t>(std::ranges::count_if(
      card.files, [](const PackFile& file) { return file.sha256.has_value(); }));
}

}  // namespace

std::span<const Card> known_cards() {
  static const std::vector<Card> cards = [] {
    std::vector<Card> parsed;
    for (const std::string_view text : known_card_texts()) {
      auto card = parse_card(text);
      CHECK_MSG(card.has_value(), card ? "" : card.error().message);
      parsed.push_back(*std::move(card));
    }
    std::ranges::sort(parsed, {}, &Card::id);
    return parsed;
  }();
  return cards;
}

const Card* find_known_card(std::string_view id) {
  const auto found = std::ranges::find(known_cards(), id, &Card::id);
  return found == known_cards().end() ? nullptr : &*found;
}

Result<std::optional<Card>> recognize(const std::filesystem::path& folder,
                                      std::span<const Card> cards) {
  std::optional<Card> best;
  size_t best_hash_count = 0;
  for (const Card& card : cards) {
    auto filled = TRY(filled_in(folder, card));
    if (!filled) continue;
    // Two cards may name the same files (buffalo_s and buffalo_sc): the one that knows more of them
    // by hash wins, then the first by id.
    const size_t hash_count = known_hash_count(card);
    if (!best || hash_count > best_hash_count) {
      best = *std::move(filled);
      best_hash_count = hash_count;
    }
  }
  return best;
}

}  // namespace faceforge::packs
