// From the frames of a watched gallery to what is kept of them, on a database.

#include <gmock/gmock.h>

#include "recognition/recognition.h"
#include "recognition/recognition_test_engine.h"
#include "recognition/recorder.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WatchRecordingTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    std::vector<store::Migration> steps = store::owner_migrations();
    const auto own = gallery::migrations();
    steps.insert(steps.end(), own.begin(), own.end());
    migrate(steps);
    files_ = std::make_unique<store::BlobFiles>(*store::BlobFiles::open(folder_.path() / "photos"));
    galleries_ = std::make_unique<gallery::Galleries>(database(), *files_, clock_);
    scheduler_ = *InferenceScheduler::start({.core_count = 2});
    recognition_ = std::make_unique<Recognition>(*galleries_, *scheduler_, engine_);
    user_ = *database().transact([&](store::Transaction& transaction) {
      return store::create_owner(transaction, clock_.now_ms());
    });
    gallery_ = galleries_->create_gallery(user_, "g")->id;
    ann_ = galleries_->add_person(user_, gallery_, "Ann")->id;
    for (const char* lines : {"face ann 10 10 50", "face ann 11 10 50"}) {
      ASSERT_TRUE(
          recognition_->enroll(user_, gallery_, ann_, FakeEngine::photo(lines), "a.jpg")->photo);
    }
    ASSERT_TRUE(recognition_->train(user_, gallery_));
    ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {true, 30}));
    watch_.emplace(*recognition_->begin_watch(user_, gallery_));
  }

  /// Shows so many frames, 100 ms apart.
  void show(std::string_view lines, int count = 1) {
    for (int frame = 0; frame < count; ++frame, time_ms_ += 100) {
      clock_.advance(std::chrono::milliseconds(100));
      const auto text = fmt::format("{}\nframe {}", lines, time_ms_);
      ASSERT_TRUE(recognition_->watch(*watch_, FakeEngine::photo(text), time_ms_));
    }
  }

  /// What is kept once everything that waited is written: recognition is gone then.
  void finish() {
    recognition_->end_watch(*watch_, time_ms_);
    recognition_.reset();
  }

  auto sightings() { return galleries_->list_sightings(user_, gallery_).value(); }
  auto faces() { return galleries_->list_unknown_faces(user_, gallery_).value(); }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<store::BlobFiles> files_;
  std::unique_ptr<gallery::Galleries> galleries_;
  std::shared_ptr<FakeEngine> engine_ = std::make_shared<FakeEngine>();
  std::unique_ptr<InferenceScheduler> scheduler_;
  std::unique_ptr<Recognition> recognition_;
  UserId user_;
  GalleryId gallery_;
  PersonId ann_;
  std::optional<GalleryWatch> watch_;
  int64_t time_ms_ = 0;
};
TEST_ON_BOTH_DATABASES(WatchRecordingTest);

TEST_P(WatchRecordingTest, WhoComesAndGoesIsKeptAndAStrangerInOnePicture) {
  const UnixTime_ms began_ms = clock_.now_ms();
  show("face ann 10 10 40\nface eve 55 55 40", 8);
  show("", 12);  // both are gone for longer than a track waits
  finish();
  ASSERT_THAT(sightings(), SizeIs(1));
  EXPECT_EQ(sightings()[0].person.name, "Ann");
  EXPECT_EQ(sightings()[0].seen.first_seen_ms, began_ms + 100);
  EXPECT_LE(sightings()[0].seen.last_seen_ms, began_ms + 800);
  ASSERT_THAT(faces(), SizeIs(1));
  EXPECT_EQ(faces()[0].embedding.model_id, engine_->model_id());
  EXPECT_EQ(faces()[0].face.box.width, 40);
  EXPECT_GE(faces()[0].look_count, 3);
  EXPECT_THAT(files_->list(user_).value(), SizeIs(3)) << "two photos and a picture";
}

TEST_P(WatchRecordingTest, TheEndOfAStreamLosesNothing) {
  show("face ann 10 10 40\nface eve 55 55 40", 4);
  finish();
  EXPECT_THAT(sightings(), SizeIs(1));
  EXPECT_THAT(faces(), SizeIs(1));
}

