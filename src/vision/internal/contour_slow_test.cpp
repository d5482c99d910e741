// How near the 68 points' landmarks come to those of a network trained on other marks, with one
// look and with two. The figures are printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "image/resample.h"
#include "support/test_data.h"
#include "vision/internal/composed_photos.h"
#include "vision/internal/contour.h"
#include "vision/internal/detector.h"
#include "vision/internal/test_packs.h"
#include "vision/pipeline.h"

namespace faceforge::vision {
namespace {

constexpr SecondLook kSecondLook{.side = 1.28F, .rise = 0.136F};

/// Turns a square photo about its middle; black from outside.
image::SimilarityTransform turned_about_the_middle(const image::Image& photo, double angle_rad) {
  const double middle = (photo.width_px() - 1) / 2.0;
  const double a = std::cos(angle_rad);
  const double b = std::sin(angle_rad);
  return {.a = a, .b = b, .tx = middle * (1 - a + b), .ty = middle * (1 - a - b)};
}

/// Mean distance of five points, in hundredths of the distance of the eyes.
double error_percent(const face::Landmarks& found, const face::Landmarks& wanted) {
  const double eye_distance = std::hypot(wanted[1].x - wanted[0].x, wanted[1].y - wanted[0].y);
  double sum = 0;
  for (size_t point = 0; point < face::kLandmarkCount; ++point) {
    sum += std::hypot(found[point].x - wanted[point].x, found[point].y - wanted[point].y);
  }
  return 100 * sum / (face::kLandmarkCount * eye_distance);
}

/// A turned photo, the detector's box of its face, and the landmarks that SCRFD sees in it.
struct TurnedFace {
  image::Image photo;
  face::BoundingBox box;
  face::Landmarks landmarks;
};

/// The faces of some photos that both detectors find.
std::vector<TurnedFace> turned_faces(const std::filesystem::path& data, double angle_rad) {
  const auto detector =
      Detector::load(test::pack_spec(data, test::kFaceapiPack).detector, {}).value();
  const auto reference = Pipeline::load(test::pack_spec(data, "scrfd-mbf")).value();
  std::vector<TurnedFace> turned;
  for (const auto& file : test::lfw_photos(data, 40)) {
    const image::Photo photo = test::read_photo(file);
    const auto faces = reference->detect(photo).value();
    if (faces.empty()) continue;
    const auto& seen = faces[central_face_index(faces, photo.width_px, photo.height_px)];
    const auto turn = turned_about_the_middle(photo.image, angle_rad);
    face::Landmarks landmarks;
    std::ranges::transform(seen.landmarks, landmarks.begin(), [&](const face::Point& point) {
      const auto moved = turn.apply({point.x, point.y});
      return face::Point{moved.x, moved.y};
    });
    image::Image image = image::warp_similarity(photo.image, turn, photo.width_px, photo.height_px);
    const auto detections = detector.find(image, {}).value();
    const auto own = std::ranges::find_if(detections, [&](const Detection& detection) {
      const face::BoundingBox& box = detection.box;
      return std::hypot(box.center_x() - landmarks[2].x, box.center_y() - landmarks[2].y) <
             box.width / 3;
    });
    if (own != detections.end()) turned.push_back({std::move(image), own->box, landmarks});
  }
  return turned;
}

double mean_error_percent(const ContourSpec& spec, const std::vector<TurnedFace>& faces) {
  const auto network = ContourNetwork::load(spec, {}).value();
  double sum = 0;
  for (const TurnedFace& face : faces) {
    const auto found = network.find(face.photo, std::span(&face.box, 1)).value();
    sum += error_percent(landmarks_of(found.front()), face.landmarks);
  }
  return sum / static_cast<double>(faces.size());
}

TEST(ContourOfLfw, ASecondLookAndTheMirrorImageBringLandmarksNearerToWhatScrfdSees) {
  SKIP_WITHOUT_TEST_DATA(data);
  SKIP_WITHOUT_PACK(test::kFaceapiPack);
  ContourSpec spec = test::pack_spec(data, test::kFaceapiPack).contour.value();
  ContourSpec twice = spec;
  twice.mirror_averaging = MirrorAveraging::On;
  twice.second_look = kSecondLook;
  for (const double angle_deg : {0.0, 20.0}) {
    const auto faces = turned_faces(data, angle_deg * std::numbers::pi / 180);
    ASSERT_GE(faces.size(), 30U);
    const double one_look = mean_error_percent(spec, faces);
    const double two_looks = mean_error_percent(twice, faces);
    std::printf(
        "photos turned by %.0f degrees: %zu faces, landmarks off by %.2f %% of the eyes' distance "
        "with one look, %.2f %% with two and the mirror image\n",
        angle_deg, faces.size(), one_look, two_looks);
    EXPECT_LT(two_looks, one_look);
  }
}

TEST(ContourOfLfw, AMirroredPhotoGivesMirroredPointsWhereTheMirrorImageCounts) {
  SKIP_WITHOUT_TEST_DATA(data);
  SKIP_WITHOUT_PACK(test::kFaceapiPack);
  ContourSpec spec = test::pack_spec(data, test::kFaceapiPack).contour.value();
  spec.mirror_averaging = MirrorAveraging::On;
  spec.second_look = kSecondLook;
  const auto network = ContourNetwork::load(spec, {}).value();
  const image::Photo photo = test::read_photo(test::lfw_photos(data, 40).front());
  const face::BoundingBox box{75, 60, 100, 130};  // whole pixels, in the middle of 250
  const auto points = network.find(photo.image, std::span(&box, 1)).value().front();
  const auto mirrored =
      network.find(image::flip_horizontally(photo.image), std::span(&box, 1)).value().front();
  for (size_t index = 0; index < kContourPointCount; ++index) {
    const face::Point& other = mirrored[mirrored_contour_index(index)];
    // Warps look pixels up at 1/32 of a pixel, which is not symmetric.
    EXPECT_NEAR(points[index].x, 249 - other.x, 0.25) << index;
    EXPECT_NEAR(points[index].y, other.y, 0.25) << index;
  }
}

}  // namespace
}  // namespace faceforge::vision
