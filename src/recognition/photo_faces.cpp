#include "recognition/photo_faces.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "recognition/internal/one_face.h"

namespace faceforge::recognition {
namespace {

/// How many aligned faces are held before they are looked at: a photo may show a thousand.
constexpr size_t kAlignedFaces = 32;

/// What is done with the next few aligned faces of a photo.
using LookAtAligned = std::function<Result<void>(std::span<const face::AlignedFace>)>;

/// The faces of a photo; one that cannot be aligned is left out.
Result<PhotoFaces> find(const FaceEngine& engine, std::span<const std::byte> file,
                        const LookAtAligned& look) {
  const auto [photo, faces] = TRY(engine.look_at(file));
  PhotoFaces found{.width_px = photo.width_px, .height_px = photo.height_px};
  std::vector<face::AlignedFace> waiting;
  for (const face::DetectedFace& face : faces) {
    auto aligned = engine.align(photo, face);
    if (!aligned && aligned.error().code == ErrorCode::InvalidInput) continue;
    if (!aligned) return Unexpected(std::move(aligned).error());
    found.faces.push_back({.face = face, .quality = engine.quality(photo, face, *aligned)});
    waiting.push_back(std::move(*aligned));
    if (waiting.size() == kAlignedFaces) {
      TRY(look(waiting));
      waiting.clear();
    }
  }
  TRY(look(waiting));
  return found;
}

/// Of at least one face, by their boxes.
Result<size_t> index_of(std::span<const face::BoundingBox> boxes, FaceChoice choice) {
  if (boxes.size() > 1 && choice == FaceChoice::OnlyFace) {
    return fail(ErrorCode::InvalidInput, "several_faces",
                "the photo shows {} faces where one is wanted", boxes.size());
  }
  const auto largest = std::ranges::max_element(boxes, {}, &face::BoundingBox::area);
  return static_cast<size_t>(largest - boxes.begin());
}

Result<size_t> index_of(std::span<const face::BoundingBox> boxes, const face::BoundingBox& place) {
  const auto overlap = [&](const face::BoundingBox& box) {
    return face::intersection_over_union(box, place);
  };
  const auto nearest = std::ranges::max_element(boxes, {}, overlap);
  if (overlap(*nearest) < kSameFaceOverlap) {
    return fail(ErrorCode::InvalidInput, "no_face_there",
                "none of the photo's {} faces lies where the box says: {:.0f} x {:.0f} at {:.0f}, "
                "{:.0f}",
                boxes.size(), place.width, place.height, place.x, place.y);
  }
  return static_cast<size_t>(nearest - boxes.begin());
}

Result<size_t> choose(std::span<const face::BoundingBox> boxes, const WantedFace& wanted,
                      float min_face_px) {
  if (boxes.empty()) {
    return fail(ErrorCode::InvalidInput, "no_face_found", "no face was found in the photo");
  }
  const size_t index =
      TRY(std::visit([&](const auto& which) { return index_of(boxes, which); }, wanted));
  const float size_px = std::min(boxes[index].width, boxes[index].height);
  if (size_px < min_face_px) {
    return fail(ErrorCode::InvalidInput, "face_too_small",
                "the face is {:.0f} pixels wide or high; at least {:.0f} are needed", size_px,
                min_face_px);
  }
  return index;
}

}  // namespace

Result<PhotoFaces> detect(const FaceEngine& engine, std::span<const std::byte> file) {
  return find(engine, file, [](std::span<const face::AlignedFace>) -> Result<void> { return {}; });
}

Result<PhotoFaces> embed(const FaceEngine& engine, std::span<const std::byte> file) {
  std::vector<face::Embedding> embeddings;
  const auto embed_aligned = [&](std::span<const face::AlignedFace> faces) -> Result<void> {
    auto some = TRY(engine.embed(faces));
    std::ranges::move(some, std::back_inserter(embeddings));
    return {};
  };
  PhotoFaces found = TRY(find(engine, file, embed_aligned));
  for (size_t face_index = 0; face_index < embeddings.size(); ++face_index) {
    found.faces[face_index].embedding = std::move(embeddings[face_index]);
  }
  return found;
}

Result<size_t> choose_face(std::span<const PhotoFace> faces, const WantedFace& wanted,
                           float min_face_px) {
  std::vector<face::BoundingBox> boxes;
  for (const PhotoFace& face : faces) boxes.push_back(face.face.box);
  return choose(boxes, wanted, min_face_px);
}

namespace internal {

float face_size_px(const face::DetectedFace& face) {
  return std::min(face.box.width, face.box.height);
}

Result<PhotoFace> look_at_face(const FaceEngine& engine, const image::Photo& photo,
                               const face::DetectedFace& face) {
  const face::AlignedFace aligned = TRY(engine.align(photo, face));
  auto embeddings = TRY(engine.embed({&aligned, 1}));
  return PhotoFace{.face = face,
                   .quality = engine.quality(photo, face, aligned),
                   .embedding = std::move(embeddings.front())};
}

Result<PhotoFace> look_again(const FaceEngine& engine, std::span<const std::byte> file,
                             const face::DetectedFace& known) {
  const auto [photo, faces] = TRY(engine.look_at(file, {&known, 1}));
  const face::DetectedFace* same = &known;
  float best_overlap = kSameFaceOverlap;
  for (const face::DetectedFace& face : faces) {
    const float overlap = face::intersection_over_union(face.box, known.box);
    if (overlap < best_overlap) continue;
    best_overlap = overlap;
    same = &face;
  }
  return look_at_face(engine, photo, *same);
}

Result<OneFace> look_for_one_face(const FaceEngine& engine, std::span<const std::byte> file,
                                  const WantedFace& wanted, float min_face_px) {
  auto [photo, faces] = TRY(engine.look_at(file));
  std::vector<face::BoundingBox> boxes;
  for (const face::DetectedFace& face : faces) boxes.push_back(face.box);
  OneFace found{.width_px = photo.width_px,
                .height_px = photo.height_px,
                .faces = std::move(faces),
                .chosen = {}};
  const auto index = choose(boxes, wanted, min_face_px);
  if (index) {
    found.chosen = look_at_face(engine, photo, found.faces[*index]);
  } else {
    found.chosen = Unexpected(index.error());
  }
  return found;
}

}  // namespace internal
}  // namespace faceforge::recognition
