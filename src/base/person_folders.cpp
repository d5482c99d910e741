#include "base/person_folders.h"

#include <algorithm>
#include <utility>

#include "base/file.h"

namespace faceforge {
namespace {

/// The names in a folder, sorted: the file system's own order differs from machine to machine.
Result<std::vector<std::filesystem::path>> sorted_entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->path().filename().native().starts_with('.')) entries.push_back(it->path());
  }
  if (error) return Unexpected(file_error(error.value(), "read", folder));
  std::ranges::sort(entries);
  return entries;
}

}  // namespace

Result<std::vector<PersonFolder>> list_person_folders(
    const std::filesystem::path& folder, size_t photo_limit,
    const std::set<std::string>& excluded_people) {
  std::vector<PersonFolder> people;
  size_t photo_count = 0;
  std::error_code ignored;
  const auto entries = TRY(sorted_entries(folder));
  for (const auto& entry : entries) {
    std::string name = entry.filename().string();
    if (!std::filesystem::is_directory(entry, ignored) || excluded_people.contains(name)) continue;
    auto photos = TRY(sorted_entries(entry));
    std::erase_if(photos, [&](const std::filesystem::path& file) {
      return !std::filesystem::is_regular_file(file, ignored);
    });
    photo_count += photos.size();
    if (photo_count > photo_limit) {
      return fail(ErrorCode::TooLarge, "too_many_photos",
                  "{} holds more than {} photos; take a part of them", folder.string(),
                  photo_limit);
    }
    people.push_back({.name = std::move(name), .photos = std::move(photos)});
  }
  return people;
}

}  // namespace faceforge
