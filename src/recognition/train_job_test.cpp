#include "recognition/train_job.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gallery/match_policy.h"
#include "recognition/catch_up.h"
#include "recognition/recognition.h"
#include "recognition/recognition_test_engine.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

class TrainJobTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    std::vector<store::Migration> steps = store::owner_migrations();
    for (const auto& step : jobs::migrations()) steps.push_back(step);
    for (const auto& step : gallery::migrations()) steps.push_back(step);
    migrate(steps);
    files_ = std::make_unique<store::BlobFiles>(*store::BlobFiles::open(folder_.path() / "photos"));
    galleries_ = std::make_unique<gallery::Galleries>(database(), *files_, clock_);
    engine_ = std::make_shared<FakeEngine>();
    scheduler_ = *InferenceScheduler::start({.core_count = 2});
    recognition_ = std::make_unique<Recognition>(*galleries_, *scheduler_, engine_);
    user_ = *database().transact([&](store::Transaction& transaction) {
      return store::create_owner(transaction, clock_.now_ms());
    });
    gallery_ = galleries_->create_gallery(user_, "g")->id;
    start_jobs();
  }
  void TearDown() override { jobs_.reset(); }

  void start_jobs() {
    jobs_.reset();
    jobs_ = std::make_unique<jobs::Jobs>(shared_database(), clock_);
    add_train_gallery(*jobs_, *recognition_);
    ASSERT_TRUE(jobs_->start());
  }

  void enroll(int count) {
    const auto person = galleries_->add_person(user_, gallery_, "Ann")->id;
    for (int photo = 0; photo < count; ++photo) {
      const auto file = FakeEngine::photo(fmt::format("face ann {} 10 50", photo));
      ASSERT_TRUE(recognition_->enroll(user_, gallery_, person, file, "a.jpg")->photo);
    }
  }

  /// Twelve people whom the engine confuses, as a head can mend; no photo is so unlike the others
  /// of its person that training leaves it out.
  void enroll_confusable() {
    engine_->is_confusing = true;
    face::Calibration lenient = *engine_->calibration();
    lenient.points = {{1e-2, -0.5F}, {1e-3, -0.4F}};
    engine_->calibrate(lenient);
    for (int person = 0; person < 12; ++person) {
      const std::string name = fmt::format("person{}", person);
      const auto id = galleries_->add_person(user_, gallery_, name)->id;
      for (int photo = 0; photo < 6; ++photo) {
        const auto file = FakeEngine::photo(fmt::format("face {} {} 10 50", name, photo));
        ASSERT_TRUE(recognition_->enroll(user_, gallery_, id, file, "a.jpg")->photo);
      }
    }
  }

  /// Waits until a job tries a head, before any is trained.
  void wait_for_trial(jobs::JobId id) {
    const auto events = *jobs_->subscribe(user_, id);
    while (const auto event = events->pop()) {
      if (event->progress.message == "trying a personal head") return;
    }
    ADD_FAILURE() << "no head was tried";
  }

  Result<jobs::Job> start(HeadWish head = HeadWish::None) {
    return start_training(*jobs_, *recognition_, user_, gallery_, TrainingCause::Asked, head);
  }

  /// Waits for the job's end, longer than anything here takes.
  jobs::Job end_of(jobs::JobId id) {
    for (int round = 0; round < 5'000; ++round) {
      const auto job = jobs_->get(user_, id);
      if (jobs::is_finished(job->state)) return *job;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "the job did not end";
    return *jobs_->get(user_, id);
  }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<store::BlobFiles> files_;
  std::unique_ptr<gallery::Galleries> galleries_;
  std::shared_ptr<FakeEngine> engine_;
  std::unique_ptr<InferenceScheduler> scheduler_;
  std::unique_ptr<Recognition> recognition_;
  std::unique_ptr<jobs::Jobs> jobs_;
  UserId user_;
  GalleryId gallery_;
};
TEST_ON_BOTH_DATABASES(TrainJobTest);

TEST_P(TrainJobTest, TrainsInTheBackgroundAndReportsTheVersion) {
  EXPECT_EQ(reason_of(start()), "gallery_empty");
  enroll(2);
  const auto job = start();
  ASSERT_TRUE(job) << job.error().message;
  const jobs::Job done = end_of(job->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("version"), 1);
  EXPECT_EQ(done.result.at("photo_count"), 2);
  EXPECT_EQ(done.result.at("gallery_id"), gallery_.value());
  EXPECT_EQ(galleries_->find_gallery(user_, gallery_)->latest_version, 1);
}

