#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::dataset {

inline constexpr size_t kMaxPhotoCount = 20'000'000;

/// One person's folder.
struct PersonFolder {
  std::string name;  ///< the folder's
  std::vector<std::filesystem::path> photos;
};

/// Lists the files of a folder of `PERSON/PHOTO`, in the order of names. Hidden files and folders
/// are left out, and so is what lies deeper. A link counts as what it leads to.
///
/// out:   people without a file too
/// fails: as file_error when the folder or one of a person cannot be read;
///        not_found/no_photos; too_large/too_many_photos
[[nodiscard]] Result<std::vector<PersonFolder>> list_photo_tree(
    const std::filesystem::path& folder);

}  // namespace faceforge::dataset
