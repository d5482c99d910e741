#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/shares.h"

namespace faceforge::http {

/// A complete request body in one piece: in memory when it is small, else a file without a name
/// that is mapped into memory and gone with this object, whatever happens to the process.
class Body {
 public:
  Body() = default;
  explicit Body(std::vector<std::byte> bytes) : memory_(std::move(bytes)) {}
  Body(Body&& other) noexcept;
  Body& operator=(Body&& other) noexcept;
  ~Body();

  [[nodiscard]] std::span<const std::byte> bytes() const;

 private:
  friend class BodyWriter;
  void release();

  std::vector<std::byte> memory_;
  void* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  std::shared_ptr<Shares> spool_;  ///< set when bytes of it are to be given back
  std::string client_;
};

/// Collects a body as it arrives. How much may arrive is the caller's to check.
class BodyWriter {
 public:
  /// Bodies longer than this go to the disk.
  static constexpr size_t kInMemory_bytes = size_t{1} << 20;

  /// in: `folder` an existing folder on the disk for long bodies; `spool` the bytes that may lie
  ///     there at a time; `client` whose body it is
  BodyWriter(std::filesystem::path folder, std::shared_ptr<Shares> spool, std::string client);
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;
  ~BodyWriter();

  /// Adds the bytes that came next.
  ///
  /// fails: busy/upload_space_taken when all bodies together would exceed what may lie on the
  ///        disk; busy/upload_share_taken when this client's would; as `file_error` (disk_full,
  ///        file_not_writable, folder_not_found)
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);

  [[nodiscard]] size_t size_bytes() const { return size_bytes_; }

  /// Hands the body over; nothing may be appended afterwards.
  ///
  /// fails: as `file_error`
  [[nodiscard]] Result<Body> finish();

 private:
  [[nodiscard]] Result<void> move_to_disk();
  [[nodiscard]] Result<void> write_all(std::span<const std::byte> bytes);

  std::filesystem::path folder_;
  std::shared_ptr<Shares> spool_;
  std::string client_;
  std::vector<std::byte> memory_;
  int descriptor_ = -1;
  size_t size_bytes_ = 0;
  size_t spooled_bytes_ = 0;
};

}  // namespace faceforge::http
