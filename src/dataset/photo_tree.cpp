#include "dataset/photo_tree.h"

#include <algorithm>

#include "base/file.h"

namespace faceforge::dataset {
namespace {

/// The names in a folder, sorted: the file system's own order differs from machine to machine.
Result<std::vector<std::filesystem::path>> sorted_entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder));
  std::ranges::sort(entries);
  return entries;
}

}  // namespace

Result<std::vector<PersonFolder>> list_photo_tree(const std::filesystem::path& folder) {
  std::vector<PersonFolder> people;
  size_t photo_count = 0;
  std::error_code ignored;
  const auto entries = TRY(sorted_entries(folder));
  for (const auto& entry : entries) {
    if (!std::filesystem::is_directory(entry, ignored)) continue;
    people.push_back({.name = entry.filename().string(), .photos = {}});
    auto files = TRY(sorted_entries(entry));
    std::erase_if(files, [&](const std::filesystem::path& file) {
      return !std::filesystem::is_regular_file(file, ignored);
    });
    photo_count += files.size();
    if (photo_count > kMaxPhotoCount) {
      return fail(ErrorCode::TooLarge, "too_many_photos", "more than {} photos; take a part",
                  kMaxPhotoCount);
    }
    people.back().photos = std::move(files);
  }
  if (photo_count == 0) {
    return fail(ErrorCode::NotFound, "no_photos", "no photos in folders of people below `{}`",
                folder.string());
  }
  return people;
}

}  // namespace faceforge::dataset
