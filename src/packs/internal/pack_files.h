#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "packs/card.h"

namespace faceforge::packs {

/// Compares every file of a pack with its card.
///
/// out:   the card with what it did not know of its files filled in
/// fails: not_found/pack_file_missing; too_large/pack_file_too_large; corrupt/pack_file_size;
///        corrupt/pack_file_sha256, each naming the file; as sha256_file
/// cost:  reads every file
[[nodiscard]] Result<Card> checked(const Card& card, const std::filesystem::path& folder);

/// The same without reading them: existence and size only.
[[nodiscard]] Result<void> check_sizes(const Card& card, const std::filesystem::path& folder);

/// The card of a folder: its own, or that of a known pack with the same files.
///
/// fails: as read_card; unsupported/pack_unrecognized
[[nodiscard]] Result<Card> card_of(const std::filesystem::path& folder);

/// Tells whether a folder means to be a pack: it has a card or an ONNX file.
[[nodiscard]] bool looks_like_pack(const std::filesystem::path& folder);

/// Tells whether every file that a card names is in the folder, whatever it holds.
[[nodiscard]] bool has_file_names(const std::filesystem::path& folder, const Card& card);

/// Copies the files that a card names into the existing folder `destination`, and flushes them.
///
/// fails: as check_sizes; as write_file_atomically
[[nodiscard]] Result<void> copy_files(const Card& card, const std::filesystem::path& folder,
                                      const std::filesystem::path& destination);

/// Puts the folder `made` into the place of `old`: exchanges the two, or, where the file system
/// cannot, moves the old one to `aside` first and back when the new one cannot be moved.
///
/// fails: as write_file_atomically; then `old` is what it was
[[nodiscard]] Result<void> replace_folder(const std::filesystem::path& made,
                                          const std::filesystem::path& old,
                                          const std::filesystem::path& aside);

/// The folders inside `folder` whose names do not begin with a dot, in the order of their names.
/// One that is not there has none.
///
/// fails: forbidden/file_not_readable; internal/file_error
[[nodiscard]] Result<std::vector<std::filesystem::path>> subfolders(
    const std::filesystem::path& folder);

}  // namespace faceforge::packs
