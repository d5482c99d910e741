#include "net/internal/part_file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace faceforge::net::internal {
namespace {

constexpr size_t kNotesLimit_bytes = 16 * 1024;

std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
  path += suffix;
  return path;
}

}  // namespace

std::optional<std::string> Validator::if_range() const {
  const bool weak = etag.starts_with("W/");  // equal in meaning, not in bytes
  if (!etag.empty() && !weak) return etag;
  if (!last_modified.empty()) return last_modified;
  return std::nullopt;
}

bool Validator::may_be_same_as(const Validator& other) const {
  const auto differ = [](const std::string& left, const std::string& right) {
    return !left.empty() && !right.empty() && left != right;
  };
  return !differ(etag, other.etag) && !differ(last_modified, other.last_modified);
}

PartFile::PartFile(std::filesystem::path destination, int descriptor, std::string url_sha256)
    : destination_(std::move(destination)),
      descriptor_(descriptor),
      url_sha256_(std::move(url_sha256)) {}

PartFile::PartFile(PartFile&& other) noexcept
    : destination_(std::move(other.destination_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      url_sha256_(std::move(other.url_sha256_)),
      size_bytes_(other.size_bytes_),
      found_bytes_(other.found_bytes_),
      validator_(std::move(other.validator_)) {}

PartFile::~PartFile() {
  if (descriptor_ >= 0) ::close(descriptor_);  // which unlocks it too
}

std::filesystem::path PartFile::part_path() const {
  return with_suffix(destination_, ".part");
}

std::filesystem::path PartFile::notes_path() const {
  return with_suffix(destination_, ".part.json");
}

Result<PartFile> PartFile::open(const std::filesystem::path& destination, const std::string& url) {
  const auto path = with_suffix(destination, ".part");
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return Unexpected(file_error(errno, "write", path));
  PartFile part(destination, descriptor, to_hex(faceforge::sha256(url)));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::Conflict, "download_in_progress", "{} is being downloaded already",
                destination.string());
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Unexpected(file_error(errno, "read", path));
  const auto validator = part.read_notes();
  if (!validator) {
    TRY(part.restart({}));
    return part;
  }
  part.validator_ = *validator;
  part.size_bytes_ = static_cast<uint64_t>(status.st_size);
  part.found_bytes_ = part.size_bytes_;
  return part;
}

// Nothing when there are none, or those of another URL.
std::optional<Validator> PartFile::read_notes() const {
  const auto text = read_text_file(notes_path(), kNotesLimit_bytes);
  if (!text) return std::nullopt;
  const auto notes = json::parse(*text);
  if (!notes || !notes->is_object()) return std::nullopt;
  const auto url_sha256 = json::string_field(notes->as_object(), "url_sha256");
  auto etag = json::string_field(notes->as_object(), "etag");
  auto last_modified = json::string_field(notes->as_object(), "last_modified");
  if (!url_sha256 || !etag || !last_modified || *url_sha256 != url_sha256_) return std::nullopt;
  return Validator{*std::move(etag), *std::move(last_modified)};
}

bool PartFile::is_resumable() const {
  return size_bytes_ > 0 && validator_.if_range().has_value();
}

Result<void> PartFile::restart(Validator validator) {
  // Emptied first: bytes without notes are never trusted, notes without bytes cost nothing.
  if (::ftruncate(descriptor_, 0) != 0) return Unexpected(file_error(errno, "write", part_path()));
  size_bytes_ = 0;
  found_bytes_ = 0;
  validator_ = std::move(validator);
  const json::object notes{{"url_sha256", url_sha256_},
                           {"etag", validator_.etag},
                           {"last_modified", validator_.last_modified}};
  return write_file_atomically(notes_path(), json::to_pretty_text(notes));
}

Result<void> PartFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unexpected(file_error(errno, "write", part_path()));
    size_bytes_ += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> PartFile::sha256() const {
  return to_hex(TRY(sha256_file(part_path())));
}

Result<void> PartFile::finish() {
  if (::fsync(descriptor_) != 0) return Unexpected(file_error(errno, "write", part_path()));
  if (::rename(part_path().c_str(), destination_.c_str()) != 0) {
    return Unexpected(file_error(errno, "write", destination_));
  }
  ::unlink(notes_path().c_str());
  return flush_folder(destination_.has_parent_path() ? destination_.parent_path() : ".");
}

void PartFile::discard() {
  ::unlink(part_path().c_str());
  ::unlink(notes_path().c_str());
}

}  // namespace faceforge::net::internal
