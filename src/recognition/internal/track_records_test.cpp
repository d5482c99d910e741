#include "recognition/internal/track_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::recognition::internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr float kMinFace_px = 24;

Finding somebody(int64_t person) {
  return {.verdict = gallery::Verdict::Match, .person_id = gallery::PersonId(person)};
}

const Finding kNobody{.verdict = gallery::Verdict::Unknown};
const Finding kEither{.verdict = gallery::Verdict::Ambiguous};

class TrackRecordsTest : public ::testing::Test {
 protected:
  /// A look at a face of so many pixels, which is sharp.
  void look(const std::optional<Finding>& shown, int64_t time_ms, float side_px = 50,
            float similarity = 0.6F, int64_t track = 1) {
    const face::DetectedFace face{.box = {100, 80, side_px, side_px}, .contour = {}};
    const face::Quality quality{.face_size_px = side_px, .sharpness = 100};
    const face::Embedding embedding{face::ModelId("m1"), face::Metric::Cosine, {side_px, 0}};
    records_.look(TrackId(track),
                  {.frame = frame_,
                   .face = face,
                   .quality = quality,
                   .embedding = embedding,
                   .begun_ms = 1'000,
                   .time_ms = time_ms,
                   .shown = shown,
                   .similarity = similarity},
                  kMinFace_px);
  }

  std::vector<TrackRecord> ended() {
    records_.end(TrackId(1));
    return records_.take();
  }

  image::Photo frame_{image::Image::create(640, 480), 640, 480};
  TrackRecords records_;
};

