#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packs/internal/recognition_memory.h"
#include "packs/registry.h"

namespace faceforge::packs {

[[nodiscard]] inline const std::string& id_of(const PackEntry& entry) {
  return entry.card.id;
}

/// The packs of this machine: installed ones, then those in place whose ids are not installed.
/// Damaged ones carry their fault.
///
/// fails: not_found/in_place_folder_missing; as the file system does on the folders
[[nodiscard]] Result<std::vector<PackEntry>> packs_here(const RegistryOptions& options,
                                                        RecognitionMemory& memory);

/// One pack of this machine, by id or by its folder. Looks no further than it must: an installed
/// pack is found without reading those in place.
///
/// fails: not_found/pack_unknown with near ids; not_found/pack_not_installed; as card_of
[[nodiscard]] Result<PackEntry> find_pack(const RegistryOptions& options,
                                          std::string_view id_or_folder, RecognitionMemory& memory);

/// not_found/pack_unknown, naming ids that may have been meant.
[[nodiscard]] Unexpected unknown_pack(std::string_view id, std::span<const PackEntry> entries);

/// Where this machine keeps a card for a pack that is used in place, and must not be written to.
[[nodiscard]] std::filesystem::path own_card_folder(const std::filesystem::path& packs_folder,
                                                    std::string_view id);

/// Gives a card what was measured elsewhere of its model: the accuracy and calibration stored on
/// this machine, else the calibration of the known card.
void add_measurements(Card& card, const std::filesystem::path& packs_folder);

}  // namespace faceforge::packs
