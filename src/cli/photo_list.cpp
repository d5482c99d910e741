#include "cli/photo_list.h"

#include <algorithm>

#include "base/file.h"
#include "image/file_ending.h"

namespace faceforge::cli {
namespace {

Result<void> add_folder(const std::filesystem::path& folder,
                        std::vector<std::filesystem::path>& photos) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || !image::has_photo_ending(entry->path())) continue;
    if (photos.size() + found.size() == kPhotoLimit) {
      return fail(ErrorCode::TooLarge, "too_many_photos", "more than {} photos", kPhotoLimit);
    }
    found.push_back(entry->path());
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder));
  if (found.empty()) {
    return fail(ErrorCode::InvalidInput, "folder_without_photos", "there are no photos in `{}`",
                folder.string());
  }
  std::ranges::sort(found);
  photos.insert(photos.end(), found.begin(), found.end());
  return {};
}

}  // namespace

Result<std::vector<std::filesystem::path>> list_photos(std::span<const std::string> arguments) {
  std::vector<std::filesystem::path> photos;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (std::filesystem::is_directory(argument, ignored)) {
      TRY(add_folder(argument, photos));
    } else {
      photos.emplace_back(argument);
    }
  }
  return photos;
}

}  // namespace faceforge::cli
