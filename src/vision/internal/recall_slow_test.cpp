// How many faces every pack finds where detectors find it hardest. The figures are printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "support/test_data.h"
#include "vision/internal/composed_photos.h"
#include "vision/internal/test_packs.h"
#include "vision/pipeline.h"

namespace faceforge::vision {
namespace {

/// What was found of what is there; LFW's photos show other people too, so that what was found
/// elsewhere says little, but nothing else should be found within a face.
struct Recall {
  size_t found = 0;
  size_t there = 0;
  size_t within = 0;
  size_t elsewhere = 0;

  void count(const test::ComposedPhoto& composed, const std::vector<face::DetectedFace>& detected) {
    there += composed.faces.size();
    for (const face::BoundingBox& face : composed.faces) found += test::is_found(face, detected);
    for (const face::DetectedFace& candidate : detected) {
      const auto around = std::ranges::find_if(composed.faces, [&](const face::BoundingBox& face) {
        return std::abs(candidate.box.center_x() - face.center_x()) < face.width / 2 &&
               std::abs(candidate.box.center_y() - face.center_y()) < face.height / 2;
      });
      if (around == composed.faces.end()) {
        ++elsewhere;
      } else if (!test::is_found(*around, {candidate})) {
        ++within;
      }
    }
  }

  [[nodiscard]] double share() const {
    return static_cast<double>(found) / static_cast<double>(there);
  }

  void print(const std::string& pack_id, const char* what) const {
    std::printf("%-15s %-12s found %zu of %zu (%.1f %%), %zu within a face, %zu elsewhere\n",
                pack_id.c_str(), what, found, there, 100 * share(), within, elsewhere);
  }
};

class EveryPack : public testing::TestWithParam<std::string> {};

TEST_P(EveryPack, FindsNineteenOfTwentyFacesThatFillThePhoto) {
  SKIP_WITHOUT_TEST_DATA(data);
  SKIP_WITHOUT_PACK(GetParam());
  const auto pipeline = Pipeline::load(test::pack_spec(data, GetParam()));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  Recall recall;
  size_t index = 0;
  for (const auto& file : test::lfw_photos(data, 100)) {
    const double share = 0.6 + 0.1 * static_cast<double>(index % 5);
    const int side_px = 300 * static_cast<int>(1 + index % 4);
    const auto composed = test::mostly_face(test::read_photo(file).image, share, side_px);
    const auto detected = (*pipeline)->detect(composed.photo);
    ASSERT_TRUE(detected) << detected.error().message;
    recall.count(composed, *detected);
    ++index;
  }
  recall.print(GetParam(), "mostly face");
  EXPECT_GE(recall.share(), 0.95);
  EXPECT_LE(recall.within, recall.there / 20);
}

TEST_P(EveryPack, FindsNineteenOfTwentyFacesOfACrowdSixteenToTwentyFourPixelsWide) {
  SKIP_WITHOUT_TEST_DATA(data);
  SKIP_WITHOUT_PACK(GetParam());
  const auto pipeline = Pipeline::load(test::pack_spec(data, GetParam()));
  ASSERT_TRUE(pipeline) << pipeline.error().message;
  Recall recall;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    const auto composed = test::crowd(test::lfw_photos(data, 48, 7 * seed + 3), seed);
    const auto detected = (*pipeline)->detect(composed.photo);
    ASSERT_TRUE(detected) << detected.error().message;
    recall.count(composed, *detected);
  }
  recall.print(GetParam(), "crowd");
  EXPECT_GE(recall.share(), 0.95);
  EXPECT_LE(recall.within, recall.there / 20);
}

INSTANTIATE_TEST_SUITE_P(Vision, EveryPack, testing::ValuesIn(test::kPackIds),
                         [](const auto& pack) {
                           std::string name = pack.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace faceforge::vision
