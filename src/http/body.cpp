#include "http/body.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/wipe.h"

namespace faceforge::http {
namespace {

/// Opens a file that has no name, so that a crash leaves nothing behind. File systems that cannot
/// do it at once get a name that is removed at once.
int open_nameless(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
    return descriptor;
  }
  std::string name = (folder / "body-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

/// Adds bytes; memory that a vector outgrows is wiped, for what comes may hold a password.
void add_wiping(std::vector<std::byte>& memory, std::span<const std::byte> bytes) {
  if (memory.capacity() - memory.size() < bytes.size()) {
    std::vector<std::byte> larger;
    larger.reserve(std::max(2 * memory.capacity(), memory.size() + bytes.size()));
    larger.assign(memory.begin(), memory.end());
    wipe(memory);
    memory.swap(larger);
  }
  memory.insert(memory.end(), bytes.begin(), bytes.end());
}

}  // namespace

Body::Body(Body&& other) noexcept
    : memory_(std::move(other.memory_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_bytes_(std::exchange(other.mapping_bytes_, 0)),
      spool_(std::move(other.spool_)),
      client_(std::move(other.client_)) {}

Body& Body::operator=(Body&& other) noexcept {
  if (this != &other) {
    release();
    memory_ = std::move(other.memory_);
    mapping_ = std::exchange(other.mapping_, nullptr);
    mapping_bytes_ = std::exchange(other.mapping_bytes_, 0);
    spool_ = std::move(other.spool_);
    client_ = std::move(other.client_);
  }
  return *this;
}

Body::~Body() {
  release();
}

void Body::release() {
  wipe(memory_);
  if (mapping_ == nullptr) return;
  ::munmap(mapping_, mapping_bytes_);
  spool_->give_back(client_, mapping_bytes_);
  mapping_ = nullptr;
  mapping_bytes_ = 0;
}

std::span<const std::byte> Body::bytes() const {
  if (mapping_ != nullptr) return {static_cast<const std::byte*>(mapping_), mapping_bytes_};
  return memory_;
}

BodyWriter::BodyWriter(std::filesystem::path folder, std::shared_ptr<Shares> spool,
                       std::string client)
    : folder_(std::move(folder)), spool_(std::move(spool)), client_(std::move(client)) {}

BodyWriter::~BodyWriter() {
  wipe(memory_);
  if (descriptor_ >= 0) ::close(descriptor_);
  spool_->give_back(client_, spooled_bytes_);
}

Result<void> BodyWriter::append(std::span<const std::byte> bytes) {
  if (descriptor_ < 0 && memory_.size() + bytes.size() > kInMemory_bytes) TRY(move_to_disk());
  if (descriptor_ >= 0) {
    TRY(write_all(bytes));
  } else {
    add_wiping(memory_, bytes);
  }
  size_bytes_ += bytes.size();
  return {};
}

Result<void> BodyWriter::move_to_disk() {
  descriptor_ = open_nameless(folder_);
  if (descriptor_ < 0) return Unexpected(file_error(errno, "make a file in", folder_));
  TRY(write_all(memory_));
  wipe(memory_);
  memory_ = {};
  return {};
}

Result<void> BodyWriter::write_all(std::span<const std::byte> bytes) {
  switch (spool_->take(client_, bytes.size())) {
    case Shares::Taken::Yes:
      break;
    case Shares::Taken::ClientHasItsShare:
      return fail(ErrorCode::Busy, "upload_share_taken",
                  "your uploads in progress take all of the {} bytes that each may have on the "
                  "disk; wait for them",
                  spool_->limits().each);
    case Shares::Taken::NoneIsLeft:
      return fail(ErrorCode::Busy, "upload_space_taken",
                  "uploads in progress take all of the {} bytes that may lie on the disk; try "
                  "later",
                  spool_->limits().all);
  }
  spooled_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Unexpected(file_error(errno, "write an upload to", folder_));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<Body> BodyWriter::finish() {
  if (descriptor_ < 0) return Body(std::move(memory_));
  void* mapping = ::mmap(nullptr, size_bytes_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
  if (mapping == MAP_FAILED) return Unexpected(file_error(errno, "map an upload in", folder_));
  ::close(std::exchange(descriptor_, -1));
  CHECK(spooled_bytes_ == size_bytes_);
  Body body;
  body.mapping_ = mapping;
  body.mapping_bytes_ = size_bytes_;
  body.spool_ = spool_;
  body.client_ = client_;
  spooled_bytes_ = 0;  // the body gives it back
  return body;
}

}  // namespace faceforge::http
