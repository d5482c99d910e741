#include "evaluate/people_folder.h"

#include <algorithm>
#include <utility>

#include "base/file.h"

namespace faceforge::evaluate {
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

Result<PeopleFolder> list_people(const std::filesystem::path& images,
                                 const std::set<std::string>& excluded_people) {
  PeopleFolder contents;
  std::error_code ignored;
  const auto folders = TRY(sorted_entries(images));
  for (const auto& folder : folders) {
    const std::string person = folder.filename().string();
    if (!std::filesystem::is_directory(folder, ignored) || excluded_people.contains(person)) {
      continue;
    }
    contents.people.push_back(person);
    const auto files = TRY(sorted_entries(folder));
    for (const auto& file : files) {
      if (!std::filesystem::is_regular_file(file, ignored)) continue;
      if (contents.files.size() == kPeoplePhotoLimit) {
        return fail(ErrorCode::TooLarge, "too_many_photos",
                    "more than {} photos; take a part of them", kPeoplePhotoLimit);
      }
      contents.files.push_back(file);
      contents.photos.push_back(
          {contents.people.size() - 1, person + "/" + file.filename().string()});
    }
  }
  if (contents.files.empty()) {
    return fail(ErrorCode::NotFound, "no_photos", "no photos in folders of people below `{}`",
                images.string());
  }
  return contents;
}

Result<PeopleEmbeddings> embed_people(const vision::Pipeline& pipeline,
                                      const std::filesystem::path& images,
                                      const std::set<std::string>& excluded_people,
                                      const Supervision& supervision) {
  const PeopleFolder contents = TRY(list_people(images, excluded_people));
  auto results = TRY(embed_photos(pipeline, contents.files, supervision));
  PeopleEmbeddings embedded;
  for (const std::string& name : contents.people) {
    embedded.people.push_back({.name = name, .photos = {}, .embeddings = {}});
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const PeopleFolder::Photo& photo = contents.photos[i];
    if (!results[i]) {
      embedded.unusable.push_back(photo.name + ": " + results[i].error().message);
    } else if (!results[i]->embedding) {
      embedded.faceless.push_back(photo.name);
    } else {
      PersonEmbeddings& person = embedded.people[photo.person_index];
      person.photos.push_back(photo.name);
      person.embeddings.push_back(std::move(*results[i]->embedding));
    }
  }
  return embedded;
}

}  // namespace faceforge::evaluate
