#include "base/copy_file.h"

#include <cerrno>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace faceforge {
namespace {

Unexpected unreadable(int error_number, const std::filesystem::path& path) {
  Error error = file_error(error_number, "read", path);
  if (error.code == ErrorCode::NotFound) error.reason = "file_not_found";
  if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
  return Unexpected(std::move(error));
}

Result<void> copy_from(int source, const std::filesystem::path& from,
                       const std::filesystem::path& to) {
  struct stat status {};
  if (::fstat(source, &status) != 0) return unreadable(errno, from);
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "not_a_file", "{} is not a regular file", from.string());
  }
  AtomicFile copy = TRY(AtomicFile::create(to));
  std::vector<std::byte> chunk(size_t{1} << 20);
  while (true) {
    const ssize_t got = ::read(source, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno, from);
    if (got == 0) return copy.finish();
    TRY(copy.write(std::span(chunk).first(static_cast<size_t>(got))));
  }
}

}  // namespace

Result<void> copy_file_atomically(const std::filesystem::path& from,
                                  const std::filesystem::path& to) {
  // Non-blocking, so that a pipe without a writer is refused rather than waited for.
  const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (source < 0) return unreadable(errno, from);
  const auto close = [](const int* descriptor) { ::close(*descriptor); };
  const std::unique_ptr<const int, decltype(close)> open(&source, close);
  return copy_from(source, from, to);
}

}  // namespace faceforge
