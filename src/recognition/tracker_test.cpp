#include "recognition/tracker.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/internal/assignment.h"
#include "recognition/internal/box_filter.h"

namespace faceforge::recognition {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kFrame_ms = 100;  // ten frames a second

face::DetectedFace face_at(float center_x, float center_y, float side = 80) {
  face::DetectedFace face{.box = {center_x - side / 2, center_y - side / 2, side, side},
                          .detection_score = 0.9F};
  return face;
}

std::vector<TrackId> tracks_of(const TrackerUpdate& update) {
  std::vector<TrackId> tracks;
  for (const TrackedFace& face : update.faces) tracks.push_back(face.track);
  return tracks;
}

/// The track that a face of the frame belongs to.
TrackId track_of(const TrackerUpdate& update, size_t face_index) {
  const auto found = std::ranges::find(update.faces, face_index, &TrackedFace::face_index);
  return found == update.faces.end() ? TrackId() : found->track;
}

/// The least sum of costs over all ways to pair rows with columns, by trying them all.
float least_cost(std::span<const float> costs, size_t row_count, size_t column_count,
                 float unpaired_cost) {
  std::vector<size_t> places(std::max(row_count, column_count));
  std::iota(places.begin(), places.end(), 0);
  float least = 1e9F;
  do {
    float cost = 0;
    size_t pair_count = 0;
    for (size_t row = 0; row < row_count; ++row) {
      if (places[row] >= column_count) continue;
      const float pair_cost = costs[row * column_count + places[row]];
      if (pair_cost >= unpaired_cost) continue;
      cost += pair_cost;
      ++pair_count;
    }
    const size_t alone = std::min(row_count, column_count) - pair_count;
    least = std::min(least, cost + static_cast<float>(alone) * unpaired_cost);
  } while (std::ranges::next_permutation(places).found);
  return least;
}

TEST(Assignment, CostsAsLittleAsTheBestOfAllWaysToPair) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> cost(0, 1);
  for (int round = 0; round < 300; ++round) {
    const size_t row_count = random() % 6;
    const size_t column_count = random() % 6;
    std::vector<float> costs(row_count * column_count);
    for (float& one : costs) one = cost(random);
    const float unpaired_cost = cost(random);
    const auto pairs = internal::assign(costs, row_count, column_count, unpaired_cost);
    ASSERT_THAT(pairs, SizeIs(row_count));
    float sum = 0;
    size_t alone = std::min(row_count, column_count);
    std::set<size_t> columns;
    for (size_t row = 0; row < row_count; ++row) {
      if (!pairs[row]) continue;
      EXPECT_TRUE(columns.insert(*pairs[row]).second) << "a column is given twice";
      const float pair_cost = costs[row * column_count + *pairs[row]];
      EXPECT_LT(pair_cost, unpaired_cost);
      sum += pair_cost;
      --alone;
    }
    sum += static_cast<float>(alone) * unpaired_cost;
    EXPECT_NEAR(sum, least_cost(costs, row_count, column_count, unpaired_cost), 1e-5)
        << row_count << " x " << column_count;
  }
}

TEST(BoxFilter, FindsTheVelocityOfASteadyMotionThroughTheDetectorsNoise) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 2);
  internal::BoxFilter filter(face_at(0, 100).box);
  for (int frame = 1; frame <= 30; ++frame) {
    filter.predict(0.1F);
    const float x = 20.0F * static_cast<float>(frame);  // 200 pixels a second
    filter.update(face_at(x + noise(random), 100 + noise(random)).box);
  }
  // Of a second's worth of frames with 2 px noise; a face moves 80 px a second slower or faster
  // before anyone would call it another speed.
  EXPECT_NEAR(filter.velocity().x, 200, 40);
  EXPECT_NEAR(filter.velocity().y, 0, 40);
  EXPECT_NEAR(filter.box().center_x(), 600, 4);
  filter.predict(0.5F);
  EXPECT_NEAR(filter.box().center_x(), 700, 24);
}

TEST(BoxFilter, NeverShrinksABoxToNothing) {
  internal::BoxFilter filter(face_at(100, 100, 80).box);
  filter.predict(0.1F);
  filter.update(face_at(100, 100, 40).box);
  filter.predict(10);
  EXPECT_GE(filter.box().width, 1);
  EXPECT_GE(filter.box().height, 1);
}