TEST_P(WatchRecordingTest, WithoutRecordingNothingIsKeptAndTurningItOffCountsWithinASecond) {
  show("face ann 10 10 40\nface eve 55 55 40", 4);
  ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {false, 30}));
  show("face ann 10 10 40\nface eve 55 55 40", 12);
  finish();
  EXPECT_THAT(sightings(), IsEmpty());
  EXPECT_THAT(faces(), IsEmpty());
  EXPECT_THAT(files_->list(user_).value(), SizeIs(2)) << "the photos";
}

TEST_P(WatchRecordingTest, WhoStandsThereWhenItIsTurnedOnIsSeenFromThenOn) {
  ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {false, 30}));
  show("face ann 10 10 40\nface eve 55 55 40", 20);
  ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {true, 30}));
  const UnixTime_ms since_ms = clock_.now_ms();
  show("face ann 10 10 40\nface eve 55 55 40", 30);
  finish();
  ASSERT_THAT(sightings(), SizeIs(1));
  EXPECT_GE(sightings()[0].seen.first_seen_ms, since_ms);
  ASSERT_THAT(faces(), SizeIs(1));
  EXPECT_GE(faces()[0].first_seen_ms, since_ms);
}

TEST_P(WatchRecordingTest, AStrangerWhoStandsThereWhenAllIsDeletedIsSeenFromThenOn) {
  show("face eve 55 55 40", 8);
  ASSERT_TRUE(galleries_->delete_recorded(user_, gallery_));
  const UnixTime_ms deleted_ms = clock_.now_ms();
  show("face eve 55 55 40", 30);
  finish();
  ASSERT_THAT(faces(), SizeIs(1)) << "in a picture from after that";
  EXPECT_GE(faces()[0].first_seen_ms, deleted_ms);
}

TEST_P(WatchRecordingTest, AStreamThatPausesHoldsNothingThatIsNotToBeRecordedAnyMore) {
  const auto off_for_a_while = [this] {
    ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {false, 30}));
    clock_.advance(std::chrono::milliseconds(1));
    ASSERT_TRUE(galleries_->set_recording(user_, gallery_, {true, 30}));
  };
  show("face ann 10 10 40\nface eve 55 55 40", 8);
  off_for_a_while();
  ASSERT_TRUE(recognition_->refresh_watch(*watch_, time_ms_ + Recognition::kLookUpEvery_ms));
  EXPECT_THAT(watch_->watch.finish(), IsEmpty());
  show("face ann 10 10 40\nface eve 55 55 40", 8);
  off_for_a_while();
  finish();
  EXPECT_THAT(sightings(), IsEmpty()) << "handed over, and refused";
  EXPECT_THAT(faces(), IsEmpty());
}

