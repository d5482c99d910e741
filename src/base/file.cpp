#include "base/file.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace faceforge {
namespace {

// Closes at the end of the scope. Where a failing close matters, close() is called before.
class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int close() { return ::close(std::exchange(descriptor_, -1)); }

 private:
  int descriptor_;
};

std::string system_words(int error_number) {
  return std::error_code(error_number, std::generic_category()).message();
}

Unexpected failed(int error_number, std::string_view action, const std::filesystem::path& path) {
  return Unexpected(file_error(error_number, action, path));
}

Error read_error(int error_number, const std::filesystem::path& path) {
  Error error = file_error(error_number, "read", path);
  if (error_number == ENOENT || error_number == ENOTDIR) error.reason = "file_not_found";
  if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
  return error;
}

constexpr int kLinkLimit = 40;  // as many as Linux follows

// How much is read at a time past the size that fstat reported: files in /proc report 0.
constexpr size_t kGrowth_bytes = 64 * 1024;

template <typename Contents>
Result<Contents> read_whole(const std::filesystem::path& path, size_t limit_bytes) {
  // Non-blocking, so that a pipe without a writer is refused rather than waited for.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return Unexpected(read_error(errno, path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Unexpected(read_error(errno, path));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "not_a_file", "{} is not a regular file", path.string());
  }
  const auto too_large = [&](size_t size) {
    return fail(ErrorCode::TooLarge, "file_too_large", "{} has {} bytes or more; the limit is {}",
                path.string(), size, limit_bytes);
  };
  if (std::cmp_greater(status.st_size, limit_bytes)) {
    return too_large(static_cast<size_t>(status.st_size));
  }
  Contents contents;
  size_t filled = 0;
  size_t room = static_cast<size_t>(status.st_size) + 1;  // one more, to see the end
  while (true) {
    contents.resize(filled + room);
    const ssize_t got = ::read(file.get(), contents.data() + filled, contents.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected(read_error(errno, path));
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > limit_bytes) return too_large(filled);
    if (filled == contents.size())
      room = kGrowth_bytes;
    else
      room = contents.size() - filled;
  }
  contents.resize(filled);
  return contents;
}

int write_all(int descriptor, std::span<const std::byte> contents) {
  while (!contents.empty()) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    contents = contents.subspan(static_cast<size_t>(written));
  }
  return 0;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Makes a folder and the missing ones above it, of mode 0700 and durable.
Result<void> make_folders(const std::filesystem::path& folder) {
  const auto make = [&] { return ::mkdir(folder.c_str(), S_IRWXU) == 0 ? 0 : errno; };
  int error_number = make();
  if (error_number == ENOENT && folder.has_relative_path()) {
    TRY(make_folders(folder_of(folder)));
    error_number = make();
  }
  if (error_number == EEXIST) return {};
  if (error_number != 0) return failed(error_number, "make the folder", folder);
  return flush_folder(folder_of(folder));
}

}  // namespace

Error file_error(int error_number, std::string_view action, const std::filesystem::path& path) {
  Error error{.code = ErrorCode::Internal,
              .reason = "file_error",
              .message = fmt::format("cannot {} {}: {}", action, path.string(),
                                     system_words(error_number))};
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      error.code = ErrorCode::Exhausted;
      error.reason = "disk_full";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      error.code = ErrorCode::Forbidden;
      error.reason = "file_not_writable";
      break;
    case ENOENT:
    case ENOTDIR:
      error.code = ErrorCode::NotFound;
      error.reason = "folder_not_found";
      break;
    default:
      break;
  }
  return error;
}

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, size_t limit_bytes) {
  return read_whole<std::vector<std::byte>>(path, limit_bytes);
}

Result<std::string> read_text_file(const std::filesystem::path& path, size_t limit_bytes) {
  return read_whole<std::string>(path, limit_bytes);
}

Result<void> flush_folder(const std::filesystem::path& folder) {
  FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) return failed(errno, "open", folder);
  // EINVAL, ENOTSUP: some shared folders cannot, and so keep nothing back either.
  if (::fsync(opened.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    return failed(errno, "flush", folder);
  }
  return {};
}

Result<std::filesystem::path> file_to_write(const std::filesystem::path& path) {
  struct stat status {};
  // The kernel follows links here, and so it decides whether this one may be followed.
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) {
      return fail(ErrorCode::InvalidInput, "not_a_file",
                  "{} is no regular file: a folder, a device or a pipe cannot be replaced by one",
                  path.string());
    }
  } else if (errno != ENOENT) {
    return failed(errno, "write", path);
  }
  std::filesystem::path file = path;
  std::error_code no_link;
  for (int hop = 0; hop < kLinkLimit; ++hop) {
    const auto target = std::filesystem::read_symlink(file, no_link);
    if (no_link) break;
    file = folder_of(file) / target;
  }
  if (::stat(folder_of(file).c_str(), &status) != 0) return failed(errno, "write", path);
  return file;
}

AtomicFile::AtomicFile(std::filesystem::path path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  auto file = TRY(file_to_write(path));
  // The name's own length may be at the limit already, so the temporary one does not contain it.
  std::string temporary = (folder_of(file) / ".writing-XXXXXX").string();
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return failed(errno, "write", path);
  return AtomicFile(std::move(file), std::move(temporary), descriptor);
}

Result<void> AtomicFile::write(std::span<const std::byte> contents) {
  const int error_number = write_all(descriptor_, contents);
  if (error_number != 0) return failed(error_number, "write", path_);
  return {};
}

Result<void> AtomicFile::finish() {
  CHECK(!temporary_.empty());
  if (::fsync(descriptor_) != 0) return failed(errno, "write", path_);
  if (::close(std::exchange(descriptor_, -1)) != 0) return failed(errno, "write", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed(errno, "write", path_);
  temporary_.clear();
  return flush_folder(folder_of(path_));
}

Result<void> write_file_atomically(const std::filesystem::path& path,
                                   std::span<const std::byte> contents) {
  AtomicFile file = TRY(AtomicFile::create(path));
  TRY(file.write(contents));
  return file.finish();
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view contents) {
  return write_file_atomically(path, std::as_bytes(std::span(contents)));
}

Result<void> make_private_folder(const std::filesystem::path& folder) {
  TRY(make_folders(folder));
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return failed(errno, "make the folder", folder);
  if (!S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::NotFound, "not_a_folder", "{} is no folder", folder.string());
  }
  const bool wider = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  if (wider && status.st_uid == ::geteuid() && ::chmod(folder.c_str(), S_IRWXU) != 0) {
    return failed(errno, "close to others", folder);
  }
  return {};
}

}  // namespace faceforge