TEST(Tracker, KeepsTheNumberOfAFaceThatMoves) {
  Tracker tracker;
  for (int frame = 0; frame < 50; ++frame) {
    // A third of its width from frame to frame.
    const float x = 100 + 25.0F * static_cast<float>(frame);
    const auto update = tracker.update(frame * kFrame_ms, {.sure = {face_at(x, 200)}});
    EXPECT_THAT(tracks_of(update), ElementsAre(TrackId(1)));
    EXPECT_EQ(update.faces[0].continuity, frame == 0 ? Continuity::Begun : Continuity::Followed);
  }
}

TEST(Tracker, TwoWhoPassEachOtherAtADistanceKeepTheirNumbers) {
  Tracker tracker;
  for (int frame = 0; frame < 40; ++frame) {
    const float step = 15.0F * static_cast<float>(frame);
    // The detector lists them in another order once they have passed.
    std::vector<face::DetectedFace> faces{face_at(100 + step, 150), face_at(700 - step, 260)};
    const bool turned = frame >= 20;
    if (turned) std::swap(faces[0], faces[1]);
    const auto update = tracker.update(frame * kFrame_ms, {.sure = faces});
    EXPECT_EQ(track_of(update, turned ? 1 : 0), TrackId(1)) << frame;
    EXPECT_EQ(track_of(update, turned ? 0 : 1), TrackId(2)) << frame;
  }
}

TEST(Tracker, TwoWhoCrossKeepTheirNumbersAndAreContestedWhileTheyOverlap) {
  Tracker tracker;
  int contested = 0;
  for (int frame = 0; frame < 40; ++frame) {
    const float step = 15.0F * static_cast<float>(frame);
    const auto update = tracker.update(
        frame * kFrame_ms, {.sure = {face_at(100 + step, 200), face_at(700 - step, 230)}});
    EXPECT_EQ(track_of(update, 0), TrackId(1)) << frame;
    EXPECT_EQ(track_of(update, 1), TrackId(2)) << frame;
    const float distance = std::abs(600 - 2 * step);
    for (const TrackedFace& face : update.faces) {
      if (face.continuity == Continuity::Contested) ++contested;
      if (distance < 40) {
        EXPECT_EQ(face.continuity, Continuity::Contested) << frame;
      }
      if (distance > 160 && frame > 0) {
        EXPECT_EQ(face.continuity, Continuity::Followed) << frame;
      }
    }
  }
  EXPECT_GT(contested, 4);
}

TEST(Tracker, AFaceThatIsHiddenForHalfASecondComesBackAsItself) {
  Tracker tracker;
  for (int frame = 0; frame < 30; ++frame) {
    const float x = 100 + 10.0F * static_cast<float>(frame);
    const bool hidden = frame >= 10 && frame < 15;
    std::vector<face::DetectedFace> faces;
    if (!hidden) faces.push_back(face_at(x, 200));
    const auto update = tracker.update(frame * kFrame_ms, {.sure = faces});
    EXPECT_THAT(update.ended, IsEmpty());
    if (hidden) {
      EXPECT_THAT(update.faces, IsEmpty());
    } else {
      EXPECT_THAT(tracks_of(update), ElementsAre(TrackId(1))) << frame;
      EXPECT_EQ(update.faces[0].continuity == Continuity::Regained, frame == 15) << frame;
    }
  }
}

