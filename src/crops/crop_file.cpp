#include "crops/crop_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "crops/layout.h"

namespace faceforge::crops {
namespace {

Unexpected damaged(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::Corrupt, "crop_file_damaged", "{}: {}", path.string(), what);
}

Error read_error(int error_number, const std::filesystem::path& path) {
  Error error = file_error(error_number, "read", path);
  if (error_number == ENOENT || error_number == ENOTDIR) error.reason = "file_not_found";
  if (error.code == ErrorCode::Forbidden) error.reason = "file_not_readable";
  return error;
}

/// Maps the file behind a descriptor; nothing is mapped for an empty one.
Result<std::span<const std::byte>> map_descriptor(int descriptor,
                                                  const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Unexpected(read_error(errno, path));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::InvalidInput, "not_a_file", "{} is not a regular file", path.string());
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return std::span<const std::byte>();
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) return Unexpected(read_error(errno, path));
  return std::span(static_cast<const std::byte*>(mapped), size);
}

Result<std::span<const std::byte>> map_file(const std::filesystem::path& path) {
  // Non-blocking, so that a pipe without a writer is refused rather than waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Unexpected(read_error(errno, path));
  auto mapped = map_descriptor(descriptor, path);
  ::close(descriptor);  // the mapping outlives it
  return mapped;
}

/// The names of the table, one after the other; nothing when they are not exactly that.
Result<std::vector<std::string_view>> read_names(std::span<const std::byte> table,
                                                 uint64_t person_count,
                                                 const std::filesystem::path& path) {
  // Each name takes 5 bytes or more, so that a false count reserves no more than the file is long.
  if (person_count > kMaxPersonCount || person_count > table.size() / 5) {
    return damaged(path, "more people than names");
  }
  std::vector<std::string_view> names;
  names.reserve(person_count);
  size_t offset = 0;
  for (uint64_t i = 0; i < person_count; ++i) {
    if (table.size() - offset < 4) return damaged(path, "the names end early");
    const size_t length = read_u32(table, offset);
    offset += 4;
    if (length > table.size() - offset) return damaged(path, "the names end early");
    const std::string_view name(reinterpret_cast<const char*>(table.data()) + offset, length);
    if (!is_person_name(name)) return damaged(path, "a name that no person may have");
    names.push_back(name);
    offset += length;
  }
  if (offset != table.size()) return damaged(path, "more than names among the names");
  auto sorted = names;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return damaged(path, "a name twice");
  return names;
}

}  // namespace

CropFile::CropFile(std::filesystem::path path, std::span<const std::byte> file)
    : path_(std::move(path)), file_(file) {}

CropFile::CropFile(CropFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, {})),
      shape_(other.shape_),
      pixels_(other.pixels_),
      labels_(std::move(other.labels_)),
      names_(std::move(other.names_)),
      pixels_sha256_(other.pixels_sha256_),
      sha256_(other.sha256_) {}

CropFile::~CropFile() {
  if (!file_.empty()) ::munmap(const_cast<std::byte*>(file_.data()), file_.size());
}

Result<CropFile> CropFile::open(const std::filesystem::path& path) {
  CropFile opened(path, TRY(map_file(path)));
  TRY(opened.read_tables());
  return opened;
}

Result<void> CropFile::read_tables() {
  const auto same = [](std::byte byte, unsigned char magic) { return byte == std::byte{magic}; };
  if (file_.size() < kMagic.size() ||
      !std::ranges::equal(file_.first(kMagic.size()), kMagic, same)) {
    return fail(ErrorCode::InvalidInput, "not_a_crop_file", "{} is no .ffd file", path_.string());
  }
  if (file_.size() < kPixelsOffset + kTrailerBytes) return damaged(path_, "it ends early");
  if (const uint32_t version = read_u32(file_, 8); version != kVersion) {
    return fail(ErrorCode::Unsupported, "crop_file_version",
                "{} has version {}; this program reads version {}", path_.string(), version,
                kVersion);
  }
  shape_ = {.width_px = read_u32(file_, 12), .height_px = read_u32(file_, 16)};
  const auto side_is_good = [](uint32_t side) { return side >= 1 && side <= kMaxSide_px; };
  if (!side_is_good(shape_.width_px) || !side_is_good(shape_.height_px) ||
      read_u32(file_, 20) != 3) {
    return damaged(path_, "a size of crops that there is not");
  }
  const size_t trailer_offset = file_.size() - kTrailerBytes;
  const auto trailer_part = file_.subspan(trailer_offset);
  const Trailer trailer = read_trailer(trailer_part);
  // No product or sum here can overflow: 2^31 crops of 3 * 2^20 bytes.
  if (trailer.crop_count > kMaxCropCount ||
      trailer.labels_offset != kPixelsOffset + trailer.crop_count * shape_.bytes() ||
      trailer.names_offset != trailer.labels_offset + 4 * trailer.crop_count ||
      trailer.names_offset > trailer_offset) {
    return damaged(path_, "its parts are not where they must be");
  }
  const auto head = file_.first(kPixelsOffset);
  const auto tables = file_.subspan(trailer.labels_offset, trailer_offset - trailer.labels_offset);
  if (hash_of(head, tables, trailer_part) != trailer.sha256) {
    return damaged(path_, "its labels or names are not what was written");
  }
  names_ = TRY(read_names(tables.subspan(4 * trailer.crop_count), trailer.person_count, path_));
  labels_.reserve(trailer.crop_count);
  for (size_t i = 0; i < trailer.crop_count; ++i) {
    labels_.push_back(read_u32(tables, 4 * i));
    if (labels_.back() >= names_.size()) return damaged(path_, "a crop of nobody");
  }
  pixels_ = file_.subspan(kPixelsOffset, trailer.labels_offset - kPixelsOffset);
  pixels_sha256_ = trailer.pixels_sha256;
  sha256_ = trailer.sha256;
  return {};
}

std::span<const std::byte> CropFile::pixels(size_t crop_index) const {
  CHECK(crop_index < labels_.size());
  return pixels_.subspan(crop_index * shape_.bytes(), shape_.bytes());
}

uint32_t CropFile::person_index(size_t crop_index) const {
  CHECK(crop_index < labels_.size());
  return labels_[crop_index];
}

std::string_view CropFile::name(size_t person_index) const {
  CHECK(person_index < names_.size());
  return names_[person_index];
}

Result<void> CropFile::verify_pixels(const Supervision& supervision) const {
  constexpr size_t kMegabyte = size_t{1} << 20;
  constexpr size_t kPieceBytes = 16 * kMegabyte;
  Sha256Stream hash;
  for (size_t done = 0; done < pixels_.size(); done += kPieceBytes) {
    if (supervision.stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "the check of {} was stopped", path_.string());
    }
    if (supervision.report) supervision.report(done / kMegabyte, pixels_.size() / kMegabyte);
    hash.add(pixels_.subspan(done, std::min(kPieceBytes, pixels_.size() - done)));
  }
  if (hash.finish() == pixels_sha256_) return {};
  return damaged(path_, "its pixels are not what was written");
}

}  // namespace faceforge::crops
