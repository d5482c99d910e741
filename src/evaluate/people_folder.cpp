#include "evaluate/people_folder.h"

#include <utility>

#include "base/person_folders.h"

namespace faceforge::evaluate {
Result<PeopleFolder> list_people(const std::filesystem::path& images,
                                 const std::set<std::string>& excluded_people) {
  auto people = TRY(list_person_folders(images, kPeoplePhotoLimit, excluded_people));
  PeopleFolder contents;
  for (PersonFolder& person : people) {
    for (auto& file : person.photos) {
      contents.photos.push_back(
          {contents.people.size(), person.name + "/" + file.filename().string()});
      contents.files.push_back(std::move(file));
    }
    contents.people.push_back(std::move(person.name));
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
