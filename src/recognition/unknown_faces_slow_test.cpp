// Faces of LFW as a recorded stream keeps them, with a real pack: those of one person lie together,
// and what was kept can be enrolled.

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/encode.h"
#include "image/resample.h"
#include "recognition/end_to_end_engine_test_support.h"
#include "recognition/internal/one_face.h"
#include "recognition/internal/track_records.h"
#include "recognition/unknown_faces.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPhotoBytes = 25'000'000;
constexpr size_t kPhotos = 5;  ///< of each person

struct Seen {
  std::string person;
  KeptLook look;
};

/// The face in the middle of a photo (LFW has whom it is named for there), looked at as a frame of
/// `side_px`; nothing where the frame's detector finds none.
std::optional<Seen> see(const FaceEngine& engine, const fs::path& file, int side_px) {
  const auto bytes = *read_file(file, kPhotoBytes);
  image::Photo frame = *engine.decode_frame(bytes);
  frame = {image::resize(frame.image, side_px, side_px), side_px, side_px};
  constexpr std::array kScales{vision::FrameScale::Whole, vision::FrameScale::Half};
  const auto found = *engine.detect_in_frame(frame, kScales);
  const auto middle = static_cast<float>(side_px) / 2;
  for (const face::DetectedFace& face : found.sure) {
    const face::BoundingBox& box = face.box;
    if (middle < box.x || middle > box.x + box.width) continue;
    if (middle < box.y || middle > box.y + box.height) continue;
    std::vector<face::AlignedFace> aligned;
    aligned.push_back(*engine.align(frame, face));
    const auto embedding = engine.embed(aligned)->front();
    const auto quality = engine.quality(frame, face, aligned.front());
    return Seen{file.parent_path().filename().string(), internal::cut_out({.frame = frame,
                                                                           .face = face,
                                                                           .quality = quality,
                                                                           .embedding = embedding,
                                                                           .shown = {}})};
  }
  return std::nullopt;
}

/// The first people of LFW with enough photos.
std::vector<Seen> seen_people(const FaceEngine& engine, const fs::path& data, size_t count,
                              int side_px) {
  std::vector<fs::path> folders(fs::directory_iterator(data / "lfw"), {});
  std::ranges::sort(folders);
  std::vector<Seen> seen;
  size_t person_count = 0;
  for (const fs::path& folder : folders) {
    std::vector<fs::path> photos(fs::directory_iterator(folder), {});
    if (photos.size() < kPhotos || person_count == count) continue;
    ++person_count;
    std::ranges::sort(photos);
    photos.resize(kPhotos);
    for (const fs::path& photo : photos) {
      if (auto one = see(engine, photo, side_px)) seen.push_back(std::move(*one));
    }
  }
  EXPECT_EQ(person_count, count);
  EXPECT_GE(seen.size(), count * kPhotos * 95 / 100);
  return seen;
}

TEST(UnknownFacesOfRealPeople, ThoseOfOnePersonLieTogetherAndNeverWithAnothers) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto engine = real_engine(data);
  ASSERT_TRUE(engine);
  constexpr size_t kPeople = 60;
  const std::vector<Seen> seen = seen_people(*engine, data, kPeople, 250);
  std::vector<gallery::UnknownFace> faces;
  for (size_t i = 0; i < seen.size(); ++i) {
    faces.push_back({.id = gallery::UnknownFaceId(static_cast<int64_t>(i + 1)),
                     .embedding = seen[i].look.embedding});
  }
  const ComparableModels models{{engine->model_id(),
                                 {.metric = engine->metric(),
                                  .embedding_length = engine->embedding_length(),
                                  .calibration = engine->calibration().value()}}};
  const UnknownFaces groups = group_unknown_faces(std::move(faces), models);
  size_t mixed_count = 0;
  size_t alone_count = 0;
  std::map<std::string, size_t> largest;
  for (const UnknownGroup& group : groups) {
    std::set<std::string> people;
    for (const auto& face : group.faces) {
      people.insert(seen[static_cast<size_t>(face.id.value()) - 1].person);
    }
    mixed_count += people.size() > 1 ? 1 : 0;
    alone_count += group.faces.size() == 1 ? 1 : 0;
    for (const std::string& person : people) {
      largest[person] = std::max(largest[person], group.faces.size());
    }
  }
  EXPECT_EQ(mixed_count, 0U);
  // At this threshold the pack misses a few in 100 pairs of photos of one person.
  const auto whole =
      std::ranges::count_if(largest, [](const auto& entry) { return entry.second + 1 >= kPhotos; });
  EXPECT_GE(whole, static_cast<long>(kPeople * 9 / 10));
  EXPECT_LE(alone_count, seen.size() / 20);
  RecordProperty("groups", static_cast<int>(groups.size()));
  RecordProperty("alone", static_cast<int>(alone_count));
}

/// How many of the kept pictures the pack finds the face in again, and how alike the least alike of
/// them is to what was kept, but for one in 20.
struct Agreement {
  size_t found_count = 0;
  float similarity = 0;
};

Agreement agreement(const FaceEngine& engine, const std::vector<Seen>& seen) {
  std::vector<float> similarities;
  for (const Seen& one : seen) {
    const auto file = *image::encode_jpeg(one.look.picture, 95);
    const auto [photo, faces] = *engine.look_at(file);
    for (const face::DetectedFace& face : faces) {
      if (face::intersection_over_union(face.box, one.look.face.box) < 0.5F) continue;
      const auto again = internal::look_at_face(engine, photo, face);
      similarities.push_back(*face::similarity(again->embedding, one.look.embedding));
      break;
    }
  }
  std::ranges::sort(similarities);
  return {similarities.size(), similarities.empty() ? 0 : similarities[similarities.size() / 20]};
}

TEST(UnknownFacesOfRealPeople, AKeptPictureShowsTheFaceThatWasSeenToWhoeverEnrolsIt) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto engine = real_engine(data);
  ASSERT_TRUE(engine);
  // Faces of about 100 pixels, as before a webcam, and of 40, across a room.
  for (const int side_px : {250, 100}) {
    const std::vector<Seen> seen = seen_people(*engine, data, 15, side_px);
    const Agreement found = agreement(*engine, seen);
    EXPECT_GE(found.found_count, seen.size() * 99 / 100) << side_px;
    // Two photos of one person are 0.6 alike in this pack, two people at most 0.25.
    EXPECT_GT(found.similarity, 0.9F) << side_px;
    RecordProperty("similarity_" + std::to_string(side_px), std::to_string(found.similarity));
    RecordProperty("found_" + std::to_string(side_px), static_cast<int>(found.found_count));
  }
}

}  // namespace
}  // namespace faceforge::recognition
