#include "evaluate/people_folder.h"

#include <algorithm>
#include <utility>

namespace faceforge::evaluate {
namespace {

struct PhotoOfPerson {
  size_t person_index = 0;
  std::string name;  ///< `PERSON/PHOTO`
};

/// What lies below a folder of people, in the order of names.
struct FolderContents {
  std::vector<PersonEmbeddings> people;
  std::vector<PhotoOfPerson> photos;
  std::vector<std::filesystem::path> files;  ///< beside `photos`
};

/// The names in a folder, sorted: the file system's own order differs from machine to machine.
std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

Result<FolderContents> list_people(const std::filesystem::path& images,
                                   const std::set<std::string>& excluded_people) {
  FolderContents contents;
  std::error_code ignored;
  for (const auto& folder : sorted_entries(images)) {
    const std::string person = folder.filename().string();
    if (!std::filesystem::is_directory(folder, ignored) || excluded_people.contains(person)) {
      continue;
    }
    contents.people.push_back({.name = person, .photos = {}, .embeddings = {}});
    for (const auto& file : sorted_entries(folder)) {
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

}  // namespace

Result<PeopleEmbeddings> embed_people(const vision::Pipeline& pipeline,
                                      const std::filesystem::path& images,
                                      const std::set<std::string>& excluded_people,
                                      const Supervision& supervision) {
  FolderContents contents = TRY(list_people(images, excluded_people));
  auto results = TRY(embed_photos(pipeline, contents.files, supervision));
  PeopleEmbeddings embedded;
  for (size_t i = 0; i < results.size(); ++i) {
    const PhotoOfPerson& photo = contents.photos[i];
    if (!results[i]) {
      embedded.unusable.push_back(photo.name + ": " + results[i].error().message);
    } else if (!results[i]->embedding) {
      embedded.faceless.push_back(photo.name);
    } else {
      PersonEmbeddings& person = contents.people[photo.person_index];
      person.photos.push_back(photo.name);
      person.embeddings.push_back(std::move(*results[i]->embedding));
    }
  }
  embedded.people = std::move(contents.people);
  return embedded;
}

}  // namespace faceforge::evaluate
