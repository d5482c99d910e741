#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"
#include "base/scratch_folder.h"
#include "packs/card.h"

namespace faceforge::packs {

/// A pack in the making: a hidden folder beside its place, gone with the scope unless it is
/// finished. Whatever goes wrong, there is a whole pack or none.
class NewPack {
 public:
  /// in:    `folder` must not exist yet; the missing ones above it are made
  /// fails: conflict/folder_exists; as file_error
  [[nodiscard]] static Result<NewPack> create(const std::filesystem::path& folder);

  /// Where the files lie until it is finished.
  [[nodiscard]] const std::filesystem::path& staging() const { return staging_.path(); }

  /// Copies a file in, to the path that the card gives it. Fails as copy_file_atomically.
  [[nodiscard]] Result<void> copy_in(const std::filesystem::path& source,
                                     const std::filesystem::path& path) const;

  /// Writes a file at the path that the card gives it. Fails as write_file_atomically.
  [[nodiscard]] Result<void> write_in(std::span<const std::byte> contents,
                                      const std::filesystem::path& path) const;

  /// Writes the card, checks every file against it, loads every network once, and moves the whole
  /// to its place.
  ///
  /// in:    once
  /// out:   the card as written
  /// fails: as write_card, read_card, Registry::open and vision::Pipeline::load; as file_error when
  ///        another process has made that folder meanwhile
  [[nodiscard]] Result<Card> finish(const Card& card);

 private:
  NewPack(std::filesystem::path folder, ScratchFolder staging);

  std::filesystem::path folder_;
  ScratchFolder staging_;
};

}  // namespace faceforge::packs