TEST_P(TrainJobTest, TriesAPersonalHeadWhereItIsWantedAndSaysWhyNoneCouldBe) {
  enroll(2);
  const auto few = start(HeadWish::Try);
  ASSERT_TRUE(few) << few.error().message;
  const jobs::Job refused = end_of(few->id);
  ASSERT_EQ(refused.state, jobs::JobState::Succeeded);
  EXPECT_EQ(refused.result.at("head_refused"), "head_too_few_people");
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->head_trial);
  for (const std::string name : {"Ben", "Cleo", "Dan", "Eve"}) {
    const auto person = galleries_->add_person(user_, gallery_, name)->id;
    for (int photo = 0; photo < 2; ++photo) {
      const auto file = FakeEngine::photo(fmt::format("face {} {} 10 50", name, photo));
      ASSERT_TRUE(recognition_->enroll(user_, gallery_, person, file, "a.jpg")->photo);
    }
  }
  const jobs::Job tried = end_of(start(HeadWish::Try)->id);
  ASSERT_EQ(tried.state, jobs::JobState::Succeeded);
  EXPECT_EQ(tried.result.at("head_refused"), nullptr);
  const auto version = *galleries_->find_version(user_, gallery_, 2);
  ASSERT_TRUE(version.head_trial);
  EXPECT_EQ(version.head_trial->photo_count, 10);
  // The engine's people are never confused: there is nothing to mend.
  EXPECT_EQ(version.head_trial->without_head.confused_count, 0);
  EXPECT_FALSE(version.has_head);
  EXPECT_EQ(end_of(start()->id).result.at("head_refused"), nullptr);
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 3)->head_trial);
}

TEST_P(TrainJobTest, AHeadThatMendsConfusionsIsKeptAndAnswers) {
  enroll_confusable();
  const jobs::Job done = end_of(start(HeadWish::Try)->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("head_refused"), nullptr);
  const auto version = *galleries_->find_version(user_, gallery_, 1);
  ASSERT_TRUE(version.head_trial && version.head_trial->with_head);
  EXPECT_TRUE(version.head_trial->is_better());
  EXPECT_LT(version.head_trial->with_head->confused_count,
            version.head_trial->without_head.confused_count);
  EXPECT_TRUE(version.has_head);
  const auto model = *galleries_->read_model(user_, gallery_, 1);
  ASSERT_TRUE(model.head);
  const auto answer =
      recognition_->identify(user_, gallery_, {FakeEngine::photo("face person3 77 10 50")}, {}, 1);
  ASSERT_TRUE(answer) << answer.error().message;
  const auto policy = *gallery::MatchPolicy::create(model.head->calibration);
  EXPECT_FLOAT_EQ(answer->faces.at(0).decision.match_threshold.similarity,
                  policy.identification_threshold(12).similarity);
}

TEST_P(TrainJobTest, OfAPackWithoutCalibrationNoHeadIsTried) {
  enroll_confusable();
  engine_->calibrate(std::nullopt);
  const jobs::Job done = end_of(start(HeadWish::Try)->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("head_refused"), "head_not_calibrated");
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->has_head);
}

TEST_P(TrainJobTest, CancelledWhileAHeadIsTriedItLeavesTheVersionWithoutOne) {
  enroll_confusable();
  const auto job = start(HeadWish::Try);
  wait_for_trial(job->id);
  ASSERT_TRUE(jobs_->cancel(user_, job->id));
  EXPECT_EQ(end_of(job->id).state, jobs::JobState::Cancelled);
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->head_trial);
}

TEST_P(TrainJobTest, AHeadOfAGalleryThatIsChangedMeanwhileIsNotKeptAndTheJobSaysSo) {
  enroll_confusable();
  const auto job = start(HeadWish::Try);
  wait_for_trial(job->id);
  const auto person = galleries_->list_people(user_, gallery_)->front();
  ASSERT_TRUE(galleries_->rename_person(user_, gallery_, person.id, "Renamed"));
  const jobs::Job done = end_of(job->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("head_refused"), "gallery_changing");
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->head_trial);
}

