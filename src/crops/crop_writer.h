#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/sha256.h"
#include "crops/crop_file.h"

namespace faceforge::crops {

/// Checks that a person of a `.ffd` file may have this name.
///
/// fails: invalid_input/person_name for a name that is empty, no UTF-8, with a control character
///        or longer than kMaxNameBytes
[[nodiscard]] Result<void> check_person_name(std::string_view name);

/// Writes a `.ffd` file crop by crop; the path holds the old file or all of the new one. The same
/// crops in the same order make the same bytes.
class CropWriter {
 public:
  /// in:    a shape of 1 to kMaxSide_px each way (a CHECK)
  /// fails: as AtomicFile::create
  [[nodiscard]] static Result<CropWriter> create(const std::filesystem::path& path,
                                                 CropShape shape);

  /// Begins the next person.
  ///
  /// fails: as check_person_name; already_exists/person_name_twice; too_large/too_many_people
  [[nodiscard]] Result<void> add_person(std::string_view name);

  /// Adds a crop of the person begun last (a CHECK that there is one, and that the size is right).
  ///
  /// fails: too_large/too_many_crops; as AtomicFile::write
  [[nodiscard]] Result<void> add_crop(std::span<const std::byte> pixels);

  [[nodiscard]] size_t crop_count() const { return labels_.size(); }

  /// Puts the file in its place, once. Fails as AtomicFile::finish.
  [[nodiscard]] Result<void> finish();

 private:
  CropWriter(AtomicFile file, CropShape shape) : file_(std::move(file)), shape_(shape) {}

  AtomicFile file_;
  CropShape shape_;
  std::vector<uint32_t> labels_;
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> known_names_;
  Sha256Stream pixels_hash_;
};

}  // namespace faceforge::crops
