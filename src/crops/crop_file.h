#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "base/sha256.h"

namespace faceforge::crops {

inline constexpr uint32_t kMaxSide_px = 1024;
inline constexpr uint64_t kMaxCropCount = uint64_t{1} << 31;
inline constexpr uint32_t kMaxPersonCount = 100'000'000;
inline constexpr size_t kMaxNameBytes = 1024;

/// The size that all crops of a file have: RGB8, rows from the top, three bytes a pixel.
struct CropShape {
  uint32_t width_px = 112;
  uint32_t height_px = 112;

  [[nodiscard]] size_t bytes() const { return size_t{3} * width_px * height_px; }
  friend bool operator==(const CropShape&, const CropShape&) = default;
};

/// A `.ffd` file (docs/ffd-format.md) of aligned crops and whose they are, mapped into memory and
/// read only. What was opened stays valid when the path is replaced, for `CropWriter` replaces
/// whole files; a file that something else cuts short while it is open ends the program (SIGBUS).
class CropFile {
 public:
  /// Maps a file and checks all of it but the pixels.
  ///
  /// fails: not_found/file_not_found; forbidden/file_not_readable; invalid_input/not_a_file;
  ///        invalid_input/not_a_crop_file for another kind of file; unsupported/crop_file_version;
  ///        corrupt/crop_file_damaged for anything that its layout or its checksums forbid
  /// cost:  reads the labels and the names, no pixels
  [[nodiscard]] static Result<CropFile> open(const std::filesystem::path& path);

  [[nodiscard]] CropShape shape() const { return shape_; }
  [[nodiscard]] size_t crop_count() const { return labels_.size(); }
  [[nodiscard]] size_t person_count() const { return names_.size(); }

  /// The crop's pixels. in: `crop_index` below `crop_count()` (a CHECK)
  [[nodiscard]] std::span<const std::byte> pixels(size_t crop_index) const;

  /// Whose crop it is: an index below `person_count()`.
  [[nodiscard]] uint32_t person_index(size_t crop_index) const;

  /// A person's name. in: `person_index` below `person_count()` (a CHECK)
  [[nodiscard]] std::string_view name(size_t person_index) const;

  /// What the file holds, as a hash: of sizes, labels, names and pixels.
  [[nodiscard]] const Sha256& sha256() const { return sha256_; }

  /// Reads every pixel and compares with the checksum.
  ///
  /// in:    `supervision` is told megabytes
  /// fails: corrupt/crop_file_damaged; cancelled/cancelled
  [[nodiscard]] Result<void> verify_pixels(const Supervision& supervision = {}) const;

  ~CropFile();
  CropFile(CropFile&& other) noexcept;
  CropFile(const CropFile&) = delete;
  CropFile& operator=(const CropFile&) = delete;
  CropFile& operator=(CropFile&&) = delete;

 private:
  CropFile(std::filesystem::path path, std::span<const std::byte> file);
  [[nodiscard]] Result<void> read_tables();

  std::filesystem::path path_;
  std::span<const std::byte> file_;  ///< the mapping
  CropShape shape_;
  std::span<const std::byte> pixels_;
  std::vector<uint32_t> labels_;
  std::vector<std::string_view> names_;  ///< into `file_`
  Sha256 pixels_sha256_{};
  Sha256 sha256_{};
};

}  // namespace faceforge::crops
