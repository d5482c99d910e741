#include "recognition/catch_up.h"

#include <algorithm>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "recognition/train_job_test_fixture.h"

namespace faceforge::recognition {
namespace {

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

TEST_P(CatchUpTest, WhatWasWaitedForInOnePassIsWaitedForInTheNextOneToo) {
  jobs_ = std::make_unique<jobs::Jobs>(shared_database(), clock_);
  add_train_gallery(*jobs_, *recognition_);  // and never started: every job stays queued
  catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
  const auto first = trained("one");
  trained("two");
  const auto newer = std::make_shared<FakeEngine>("m2");
  recognition_->use_engines(newer);
  ASSERT_TRUE(start_training(*jobs_, *recognition_, user_, first));
  const auto job_count = [&] { return jobs_->list(user_)->size(); };
  const auto job_count_after = [&](int64_t span_ms) {
    clock_.advance(std::chrono::milliseconds(span_ms));
    look();
    return job_count();
  };
  EXPECT_EQ(job_count_after(0), 1U);
  ASSERT_EQ(job_count_after(CatchUp::kWaitAtMost_ms), 2U) << "it went on";
  ASSERT_TRUE(jobs_->cancel(user_, jobs_->list(user_)->front().id));
  look();  // the pass is over
  recognition_->use_engines(engine_);
  trained("three");
  recognition_->use_engines(newer);
  EXPECT_EQ(job_count_after(CatchUp::kPassEvery_ms), 2U);
  EXPECT_EQ(job_count_after(CatchUp::kWaitAtMost_ms - 1), 2U);
  EXPECT_EQ(job_count_after(1), 3U);
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

TEST_P(CatchUpTest, UnderAPackThatLearnsNoGalleryAFormerOneIsLetGoToo) {
  const auto gallery = trained("one");
  const std::weak_ptr<FakeEngine> former = engine_;
  const auto uncalibrated = std::make_shared<FakeEngine>("m2");
  uncalibrated->calibrate(std::nullopt);
  recognition_->use_engines(uncalibrated);
  engine_.reset();
  clock_.advance(std::chrono::milliseconds(CatchUp::kPassEvery_ms));
  look();
  EXPECT_FALSE(former.expired()) << "it answers";
  ASSERT_TRUE(recognition_->delete_gallery(user_, gallery));
  clock_.advance(std::chrono::milliseconds(CatchUp::kPassEvery_ms));
  look();
  EXPECT_TRUE(former.expired());
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

TEST_P(CatchUpTest, ATrainingThatEndsWhileItsGalleryIsLookedAtIsNotBegunAgain) {
  trained("one");
  for (size_t round = 1; round <= 10; ++round) {
    const auto newer = std::make_shared<FakeEngine>(fmt::format("m{}", round + 1));
    HeldAtItsFirstPhoto held(*newer);
    recognition_->use_engines(newer);
    look();
    held.begun.wait();
    // As after a restart, it knows of no job.
    catch_up_ = std::make_unique<CatchUp>(*jobs_, *recognition_);
    const jobs::JobId job = jobs_->list(user_)->front().id;
    const std::jthread releasing([&] { held.leave.count_down(); });
    while (!jobs::is_finished(jobs_->get(user_, job)->state)) look();
    look();
    EXPECT_EQ(jobs_of(user_).size(), round);
  }
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
