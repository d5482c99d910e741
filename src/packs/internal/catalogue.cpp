#include "packs/internal/catalogue.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/ranges.h>

#include "base/spelling.h"
#include "packs/internal/pack_files.h"
#include "packs/known_cards.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

/// A card that says no more than which pack it is of: of a pack whose own card cannot be read.
Card nameless_card(const fs::path& folder) {
  const std::string id = folder.filename().string();
  return Card{.id = id, .name = id};
}

PackEntry installed_entry(const fs::path& folder) {
  PackEntry entry{.card = nameless_card(folder), .state = PackState::Installed, .folder = folder};
  auto card = read_card(folder);
  if (!card) {
    entry.fault = card.error();
  } else if (card->id != entry.card.id) {
    entry.fault = Error{
        ErrorCode::Corrupt, "pack_folder_name",
        fmt::format("the pack in {} calls itself {}: reinstall it", folder.string(), card->id)};
  } else {
    entry.card = *std::move(card);
    if (auto sizes = check_sizes(entry.card, folder); !sizes) entry.fault = sizes.error();
  }
  return entry;
}

/// Nothing for a folder that is no pack, or none of `candidates` (known cards).
std::optional<PackEntry> in_place_entry(const fs::path& folder, std::span<const Card> candidates,
                                        RecognitionMemory& memory) {
  if (!looks_like_pack(folder)) return std::nullopt;
  PackEntry entry{.card = nameless_card(folder), .state = PackState::InPlace, .folder = folder};
  auto card = read_card(folder);
  if (!card && card.error().reason == "card_missing") {
    auto recognized = memory.recognize(folder, candidates);
    if (recognized && !*recognized) return std::nullopt;
    card = recognized ? Result<Card>(**std::move(recognized))
                      : Result<Card>(std::unexpect, recognized.error());
  }
  if (!card) {
    entry.fault = card.error();
    return entry;
  }
  entry.card = *std::move(card);
  if (auto sizes = check_sizes(entry.card, folder); !sizes) entry.fault = sizes.error();
  return entry;
}

/// in:    `candidates` what folders without a card may be: fewer are found sooner
Result<std::vector<PackEntry>> packs_in_place(const RegistryOptions& options,
                                              std::span<const Card> candidates,
                                              RecognitionMemory& memory) {
  std::vector<PackEntry> entries;
  if (!options.in_place_folder) return entries;
  const fs::path& root = *options.in_place_folder;
  std::error_code failed;
  if (!fs::is_directory(root, failed)) {
    return fail(ErrorCode::NotFound, "in_place_folder_missing",
                "FACEFORGE_PACKS names {}, which is no folder", root.string());
  }
  std::vector<fs::path> folders = TRY(subfolders(root));
  folders.insert(folders.begin(), root);
  for (const fs::path& folder : folders) {
    if (auto entry = in_place_entry(folder, candidates, memory))
      entries.push_back(*std::move(entry));
  }
  return entries;
}

bool is_plain_name(std::string_view id) {
  return !id.empty() && id.front() != '.' && id.find('/') == std::string_view::npos;
}

}  // namespace

Result<std::vector<PackEntry>> packs_here(const RegistryOptions& options,
                                          RecognitionMemory& memory) {
  std::vector<PackEntry> entries;
  const auto folders = TRY(subfolders(options.packs_folder));
  for (const fs::path& folder : folders) entries.push_back(installed_entry(folder));
  auto in_place = TRY(packs_in_place(options, known_cards(), memory));
  for (PackEntry& entry : in_place) {
    if (std::ranges::find(entries, id_of(entry), id_of) == entries.end()) {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

Result<PackEntry> find_pack(const RegistryOptions& options, std::string_view id_or_folder,
                            RecognitionMemory& memory) {
  std::error_code failed;
  if (is_plain_name(id_or_folder)) {
    const fs::path folder = options.packs_folder / id_or_folder;
    if (fs::is_directory(folder, failed)) return installed_entry(folder);
    const Card* known = find_known_card(id_or_folder);
    const auto candidates =
        known == nullptr ? std::span<const Card>() : std::span<const Card>(known, 1);
    const auto in_place = TRY(packs_in_place(options, candidates, memory));
    const auto found = std::ranges::find(in_place, id_or_folder, id_of);
    if (found != in_place.end()) return *found;
    if (known != nullptr) {
      return fail(ErrorCode::NotFound, "pack_not_installed",
                  "the pack {0} is known but not installed: run `faceforge packs install {0}`",
                  id_or_folder);
    }
  }
  const fs::path folder(id_or_folder);
  if (fs::is_directory(folder, failed)) {
    auto card = TRY(card_of(folder));
    return PackEntry{.card = std::move(card), .state = PackState::InPlace, .folder = folder};
  }
  const auto entries = TRY(packs_here(options, memory));
  return unknown_pack(id_or_folder, entries);
}

Unexpected unknown_pack(std::string_view id, std::span<const PackEntry> entries) {
  std::vector<std::string> ids;
  for (const PackEntry& entry : entries) ids.push_back(entry.card.id);
  for (const Card& card : known_cards()) {
    if (std::ranges::find(ids, card.id) == ids.end()) ids.push_back(card.id);
  }
  const std::string shown(id.substr(0, 200));
  if (std::ranges::find(ids, id) != ids.end()) {
    return fail(ErrorCode::NotFound, "pack_unknown",
                "`{}` is here already, and no pack that FaceForge knows where to get: give a "
                "folder, zip or URL",
                shown);
  }
  const auto near = near_words(id, ids);
  if (near.empty()) {
    return fail(ErrorCode::NotFound, "pack_unknown",
                "`{}` is no pack, folder, zip or URL; `faceforge packs list` names the known packs",
                shown);
  }
  return fail(ErrorCode::NotFound, "pack_unknown",
              "`{}` is no pack, folder, zip or URL; did you mean {}?", shown,
              fmt::join(near, " or "));
}

fs::path own_card_folder(const fs::path& packs_folder, std::string_view id) {
  return packs_folder / ".cards" / id;
}

void add_measurements(Card& card, const fs::path& packs_folder) {
  const auto own = model_id(card);
  if (!own) return;  // a card without the sha256 of its weights: told only when they are read
  const auto is_of_this_model = [&](const Card& other) {
    return other.calibration && other.calibration->model_id == *own;
  };
  // What the operator measured here comes before what the pack brought along, and that before what
  // the program knows. An installed pack's own card is both of the first two.
  const auto stored = read_card(own_card_folder(packs_folder, card.id));
  if (stored && model_id(*stored) == own && stored->measured_accuracy) {
    card.measured_accuracy = stored->measured_accuracy;
  }
  if (stored && is_of_this_model(*stored)) {
    card.calibration = stored->calibration;
    return;
  }
  if (is_of_this_model(card)) return;
  const Card* known = find_known_card(card.id);
  card.calibration.reset();
  if (known != nullptr && is_of_this_model(*known)) card.calibration = known->calibration;
}

}  // namespace faceforge::packs
