#include "dataset/photo_facts.h"

#include <algorithm>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "base/person_folders.h"
#include "base/without_throwing.h"
#include "dataset/difference_hash.h"
#include "image/file_ending.h"
#include "vision/central_face.h"

namespace faceforge::dataset {
namespace {

float area_of(const face::DetectedFace& face) {
  return face.box.width * face.box.height;
}

/// The faces that are looked at, the central one first.
std::vector<face::DetectedFace> chosen_faces(std::vector<face::DetectedFace> faces,
                                             const image::Photo& photo) {
  if (faces.empty()) return faces;
  const size_t central = vision::central_face_index(faces, photo.width_px, photo.height_px);
  std::ranges::rotate(faces.begin(), faces.begin() + static_cast<ptrdiff_t>(central),
                      faces.begin() + static_cast<ptrdiff_t>(central) + 1);
  const float least_area = kMinFaceAreaShare * area_of(faces.front());
  std::erase_if(faces, [&](const auto& face) { return area_of(face) < least_area; });
  if (faces.size() > kMaxFacesAPhoto) faces.resize(kMaxFacesAPhoto);
  return faces;
}

/// A file that has two names is no copy: whichever of them went, the other might lead nowhere.
class FilesSeen {
 public:
  bool is_new(const std::filesystem::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return true;  // reading it will say why
    return seen_.insert({status.st_dev, status.st_ino}).second;
  }

 private:
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

Result<PhotoFacts> photo_facts(const vision::Pipeline& pipeline, std::span<const std::byte> file) {
  auto [photo, faces] = TRY(vision::look_again_if_faceless(pipeline, file));
  PhotoFacts facts{.sha256 = sha256(file),
                   .width_px = photo.width_px,
                   .height_px = photo.height_px,
                   .difference_hash = difference_hash(photo.image),
                   .face_count = faces.size(),
                   .faces = {}};
  for (const face::DetectedFace& face : chosen_faces(std::move(faces), photo)) {
    const auto aligned = pipeline.align(photo, face);
    if (!aligned) {
      if (facts.faces.empty()) break;  // without the central one the others say nothing
      continue;
    }
    auto embeddings = TRY(pipeline.embed({&*aligned, 1}));
    facts.faces.push_back({.quality = pipeline.quality(photo, face, *aligned),
                           .embedding = std::move(embeddings.front())});
  }
  return facts;
}

std::string LookedPeople::name_of(size_t photo_index) const {
  const LookedPhoto& photo = photos[photo_index];
  return people[photo.person_index] + "/" + photo.file.filename().string();
}

Result<LookedPeople> look_at_people(const std::filesystem::path& folder, const LookAtPhoto& look,
                                    size_t thread_count, const Supervision& supervision) {
  auto people = TRY(list_person_folders(folder, kMaxLookCount));
  LookedPeople looked;
  FilesSeen seen;
  for (PersonFolder& person : people) {
    for (auto& file : person.photos) {
      if (!image::has_photo_ending(file)) continue;
      if (!seen.is_new(file)) {
        looked.skipped.push_back(
            {.name = person.name + "/" + file.filename().string(),
             .error = {ErrorCode::Conflict, "same_file",
                       "this is another name (a link) of a photo that was looked at"}});
        continue;
      }
      looked.photos.push_back(
          {.person_index = looked.people.size(), .file = std::move(file), .facts = {}});
    }
    looked.people.push_back(std::move(person.name));
  }
  if (looked.photos.empty()) {
    return fail(ErrorCode::NotFound, "no_photos", "no photos in folders of people below {}",
                folder.string());
  }
  std::vector<std::optional<Error>> errors(looked.photos.size());
  const auto work = [&](size_t i) {
    auto facts = without_throwing([&] { return look(looked.photos[i].file); });
    if (facts) {
      looked.photos[i].facts = *std::move(facts);
    } else {
      errors[i] = facts.error();
    }
  };
  TRY(work_through(looked.photos.size(), work, thread_count, supervision));
  std::vector<LookedPhoto> usable;
  for (size_t i = 0; i < looked.photos.size(); ++i) {
    if (errors[i]) {
      looked.skipped.push_back({.name = looked.name_of(i), .error = *std::move(errors[i])});
    } else {
      usable.push_back(std::move(looked.photos[i]));
    }
  }
  looked.photos = std::move(usable);
  return looked;
}

}  // namespace faceforge::dataset