TEST_F(TrackRecordsTest, AnUnknownFaceIsKeptOnceWhenItsTrackEndsInItsBestLook) {
  look(std::nullopt, 1'100, 40);
  look(std::nullopt, 1'200, 60);
  look(kNobody, 1'300, 50);
  look(kNobody, 60'000, 30);
  EXPECT_THAT(records_.take(), IsEmpty());
  const auto kept = ended();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].person_id, std::nullopt);
  EXPECT_EQ(kept[0].first_seen_ms, 1'000);
  EXPECT_EQ(kept[0].last_seen_ms, 60'000);
  EXPECT_EQ(kept[0].look_count, 4);
  ASSERT_TRUE(kept[0].best_look);
  EXPECT_EQ(kept[0].best_look->quality.face_size_px, 60) << "also one before the verdict";
  EXPECT_EQ(kept[0].best_look->seen_ms, 1'200);
  EXPECT_EQ(kept[0].best_look->embedding.values[0], 60);
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_F(TrackRecordsTest, AFaceThatWasNotDecidedOrMayBeEitherOfTwoLeavesNothing) {
  look(std::nullopt, 1'100);
  look(std::nullopt, 1'200);
  EXPECT_THAT(ended(), IsEmpty());
  look(kEither, 1'300);
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_F(TrackRecordsTest, AFaceTooSmallToBeEnrolledLeavesNothing) {
  look(kNobody, 1'100, 23);
  look(kNobody, 1'200, 23.9F);
  EXPECT_THAT(ended(), IsEmpty());
}

TEST_F(TrackRecordsTest, APersonLeavesWhenTheyWereSeenAndNoPicture) {
  look(std::nullopt, 1'100);
  look(somebody(7), 1'200, 50, 0.6F);
  look(std::nullopt, 1'300, 50, 0.9F);  // turned away: nothing is shown, nor counts as similar
  look(somebody(7), 1'400, 50, 0.7F);
  const auto kept = ended();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].person_id, gallery::PersonId(7));
  EXPECT_EQ(kept[0].first_seen_ms, 1'000);
  EXPECT_EQ(kept[0].last_seen_ms, 1'400);
  EXPECT_EQ(kept[0].similarity, 0.7F);
  EXPECT_EQ(kept[0].look_count, 4);
  EXPECT_FALSE(kept[0].best_look);
}

TEST_F(TrackRecordsTest, APersonWhoStaysIsHandedOverEveryTenSeconds) {
  for (int64_t time_ms = 1'500; time_ms <= 32'000; time_ms += 500) look(somebody(7), time_ms);
  auto kept = records_.take();
  ASSERT_THAT(kept, SizeIs(3));
  EXPECT_EQ(kept[0].first_seen_ms, 1'000);
  EXPECT_EQ(kept[0].last_seen_ms, 11'000);
  EXPECT_EQ(kept[1].first_seen_ms, 11'000);
  EXPECT_EQ(kept[1].person_id, gallery::PersonId(7));
  EXPECT_EQ(kept[1].look_count, 20);
  kept = ended();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].first_seen_ms, 31'000);
  EXPECT_EQ(kept[0].look_count, 2);
}

TEST_F(TrackRecordsTest, AnUnknownFaceThatIsNamedInTheEndIsThatPersonAndNoUnknownFace) {
  look(kNobody, 1'100);
  look(kNobody, 1'200);
  look(somebody(7), 5'000);
  const auto kept = ended();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].person_id, gallery::PersonId(7));
  EXPECT_EQ(kept[0].first_seen_ms, 1'000);
  EXPECT_FALSE(kept[0].best_look);
}

TEST_F(TrackRecordsTest, AVerdictThatIsCorrectedLeavesWhatWasShownAndThenTheOther) {
  look(somebody(7), 1'100, 90);
  look(kNobody, 2'000, 40);
  auto kept = records_.take();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].person_id, gallery::PersonId(7));
  EXPECT_EQ(kept[0].last_seen_ms, 1'100);
  kept = ended();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].person_id, std::nullopt);
  EXPECT_EQ(kept[0].first_seen_ms, 2'000);
  ASSERT_TRUE(kept[0].best_look);
  EXPECT_EQ(kept[0].best_look->quality.face_size_px, 40) << "not of when it was someone";
}

TEST_F(TrackRecordsTest, WhatIsForgottenLeavesNothing) {
  look(somebody(7), 1'100);
  look(kNobody, 1'100, 50, 0, 2);
  records_.forget();
  records_.end_all();
  EXPECT_THAT(records_.take(), IsEmpty());
}

TEST_F(TrackRecordsTest, TheEndOfAStreamIsTheEndOfAllItsTracks) {
  look(somebody(7), 1'100);
  look(kNobody, 1'100, 50, 0, 2);
  records_.end_all();
  EXPECT_THAT(records_.take(), SizeIs(2));
}

/// A frame whose pixels say where they are.
image::Photo map_of_places(int width_px, int height_px, int scale) {
  auto image = image::Image::create(width_px, height_px);
  for (int y = 0; y < height_px; ++y) {
    const auto row = image.row(y);
    for (int x = 0; x < width_px; ++x) {
      row[static_cast<size_t>(3 * x)] = static_cast<uint8_t>(x);
      row[static_cast<size_t>(3 * x + 1)] = static_cast<uint8_t>(y);
    }
  }
  return {std::move(image), width_px * scale, height_px * scale};
}

KeptLook cut(const image::Photo& frame, const face::BoundingBox& box) {
  face::DetectedFace face{.box = box, .contour = {{1, 2}}};
  face.landmarks[0] = {box.x, box.y};
  return cut_out({.frame = frame, .face = face, .quality = {}, .embedding = {}, .shown = {}});
}

TEST(CutOut, HasTheFaceInTheMiddleAndAsMuchAroundIt) {
  const auto frame = map_of_places(200, 150, 1);
  const KeptLook kept = cut(frame, {60, 50, 40, 30});
  EXPECT_EQ(kept.picture.width_px(), 80);
  EXPECT_EQ(kept.picture.height_px(), 80);
  EXPECT_EQ(kept.picture.row(0)[0], 40);
  EXPECT_EQ(kept.picture.row(0)[1], 25);
  EXPECT_EQ(kept.face.box.x, 20);
  EXPECT_EQ(kept.face.box.y, 25);
  EXPECT_EQ(kept.face.landmarks[0].x, 20);
  EXPECT_THAT(kept.face.contour, IsEmpty());
}

TEST(CutOut, EndsWhereTheFrameDoes) {
  const auto frame = map_of_places(100, 90, 1);
  const KeptLook kept = cut(frame, {-10, 60, 40, 40});
  EXPECT_EQ(kept.picture.width_px(), 50);
  EXPECT_EQ(kept.picture.height_px(), 50);
  EXPECT_EQ(kept.picture.row(0)[1], 40);
  EXPECT_EQ(kept.face.box.x, -10);
  EXPECT_EQ(kept.face.box.y, 20);
}

TEST(CutOut, OfAFrameThatWasShrunkWhileLoadingHasThePixelsThatThereAre) {
  const auto frame = map_of_places(200, 150, 2);
  const KeptLook kept = cut(frame, {120, 100, 80, 60});
  EXPECT_EQ(kept.picture.width_px(), 80);
  EXPECT_EQ(kept.face.box.x, 20);
  EXPECT_EQ(kept.face.box.width, 40);
}

TEST(CutOut, OfALargeFaceIsShrunk) {
  const image::Photo frame{image::Image::create(1'000, 900), 1'000, 900};
  const KeptLook kept = cut(frame, {300, 250, 384, 300});
  EXPECT_EQ(kept.picture.width_px(), kKeptSide_px);
  EXPECT_EQ(kept.picture.height_px(), kKeptSide_px);
  EXPECT_EQ(kept.face.box.width, 192);
  EXPECT_EQ(kept.face.box.x, 96);
}

}  // namespace
}  // namespace faceforge::recognition::internal
