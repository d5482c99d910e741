#include "packs/internal/packs_lock.h"

#include <system_error>
#include <utility>

#include "base/file.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = ".lock";
constexpr const char* kStagingName = ".staging";

}  // namespace

Result<PacksLock> PacksLock::take(const fs::path& packs_folder) {
  TRY(make_private_folder(packs_folder));
  auto lock = TRY(FileLock::try_take(packs_folder / kLockName));
  if (lock) return PacksLock(*std::move(lock));
  return fail(ErrorCode::Busy, "install_in_progress",
              "another process is installing or removing a pack in {}: try again when it is done",
              packs_folder.string());
}

Result<Staging> Staging::create(const fs::path& packs_folder, const PacksLock& /*lock*/) {
  const fs::path path = packs_folder / kStagingName;
  std::error_code failed;
  fs::remove_all(path, failed);
  if (failed) return Unexpected(file_error(failed.value(), "empty the folder", path));
  TRY(make_private_folder(path));
  return Staging(path);
}

Staging::Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Staging::~Staging() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace faceforge::packs
