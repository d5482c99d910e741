// Large photos are decoded no larger than needed, and what is embedded stays the same.
#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "image/encode.h"
#include "support/test_data.h"
#include "vision/internal/composed_photos.h"
#include "vision/internal/test_packs.h"
#include "vision/photo_look.h"

namespace faceforge::vision {
namespace {

struct LargePhoto {
  std::vector<std::byte> file;
  std::vector<face::BoundingBox> faces;
};

/// A JPEG of 4000 x 3000 before a textured wall, with LFW faces as wide as asked for.
LargePhoto large_photo(const std::filesystem::path& data, const Pipeline& pipeline,
                       const std::vector<float>& widths_px, size_t offset = 5) {
  image::Image wall = test::textured_background(4000, 3000, 1);
  std::vector<image::Photo> people;
  for (const auto& file : test::lfw_photos(data, 40, offset)) {
    image::Photo photo = test::read_photo(file);
    const bool is_alone = pipeline.detect(photo).value().size() == 1;
    if (is_alone && people.size() < widths_px.size()) people.push_back(std::move(photo));
  }
  EXPECT_EQ(people.size(), widths_px.size());
  LargePhoto photo;
  for (size_t index = 0; index < widths_px.size(); ++index) {
    const float scale = widths_px[index] / test::kLfwFace.width;
    const int side_px = static_cast<int>(std::lround(250 * scale));
    const auto left = static_cast<int>(index % 3) * 1330;
    const auto top = static_cast<int>(index / 3) * 1000;
    const image::Image person = image::resize(people[index].image, side_px, side_px);
    for (int row = 0; row < std::min(side_px, 1000); ++row) {
      std::ranges::copy(
          person.row(row),
          wall.row(top + row).subspan(static_cast<size_t>(left) * image::kChannels).begin());
    }
    photo.faces.push_back({static_cast<float>(left) + test::kLfwFace.x * scale,
                           static_cast<float>(top) + test::kLfwFace.y * scale, widths_px[index],
                           test::kLfwFace.height * scale});
  }
  photo.file = image::encode_jpeg(wall).value();
  return photo;
}

face::Embedding embedded(const Pipeline& pipeline, const image::Photo& photo,
                         const face::DetectedFace& face) {
  const auto aligned = pipeline.align(photo, face).value();
  return pipeline.embed({&aligned, 1}).value().front();
}

double cosine(const face::Embedding& one, const face::Embedding& other) {
  return std::inner_product(one.values.begin(), one.values.end(), other.values.begin(), 0.0);
}

class PhotoLookOfLargePhotos : public testing::Test {
 protected:
  void SetUp() override {
    const auto data = faceforge::test::test_data();
    if (!data) GTEST_SKIP() << "no test data";
    data_ = *data;
    pipeline_ = Pipeline::load(test::pack_spec(data_, "scrfd-mbf")).value();
  }

  std::filesystem::path data_;
  std::shared_ptr<const Pipeline> pipeline_;
};

// Some of LFW's photos show bystanders, who are short of pixels: only those count that show nobody
// else.
TEST_F(PhotoLookOfLargePhotos, AFaceOf190PixelsAndMoreEmbedsFromHalfThePixelsAsFromAllOfThem) {
  double sum = 0;
  int count = 0;
  for (const size_t offset : {5, 17}) {
    for (const float width_px : {190.0F, 230.0F, 280.0F, 370.0F}) {
      const LargePhoto large = large_photo(data_, *pipeline_, {width_px}, offset);
      const PhotoLook half = look_at(*pipeline_, large.file).value();
      if (half.faces.size() != 1) continue;
      const image::Photo whole = image::decode(large.file, {}).value();
      EXPECT_DOUBLE_EQ(half.photo.scale(), 0.5) << width_px;
      EXPECT_DOUBLE_EQ(whole.scale(), 1);
      const face::DetectedFace& face = half.faces.front();
      const double similarity =
          cosine(embedded(*pipeline_, half.photo, face), embedded(*pipeline_, whole, face));
      EXPECT_GE(similarity, 0.98) << width_px;
      sum += similarity;
      ++count;
    }
  }
  ASSERT_GE(count, 4);
  std::printf("mean cosine %.4f of %d faces\n", sum / count, count);
  EXPECT_GE(sum / count, 0.99);
}

TEST_F(PhotoLookOfLargePhotos, AFaceWhoseCropWouldBeEnlargedIsReadAtFullSize) {
  const PhotoLook look =
      look_at(*pipeline_, large_photo(data_, *pipeline_, {300, 100}).file).value();
  EXPECT_DOUBLE_EQ(look.photo.scale(), 1);
  EXPECT_GE(look.faces.size(), 2U);
}

TEST_F(PhotoLookOfLargePhotos, AKnownFaceThatNobodyFindsCountsAsWell) {
  const LargePhoto large = large_photo(data_, *pipeline_, {300});
  ASSERT_DOUBLE_EQ(look_at(*pipeline_, large.file).value().photo.scale(), 0.5);
  face::DetectedFace known{.box = {2000, 2000, 60, 80}, .detection_score = 0.9F};
  known.landmarks = {{{2015, 2030}, {2045, 2030}, {2030, 2045}, {2018, 2060}, {2042, 2060}}};
  const PhotoLook look = look_at(*pipeline_, large.file, {}, {&known, 1}).value();
  EXPECT_DOUBLE_EQ(look.photo.scale(), 1);
}

TEST_F(PhotoLookOfLargePhotos, WhereNobodyIsFoundAllPixelsAreLookedAt) {
  const PhotoLook look = look_at(*pipeline_, large_photo(data_, *pipeline_, {}).file).value();
  EXPECT_DOUBLE_EQ(look.photo.scale(), 1);
  EXPECT_TRUE(look.faces.empty());
}

TEST_F(PhotoLookOfLargePhotos, APhotoThatHasNoMorePixelsIsLookedAtOnce) {
  // Shrunk to the working image and not halved, as all PNGs are: a second look shows the same.
  const image::DecodeLimits limits{.working_side_px = 1000};
  const auto file = image::encode_jpeg(test::textured_background(1500, 1100, 1)).value();
  int looked_at_count = 0;
  const DetectOptions options{.on_detector_input = [&](size_t, const nn::Tensor&) -> Result<void> {
    ++looked_at_count;
    return {};
  }};
  const image::Photo photo = image::decode(file, limits).value();
  ASSERT_LT(photo.scale(), 1);
  ASSERT_TRUE(pipeline_->detect(photo, options).value().empty());
  const int once_count = std::exchange(looked_at_count, 0);
  ASSERT_GT(once_count, 0);
  EXPECT_TRUE(look_at(*pipeline_, file, limits, {}, options).value().faces.empty());
  EXPECT_EQ(looked_at_count, once_count);
}

TEST_F(PhotoLookOfLargePhotos, ADamagedFileFailsAsDecodingDoes) {
  const LargePhoto large = large_photo(data_, *pipeline_, {300});
  const auto look = look_at(*pipeline_, std::span(large.file).first(large.file.size() / 2));
  ASSERT_FALSE(look);
  EXPECT_EQ(look.error().reason, "image_damaged");
}

}  // namespace
}  // namespace faceforge::vision
