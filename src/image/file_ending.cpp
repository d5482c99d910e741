#include "image/file_ending.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace faceforge::image {

std::string lower_case_ending(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  for (char& character : ending) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 'a' - 'A');
  }
  return ending;
}

bool has_photo_ending(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 10> kEndings{".jpg", ".jpeg", ".png",  ".webp", ".gif",
                                                      ".tif", ".tiff", ".heic", ".heif", ".avif"};
  return std::ranges::find(kEndings, lower_case_ending(file)) != kEndings.end();
}

}  // namespace faceforge::image
