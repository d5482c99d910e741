#include "packs/internal/packs_lock.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = ".lock";
constexpr const char* kStagingName = ".staging";

}  // namespace

Result<PacksLock> PacksLock::take(const fs::path& packs_folder) {
  TRY(make_private_folder(packs_folder));
  const fs::path file = packs_folder / kLockName;
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return Unexpected(file_error(errno, "write", file));
  PacksLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return Unexpected(file_error(errno, "lock", file));
  return fail(ErrorCode::Busy, "install_in_progress",
              "another process is installing or removing a pack in {}: try again when it is done",
              packs_folder.string());
}

PacksLock::PacksLock(PacksLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

PacksLock::~PacksLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
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