TEST_P(TrainJobTest, CutOffByARestartWhileAHeadIsTriedItTriesOneOnTheSameVersion) {
  enroll_confusable();
  const auto job = start(HeadWish::Try);
  wait_for_trial(job->id);
  jobs_->stop();
  ASSERT_EQ(jobs_->get(user_, job->id)->state, jobs::JobState::Queued);
  start_jobs();
  const jobs::Job done = end_of(job->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("version"), 1);
  EXPECT_EQ(galleries_->list_versions(user_, gallery_)->size(), 1U);
  EXPECT_TRUE(galleries_->find_version(user_, gallery_, 1)->has_head);
}

TEST_P(TrainJobTest, ASecondTrainingIsRefusedWhileTheFirstRunsAndThatCanBeCancelled) {
  enroll(2);
  const auto slow = std::make_shared<FakeEngine>("m2");
  std::latch leave(1);
  slow->on_detect = [&] { leave.wait(); };
  recognition_->use_engines(slow);
  const auto job = start();
  ASSERT_TRUE(job);
  const auto second = start();
  EXPECT_EQ(reason_of(second), "training_running");
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  ASSERT_TRUE(jobs_->cancel(user_, job->id));
  leave.count_down();
  EXPECT_EQ(end_of(job->id).state, jobs::JobState::Cancelled);
  EXPECT_EQ(reason_of(galleries_->find_version(user_, gallery_)), "gallery_not_trained");
}

