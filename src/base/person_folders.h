#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge {

/// One person's folder of photos.
struct PersonFolder {
  std::string name;  ///< the folder's
  std::vector<std::filesystem::path> photos;
};

/// Lists the files of a folder of `PERSON/PHOTO` but those of the people in `excluded_people`, in
/// the order of names, whatever is in them. Hidden files and folders are left out, and so is what
/// lies deeper. A link counts as what it leads to.
///
/// out:   people without a file too
/// fails: as file_error when `folder` or the folder of a person cannot be read: who is silently
///        missing makes a measurement wrong; too_large/too_many_photos for more than `photo_limit`
[[nodiscard]] Result<std::vector<PersonFolder>> list_person_folders(
    const std::filesystem::path& folder, size_t photo_limit,
    const std::set<std::string>& excluded_people = {});

}  // namespace faceforge