TEST_P(WatchRecordingTest, FacesThatAreAlikeAreOneGroupAlsoWhenAnotherPackIsInUse) {
  for (const char* lines :
       {"face eve 30 30 40", "", "face eve 20 20 41", "", "face zoe 35 25 43"}) {
    show(lines, *lines == '\0' ? 12 : 4);
  }
  recognition_->end_watch(*watch_, time_ms_);
  recognition_ = std::make_unique<Recognition>(*galleries_, *scheduler_, engine_);
  const auto grouped = recognition_->unknown_faces(user_, gallery_);
  ASSERT_TRUE(grouped) << grouped.error().message;
  const auto sizes = [&] {
    std::vector<size_t> all;
    const auto found = recognition_->unknown_faces(user_, gallery_);
    for (const UnknownGroup& group : *found) all.push_back(group.faces.size());
    return all;
  };
  ASSERT_THAT(sizes(), ElementsAre(2, 1));
  ASSERT_TRUE(grouped->front().match_threshold);
  EXPECT_GT(grouped->front().match_threshold->similarity, 0.3F) << "of more than one comparison";
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  EXPECT_THAT(sizes(), ElementsAre(2, 1)) << "whichever pack is in use";
  recognition_ =
      std::make_unique<Recognition>(*galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"));
  EXPECT_THAT(sizes(), ElementsAre(2, 1)) << "by those of the version";
  face::Calibration lenient = *engine_->calibration();
  lenient.points = {{1e-2, -0.9F}, {1e-3, -0.8F}};
  engine_->calibrate(lenient);
  recognition_->use_engines(engine_);
  EXPECT_THAT(sizes(), ElementsAre(2, 1)) << "also where its pack is in memory, and has others";
  ASSERT_TRUE(galleries_->delete_version(user_, gallery_, 1));
  EXPECT_THAT(sizes(), ElementsAre(3)) << "by those of its pack, for want of a version";
  recognition_ =
      std::make_unique<Recognition>(*galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"));
  EXPECT_THAT(sizes(), ElementsAre(1, 1, 1)) << "of that model nothing is known any more";
}

TEST_P(WatchRecordingTest, WhatTheQueueDoesNotHoldIsLostAndOneAccountLeavesRoomForTheOthers) {
  const UserId eve = *database().transact([&](store::Transaction& transaction) {
    return store::create_owner(transaction, clock_.now_ms());
  });
  const GalleryId of_eve = galleries_->create_gallery(eve, "Hers")->id;
  const PersonId zoe = galleries_->add_person(eve, of_eve, "Zoe")->id;
  ASSERT_TRUE(galleries_->set_recording(eve, of_eve, {true, 30}));
  clock_.advance(std::chrono::milliseconds(1));
  std::vector<TrackRecord> many(100 * Recorder::kMaxWaiting);
  constexpr int64_t kApart_ms = 3'600'000;  // so that none goes on with the one before
  int64_t time_ms = 0;
  for (TrackRecord& record : many) {
    record.person_id = ann_;
    record.first_seen_ms = record.last_seen_ms = time_ms += kApart_ms;
  }
  std::vector<TrackRecord> one(1);
  one[0].person_id = zoe;
  const auto count = static_cast<int64_t>(many.size());
  {
    Recorder recorder(*galleries_);
    recorder.keep(user_, gallery_, std::move(many), clock_.now_ms());
    recorder.keep(eve, of_eve, std::move(one), clock_.now_ms());
  }
  const int64_t kept = galleries_->find_gallery(user_, gallery_)->sighting_count;
  EXPECT_GE(kept, static_cast<int64_t>(Recorder::kMaxWaitingOfOne));
  EXPECT_LT(kept, count);
  EXPECT_EQ(galleries_->find_gallery(eve, of_eve)->sighting_count, 1);
}

TEST_P(WatchRecordingTest, AFrameThatNobodyWaitsForIsNotLookedAt) {
  std::stop_source gone;
  gone.request_stop();
  engine_->on_detect = [] { ADD_FAILURE() << "it was"; };
  const auto frame = FakeEngine::photo("face ann 10 10 40");
  const auto report = recognition_->watch(*watch_, {frame, gone.get_token()}, 0);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "request_abandoned");
}

TEST_P(WatchRecordingTest, AStreamThatPausesHoldsNobodyWhoWasDeleted) {
  show("face ann 10 10 40", 4);
  const std::weak_ptr<const gallery::Snapshot> held = watch_->snapshot;
  ASSERT_TRUE(recognition_->delete_person(user_, gallery_, ann_));
  ASSERT_TRUE(recognition_->refresh_watch(*watch_, time_ms_ + Recognition::kLookUpEvery_ms));
  EXPECT_TRUE(held.expired());
  ASSERT_TRUE(recognition_->delete_gallery(user_, gallery_));
  const auto gone =
      recognition_->refresh_watch(*watch_, time_ms_ + 2 * Recognition::kLookUpEvery_ms);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().reason, "gallery_not_found");
}

TEST_P(WatchRecordingTest, ARecordOfSomeoneDeletedMeanwhileIsNothing) {
  show("face ann 10 10 40", 4);
  ASSERT_TRUE(recognition_->delete_person(user_, gallery_, ann_));
  finish();
  EXPECT_THAT(sightings(), IsEmpty());
}

}  // namespace
}  // namespace faceforge::recognition
