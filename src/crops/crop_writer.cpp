#include "crops/crop_writer.h"

#include "base/check.h"
#include "base/unicode.h"
#include "crops/layout.h"

namespace faceforge::crops {

Result<void> check_person_name(std::string_view name) {
  if (is_person_name(name)) return {};
  return fail(ErrorCode::InvalidInput, "person_name",
              "`{}` is no name of a person: 1 to {} bytes of UTF-8 without control characters",
              to_valid_utf8(name.substr(0, 100)), kMaxNameBytes);
}

Result<CropWriter> CropWriter::create(const std::filesystem::path& path, CropShape shape) {
  CHECK(shape.width_px >= 1 && shape.width_px <= kMaxSide_px);
  CHECK(shape.height_px >= 1 && shape.height_px <= kMaxSide_px);
  CropWriter writer(TRY(AtomicFile::create(path)), shape);
  TRY(writer.file_.write(head_bytes(shape)));
  return writer;
}

Result<void> CropWriter::add_person(std::string_view name) {
  TRY(check_person_name(name));
  if (names_.size() == kMaxPersonCount) {
    return fail(ErrorCode::TooLarge, "too_many_people", "more than {} people", kMaxPersonCount);
  }
  if (!known_names_.emplace(name).second) {
    return fail(ErrorCode::AlreadyExists, "person_name_twice", "two people named `{}`", name);
  }
  names_.emplace_back(name);
  return {};
}

Result<void> CropWriter::add_crop(std::span<const std::byte> pixels) {
  CHECK(!names_.empty());
  CHECK(pixels.size() == shape_.bytes());
  if (labels_.size() == kMaxCropCount) {
    return fail(ErrorCode::TooLarge, "too_many_crops", "more than {} crops", kMaxCropCount);
  }
  TRY(file_.write(pixels));
  pixels_hash_.add(pixels);
  labels_.push_back(static_cast<uint32_t>(names_.size() - 1));
  return {};
}

Result<void> CropWriter::finish() {
  std::vector<std::byte> tables = label_bytes(labels_);
  const uint64_t labels_offset = kPixelsOffset + labels_.size() * shape_.bytes();
  const Trailer trailer{.crop_count = labels_.size(),
                        .person_count = names_.size(),
                        .labels_offset = labels_offset,
                        .names_offset = labels_offset + tables.size(),
                        .pixels_sha256 = pixels_hash_.finish(),
                        .sha256 = {}};
  const std::vector<std::byte> names = name_bytes(names_);
  tables.insert(tables.end(), names.begin(), names.end());
  TRY(file_.write(tables));
  TRY(file_.write(trailer_bytes(trailer, head_bytes(shape_), tables)));
  return file_.finish();
}

}  // namespace faceforge::crops
