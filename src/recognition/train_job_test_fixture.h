#pragma once

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "recognition/recognition.h"
#include "recognition/recognition_test_engine.h"
#include "recognition/train_job.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::recognition {

/// A gallery, and jobs that train it.
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
    add_train_gallery(
        *jobs_, *recognition_,
        [this](const auto& model, const auto& options, const Supervision& supervision) {
          has_trial_begun_ = true;
          while (is_trial_held_ && !supervision.stop.stop_requested()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
          return gallery::train_personal_head(model, options, supervision);
        });
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

  /// Starts a job and waits until it tries a head, which it does not go on with before
  /// `is_trial_held_` is taken off again, or it is to stop.
  jobs::JobId start_held_trial() {
    is_trial_held_ = true;
    const auto job = start(HeadWish::Try);
    for (int round = 0; round < 5'000 && !has_trial_begun_; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_TRUE(has_trial_begun_) << "no head was tried";
    return job->id;
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

  std::atomic<bool> is_trial_held_ = false, has_trial_begun_ = false;
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

}  // namespace faceforge::recognition
