#pragma once

#include <filesystem>
#include <utility>

#include "base/file_lock.h"
#include "base/result.h"

namespace faceforge::packs {

/// The right to change the packs folder, held by one process and one call at a time. Ends with the
/// scope, and with the process however it ends.
class PacksLock {
 public:
  /// Creates the packs folder where it is missing, and closes it to other users.
  ///
  /// fails: busy/install_in_progress when another holds it; forbidden/file_not_writable or
  ///        exhausted/disk_full when the folder cannot be made or written to
  [[nodiscard]] static Result<PacksLock> take(const std::filesystem::path& packs_folder);

 private:
  explicit PacksLock(FileLock lock) : lock_(std::move(lock)) {}
  FileLock lock_;
};

/// A folder inside the packs folder where a pack is made ready; removed with the scope. What an
/// installation that was killed has left is removed first.
class Staging {
 public:
  /// in:    the lock, as proof that nobody else is at work there
  /// fails: as write_file_atomically
  [[nodiscard]] static Result<Staging> create(const std::filesystem::path& packs_folder,
                                              const PacksLock& lock);

  ~Staging();
  Staging(Staging&& other) noexcept;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  Staging& operator=(Staging&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit Staging(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace faceforge::packs
