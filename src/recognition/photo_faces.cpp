#include "recognition/photo_faces.h"

#include <algorithm>
#include <utility>

#include "recognition/internal/one_face.h"

namespace faceforge::recognition {
namespace {

/// The faces of a photo with their crops; one that cannot be aligned is left out.
struct Found {
  PhotoFaces photo{};
  std::vector<face::AlignedCrop> crops{};
};

Result<Found> find(const FaceEngine& engine, std::span<const std::byte> file) {
  const image::Photo photo = TRY(engine.decode(file));
  const auto faces = TRY(engine.detect(photo));
  Found found{.photo = {.width_px = photo.width_px, .height_px = photo.height_px}};
  for (const face::DetectedFace& face : faces) {
    auto crop = engine.align(photo, face);
    if (!crop && crop.error().code == ErrorCode::InvalidInput) continue;
    if (!crop) return Unexpected(std::move(crop).error());
    found.photo.faces.push_back({.face = face, .quality = engine.quality(photo, face, *crop)});
    found.crops.push_back(std::move(*crop));
  }
  return found;
}

template <typename Face>
Result<size_t> choose(std::span<const Face> faces, const auto& detected, FaceChoice choice,
                      float min_face_px) {
  if (faces.empty()) {
    return fail(ErrorCode::InvalidInput, "no_face_found", "no face was found in the photo");
  }
  if (faces.size() > 1 && choice == FaceChoice::OnlyFace) {
    return fail(ErrorCode::InvalidInput, "several_faces",
                "the photo shows {} faces where one is wanted", faces.size());
  }
  const auto area = [&](const Face& face) { return detected(face).box.area(); };
  const auto largest = std::ranges::max_element(faces, {}, area);
  const float size_px = internal::face_size_px(detected(*largest));
  if (size_px < min_face_px) {
    return fail(ErrorCode::InvalidInput, "face_too_small",
                "the face is {:.0f} pixels wide or high; at least {:.0f} are needed", size_px,
                min_face_px);
  }
  return static_cast<size_t>(largest - faces.begin());
}

}  // namespace

Result<PhotoFaces> detect(const FaceEngine& engine, std::span<const std::byte> file) {
  return TRY(find(engine, file)).photo;
}

Result<PhotoFaces> embed(const FaceEngine& engine, std::span<const std::byte> file) {
  Found found = TRY(find(engine, file));
  auto embeddings = TRY(engine.embed(found.crops));
  for (size_t face_index = 0; face_index < embeddings.size(); ++face_index) {
    found.photo.faces[face_index].embedding = std::move(embeddings[face_index]);
  }
  return std::move(found.photo);
}

Result<size_t> choose_face(std::span<const PhotoFace> faces, FaceChoice choice, float min_face_px) {
  const auto detected = [](const PhotoFace& face) -> const face::DetectedFace& {
    return face.face;
  };
  return choose(faces, detected, choice, min_face_px);
}

namespace internal {

float face_size_px(const face::DetectedFace& face) {
  return std::min(face.box.width, face.box.height);
}

Result<PhotoFace> look_at_face(const FaceEngine& engine, const image::Photo& photo,
                               const face::DetectedFace& face) {
  std::vector<face::AlignedCrop> crops;
  crops.push_back(TRY(engine.align(photo, face)));
  auto embeddings = TRY(engine.embed(crops));
  return PhotoFace{.face = face,
                   .quality = engine.quality(photo, face, crops.front()),
                   .embedding = std::move(embeddings.front())};
}

Result<OneFace> look_for_one_face(const FaceEngine& engine, std::span<const std::byte> file,
                                  FaceChoice choice, float min_face_px) {
  const image::Photo photo = TRY(engine.decode(file));
  auto faces = TRY(engine.detect(photo));
  OneFace found{.width_px = photo.width_px,
                .height_px = photo.height_px,
                .faces = std::move(faces),
                .chosen = {}};
  const auto same = [](const face::DetectedFace& face) -> const face::DetectedFace& {
    return face;
  };
  const auto index =
      choose(std::span<const face::DetectedFace>(found.faces), same, choice, min_face_px);
  if (index) {
    found.chosen = look_at_face(engine, photo, found.faces[*index]);
  } else {
    found.chosen = Unexpected(index.error());
  }
  return found;
}

}  // namespace internal
}  // namespace faceforge::recognition