TEST(Tracker, WhoeverComesAfterTheTrackHasEndedIsSomeoneElse) {
  Tracker tracker;
  for (int frame = 0; frame < 5; ++frame) {
    static_cast<void>(tracker.update(frame * kFrame_ms, {.sure = {face_at(100, 200)}}));
  }
  EXPECT_THAT(tracker.update(400 + Tracker::kPatience_ms, {}).ended, IsEmpty());
  EXPECT_THAT(tracker.update(401 + Tracker::kPatience_ms, {}).ended, ElementsAre(TrackId(1)));
  const auto later = tracker.update(5'000, {.sure = {face_at(100, 200)}});
  EXPECT_THAT(tracks_of(later), ElementsAre(TrackId(2)));
}

TEST(Tracker, AFaceSeenInOneFrameOnlyIsForgottenAtOnce) {
  Tracker tracker;
  static_cast<void>(tracker.update(0, {.sure = {face_at(100, 200)}}));
  EXPECT_THAT(tracker.update(kFrame_ms, {}).ended, ElementsAre(TrackId(1)));
}

TEST(Tracker, ADoubtfulFaceGoesOnWithATrackButNeverBeginsOne) {
  Tracker tracker;
  EXPECT_THAT(tracker.update(0, {.doubtful = {face_at(100, 200)}}).faces, IsEmpty());
  for (int frame = 1; frame < 4; ++frame) {
    static_cast<void>(tracker.update(frame * kFrame_ms, {.sure = {face_at(100, 200)}}));
  }
  for (int frame = 4; frame < 30; ++frame) {
    // Half hidden for long; a second shadow stands elsewhere.
    const auto update =
        tracker.update(frame * kFrame_ms, {.doubtful = {face_at(400, 200), face_at(102, 201)}});
    ASSERT_THAT(tracks_of(update), ElementsAre(TrackId(1))) << frame;
    EXPECT_EQ(update.faces[0].face_index, 1U);
  }
}

TEST(Tracker, ADoubtfulFaceFarFromWhereItIsExpectedIsNotTheTracks) {
  Tracker tracker;
  for (int frame = 0; frame < 4; ++frame) {
    static_cast<void>(tracker.update(frame * kFrame_ms, {.sure = {face_at(100, 200)}}));
  }
  // 40 px of 80: an overlap of a third, enough for a sure face only.
  EXPECT_THAT(tracker.update(400, {.doubtful = {face_at(140, 200)}}).faces, IsEmpty());
  EXPECT_THAT(tracks_of(tracker.update(500, {.sure = {face_at(140, 200)}})),
              ElementsAre(TrackId(1)));
}

TEST(Tracker, FramesThatComeLateAreFollowedByTimeNotByCount) {
  Tracker tracker;
  int64_t time_ms = 0;
  std::mt19937 random(3);
  for (int frame = 0; frame < 60; ++frame) {
    // 300 px a second, seen every 33 to 300 ms: up to 90 px, more than the face is wide.
    const float x = 100 + 0.3F * static_cast<float>(time_ms);
    const auto update = tracker.update(time_ms, {.sure = {face_at(x, 200)}});
    EXPECT_THAT(tracks_of(update), ElementsAre(TrackId(1))) << frame;
    time_ms += frame < 5 ? 33 : 33 + static_cast<int64_t>(random() % 268);
  }
}

TEST(Tracker, ATimeThatGoesBackStandsStill) {
  Tracker tracker;
  static_cast<void>(tracker.update(1'000, {.sure = {face_at(100, 200)}}));
  const auto update = tracker.update(0, {.sure = {face_at(100, 200)}});
  EXPECT_THAT(tracks_of(update), ElementsAre(TrackId(1)));
}

TEST(Tracker, ATrackThatIsRenumberedGoesOnUnderTheNewNumber) {
  Tracker tracker;
  static_cast<void>(tracker.update(0, {.sure = {face_at(100, 200)}}));
  EXPECT_EQ(tracker.renumber(TrackId(1)), TrackId(2));
  const auto update = tracker.update(kFrame_ms, {.sure = {face_at(100, 200), face_at(400, 200)}});
  EXPECT_THAT(tracks_of(update), ElementsAre(TrackId(2), TrackId(3)));
}

TEST(Tracker, HoldsNoMoreTracksThanItsLimit) {
  Tracker tracker;
  size_t most = 0;
  for (int frame = 0; frame < 20; ++frame) {
    std::vector<face::DetectedFace> faces;
    for (size_t index = 0; index < Tracker::kMaxFaces; ++index) {
      // Every other frame shows them elsewhere, so that the tracks of both wait for their faces.
      faces.push_back(
          face_at(200.0F * static_cast<float>(index), 300.0F * static_cast<float>(frame / 2 % 3)));
    }
    const auto update = tracker.update(frame * 10, {.sure = faces});
    for (const TrackId track : tracks_of(update)) {
      most = std::max(most, static_cast<size_t>(track.value()));
    }
  }
  EXPECT_EQ(most, Tracker::kMaxTracks) << "the third place has no room before the others end";
}

}  // namespace
}  // namespace faceforge::recognition