TEST_P(TrainJobTest, ATrainingCutOffByARestartGoesOnWhereItWas) {
  enroll(3);
  const auto newer = std::make_shared<FakeEngine>("m2");
  std::latch second_photo(1);
  std::latch leave(1);
  std::atomic<int> detections = 0;
  newer->on_detect = [&] {
    if (++detections != 2) return;
    second_photo.count_down();
    leave.wait();
  };
  recognition_->use_engines(newer);
  const auto job = start();
  second_photo.wait();
  {
    std::jthread stopping([&] { jobs_->stop(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the stop is under way
    leave.count_down();
  }
  EXPECT_EQ(jobs_->get(user_, job->id)->state, jobs::JobState::Queued);
  const int before = detections;
  start_jobs();
  EXPECT_EQ(end_of(job->id).state, jobs::JobState::Succeeded);
  EXPECT_EQ(detections - before, 3 - before);  // none was embedded twice
}

/// Keeps an engine at the first photo that it is shown until it may leave.
struct HeldAtItsFirstPhoto {
  explicit HeldAtItsFirstPhoto(FakeEngine& engine) {
    engine.on_detect = [this] {
      if (++detections != 1) return;
      begun.count_down();
      leave.wait();
    };
  }

  std::latch begun{1};
  std::latch leave{1};
  std::atomic<int> detections = 0;
};

/// Galleries that were trained with m1, each with two photos of Ann.
class CatchUpTest : public TrainJobTest {
 protected:
  void SetUp() override {
    TrainJobTest::SetUp();
    if (IsSkipped()) return;
    catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  }

  GalleryId trained(std::string_view name, UserId owner) {
    const auto id = galleries_->create_gallery(owner, name)->id;
    const auto ann = galleries_->add_person(owner, id, "Ann")->id;
    for (const int x : {10, 11}) {
      const auto file = FakeEngine::photo(fmt::format("face ann {} 10 50\nof {}", x, name));
      EXPECT_TRUE(recognition_->enroll(owner, id, ann, file, "a.jpg")->photo);
    }
    EXPECT_TRUE(recognition_->train(owner, id));
    return id;
  }
  GalleryId trained(std::string_view name) { return trained(name, user_); }

  UserId new_user() {
    return *database().transact([&](store::Transaction& transaction) {
      return store::create_owner(transaction, clock_.now_ms());
    });
  }

  void look() {
    const auto looked = catch_up_->look();
    EXPECT_TRUE(looked) << looked.error().message;
  }

  /// The jobs of a user, the oldest first, once they have ended: `gallery 3 succeeded`.
  std::vector<std::string> jobs_of(UserId owner) {
    std::vector<std::string> told;
    const auto all = jobs_->list(owner);
    for (const jobs::Job& job : *all) {
      for (int round = 0; round < 10'000 && !jobs::is_finished(jobs_->get(owner, job.id)->state);
           ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      told.push_back(
          fmt::format("{} {}", *job.subject, jobs::to_string(jobs_->get(owner, job.id)->state)));
    }
    std::ranges::reverse(told);
    return told;
  }

  static std::string told(GalleryId gallery, std::string_view state) {
    return fmt::format("gallery {} {}", gallery.value(), state);
  }

  std::string model_of(GalleryId gallery) {
    return galleries_->find_gallery(user_, gallery)->model_id.hex();
  }

  std::unique_ptr<CatchUp> catch_up_;
};
TEST_ON_BOTH_DATABASES(CatchUpTest);

TEST_P(CatchUpTest, GalleriesOfAFormerPackAreLearntOneAfterAnotherTheOldestFirst) {
  const UserId other = new_user();
  const auto first = trained("one");
  const auto second = trained("two", other);
  const auto third = trained("three");
  look();
  EXPECT_TRUE(jobs_->list(user_)->empty()) << "the pack in use has learnt them";
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  using Told = std::vector<std::string>;
  look();
  EXPECT_EQ(jobs_of(user_), Told({told(first, "succeeded")}));
  EXPECT_TRUE(jobs_->list(other)->empty());
  EXPECT_EQ(model_of(third), "m1");
  look();
  EXPECT_EQ(jobs_of(other), Told({told(second, "succeeded")}));
  for (int more = 0; more < 3; ++more) {
    look();
    EXPECT_EQ(jobs_of(user_), Told({told(first, "succeeded"), told(third, "succeeded")}));
  }
  EXPECT_EQ(model_of(first) + model_of(third), "m2m2");
  EXPECT_EQ(galleries_->find_gallery(other, second)->model_id.hex(), "m2");
}

TEST_P(CatchUpTest, WhereAHeadAnsweredTheNextPackTriesOneToo) {
  enroll_confusable();
  ASSERT_EQ(end_of(start(HeadWish::Try)->id).state, jobs::JobState::Succeeded);
  ASSERT_TRUE(galleries_->find_version(user_, gallery_, 1)->has_head);
  const auto next = std::make_shared<FakeEngine>("m2");
  next->is_confusing = true;
  recognition_->use_engines(next);
  look();
  EXPECT_EQ(jobs_of(user_).back(), told(gallery_, "succeeded"));
  EXPECT_EQ(model_of(gallery_), "m2");
  const auto version = *galleries_->find_version(user_, gallery_);
  EXPECT_EQ(version.number, 2);
  EXPECT_TRUE(version.head_trial);
}

TEST_P(CatchUpTest, OneJobIsAtWorkAtATime) {
  const auto slow = std::make_shared<FakeEngine>("m2");
  std::latch leave(1);
  slow->on_detect = [&] { leave.wait(); };
  const auto first = trained("one");
  const auto second = trained("two");
  recognition_->use_engines(slow);
  for (int round = 0; round < 3; ++round) look();
  EXPECT_EQ(jobs_->list(user_)->size(), 1U);
  ASSERT_TRUE(recognition_->delete_gallery(user_, first));
  leave.count_down();
  EXPECT_EQ(jobs_of(user_).back(), told(first, "failed")) << "it was deleted meanwhile";
  look();
  EXPECT_EQ(jobs_of(user_).back(), told(second, "succeeded"));
}

TEST_P(CatchUpTest, WhatWasCancelledOrFailedIsLeftUntilTheNextPackOrTheNextStart) {
  const auto cancelled = trained("cancelled");
  const auto failing = trained("failing");
  const PersonId ann = galleries_->list_people(user_, failing)->front().id;
  const auto photos = galleries_->list_photos(user_, failing, ann);
  for (const gallery::Photo& photo : *photos) {
    (void)files_->remove(user_, *store::BlobName::parse(photo.content));
  }
  const auto slow = std::make_shared<FakeEngine>("m2");
  std::latch leave(1);
  slow->on_detect = [&] { leave.wait(); };
  recognition_->use_engines(slow);
  look();
  ASSERT_TRUE(jobs_->cancel(user_, jobs_->list(user_)->front().id));
  leave.count_down();
  const std::vector<std::string> ended{told(cancelled, "cancelled"), told(failing, "failed")};
  EXPECT_EQ(jobs_of(user_).back(), ended[0]);
  for (int round = 0; round < 3; ++round) {
    look();
    EXPECT_EQ(jobs_of(user_), ended);
  }
  EXPECT_EQ(model_of(cancelled), "m1");
  catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  look();
  EXPECT_EQ(jobs_of(user_).back(), told(cancelled, "succeeded"));
  recognition_->use_engines(std::make_shared<FakeEngine>("m3"));
  look();
  EXPECT_EQ(jobs_of(user_).size(), 4U);
  EXPECT_EQ(model_of(cancelled), "m3");
}

TEST_P(CatchUpTest, AnOwnerWhoMayHaveNoMoreJobsKeepsNobodyFromLearning) {
  jobs_ = std::make_unique<jobs::Jobs>(shared_database(), clock_,
                                       jobs::Options{.unfinished_per_owner_max = 0});
  add_train_gallery(*jobs_, *recognition_);
  jobs::Jobs& full = *jobs_;
  const UserId other = new_user();
  const auto first = trained("one");
  const auto second = trained("two", other);
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  CatchUp kept_out(full, *recognition_);
  EXPECT_EQ(*kept_out.look(), CatchUp::State::Idle) << "it went through all of them";
  start_jobs();
  catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  look();
  EXPECT_EQ(jobs_of(user_), std::vector<std::string>({told(first, "succeeded")}));
  look();
  EXPECT_EQ(jobs_of(other), std::vector<std::string>({told(second, "succeeded")}));
}

TEST_P(CatchUpTest, AGalleryThatAFormerPackAnswersAgainIsLearntAgain) {
  const auto id = trained("one");
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  look();
  EXPECT_EQ(jobs_of(user_).size(), 1U);
  look();
  ASSERT_TRUE(recognition_->delete_version(user_, id, 2));
  EXPECT_EQ(model_of(id), "m1");
  look();
  EXPECT_EQ(jobs_of(user_).size(), 1U) << "not at once";
  clock_.advance(std::chrono::milliseconds(CatchUp::kPassEvery_ms));
  look();
  EXPECT_EQ(jobs_of(user_).size(), 2U);
  EXPECT_EQ(model_of(id), "m2");
}

TEST_P(CatchUpTest, ATrainingOfTheOwnersOwnIsWaitedFor) {
  const auto slow = std::make_shared<FakeEngine>("m2");
  std::latch leave(1);
  slow->on_detect = [&] { leave.wait(); };
  const auto first = trained("one");
  const auto second = trained("two");
  recognition_->use_engines(slow);
  ASSERT_TRUE(start_training(*jobs_, *recognition_, user_, first));
  for (int round = 0; round < 3; ++round) look();
  EXPECT_EQ(jobs_->list(user_)->size(), 1U);
  leave.count_down();
  EXPECT_EQ(jobs_of(user_), std::vector<std::string>({told(first, "succeeded")}));
  look();
  EXPECT_EQ(jobs_of(user_).back(), told(second, "succeeded"));
}

TEST_P(CatchUpTest, ATrainingThatNeverEndsIsNotWaitedForForEver) {
  const auto slow = std::make_shared<FakeEngine>("m2");
  std::latch leave(1);
  const auto first = trained("one");
  const auto second = trained("two");
  recognition_->use_engines(slow);
  slow->on_detect = [&] { leave.wait(); };
  ASSERT_TRUE(start_training(*jobs_, *recognition_, user_, first));
  look();
  clock_.advance(std::chrono::milliseconds(CatchUp::kWaitAtMost_ms - 1));
  look();
  EXPECT_EQ(jobs_->list(user_)->size(), 1U);
  clock_.advance(std::chrono::milliseconds(1));
  look();
  EXPECT_EQ(jobs_->list(user_)->size(), 2U);
  EXPECT_EQ(*jobs_->list(user_)->front().subject, fmt::format("gallery {}", second.value()));
  leave.count_down();
  EXPECT_EQ(jobs_of(user_),
            std::vector<std::string>({told(first, "succeeded"), told(second, "succeeded")}));
}

TEST_P(CatchUpTest, AFormerPackIsLetGoOnceAllGalleriesHaveChanged) {
  trained("one");
  trained("two");
  std::weak_ptr<FakeEngine> former = engine_;
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  engine_.reset();
  for (int gallery = 0; gallery < 2; ++gallery) {
    look();
    EXPECT_EQ(jobs_of(user_).size(), static_cast<size_t>(gallery) + 1);
    EXPECT_FALSE(former.expired());
  }
  look();
  EXPECT_FALSE(former.expired()) << "a stream may ask it for a second still";
  clock_.advance(std::chrono::milliseconds(CatchUp::kPassEvery_ms));
  look();
  EXPECT_TRUE(former.expired());
  EXPECT_TRUE(recognition_->former_engines().empty());
}

TEST_P(CatchUpTest, PromotingAndUndoingForEverLeavesRoomForTheOwnersVersions) {
  const auto gallery = trained("one");
  for (int times = 0; times < 3; ++times) {
    for (const auto& engine : {std::make_shared<FakeEngine>("m2"), engine_}) {
      recognition_->use_engines(engine);
      look();
      EXPECT_EQ(jobs_of(user_).back(), told(gallery, "succeeded"));
      EXPECT_EQ(model_of(gallery), engine->model_id().hex());
      look();
    }
  }
  EXPECT_EQ(galleries_->list_versions(user_, gallery)->size(), 3U)
      << "the owner's, and one of each";
}

TEST_P(CatchUpTest, AGalleryWithoutRoomForAVersionIsNotEmbeddedInVain) {
  gallery::Limits few;
  few.versions_per_gallery = 1;
  jobs_.reset();
  recognition_.reset();
  galleries_ = std::make_unique<gallery::Galleries>(database(), *files_, clock_, few);
  recognition_ = std::make_unique<Recognition>(*galleries_, *scheduler_, engine_);
  start_jobs();
  catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  const auto gallery = trained("one");
  const auto newer = std::make_shared<FakeEngine>("m2");
  newer->on_detect = [] { ADD_FAILURE() << "it was"; };
  recognition_->use_engines(newer);
  look();
  EXPECT_EQ(jobs_of(user_), std::vector<std::string>{told(gallery, "failed")});
}

TEST_P(CatchUpTest, LeavesWhatWasChosenByHandAndWhatWasNeverTrained) {
  enroll(1);
  const auto chosen = trained("chosen");
  ASSERT_TRUE(galleries_->use_version(user_, chosen, 1));
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  look();
  EXPECT_TRUE(jobs_->list(user_)->empty());
}

TEST_P(CatchUpTest, APackThatCouldDecideNothingLearnsNoGallery) {
  trained("one");
  const auto uncalibrated = std::make_shared<FakeEngine>("m2");
  uncalibrated->calibrate(std::nullopt);
  recognition_->use_engines(uncalibrated);
  look();
  EXPECT_TRUE(jobs_->list(user_)->empty());
}

TEST_P(CatchUpTest, AfterARestartTheJobThatWasCutOffGoesOnAndNoneIsDoneTwice) {
  const auto newer = std::make_shared<FakeEngine>("m2");
  HeldAtItsFirstPhoto held(*newer);
  const auto first = trained("one");
  const auto second = trained("two");
  recognition_->use_engines(newer);
  look();
  held.begun.wait();
  {
    std::jthread stopping([&] { jobs_->stop(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the stop is under way
    held.leave.count_down();
  }
  ASSERT_EQ(jobs_->list(user_)->front().state, jobs::JobState::Queued);
  start_jobs();
  catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  look();
  EXPECT_EQ(jobs_of(user_).front(), told(first, "succeeded"));
  look();
  EXPECT_EQ(jobs_of(user_),
            std::vector<std::string>({told(first, "succeeded"), told(second, "succeeded")}));
}

TEST_P(CatchUpTest, APackThatIsTakenBackLeavesNoVersionOfIt) {
  const auto disliked = std::make_shared<FakeEngine>("m2");
  HeldAtItsFirstPhoto held(*disliked);
  const auto gallery = trained("one");
  recognition_->use_engines(disliked);
  look();
  held.begun.wait();
  recognition_->use_engines(engine_);
  held.leave.count_down();
  EXPECT_EQ(jobs_of(user_), std::vector<std::string>{told(gallery, "succeeded")});
  EXPECT_EQ(galleries_->list_versions(user_, gallery)->size(), 1U);
  EXPECT_EQ(model_of(gallery), "m1");
}

}  // namespace
}  // namespace faceforge::recognition
