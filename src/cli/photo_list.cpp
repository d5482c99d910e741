#include "cli/photo_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/file.h"

namespace faceforge::cli {
namespace {

bool has_image_ending(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 10> kEndings{".jpg", ".jpeg", ".png",  ".webp", ".gif",
                                                      ".tif", ".tiff", ".heic", ".heif", ".avif"};
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

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
    if (!entry->is_regular_file(ignored) || !has_image_ending(entry->path())) continue;
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
