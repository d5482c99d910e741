#include "recognition/train_job.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

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

  Result<jobs::Job> start() { return start_training(*jobs_, *recognition_, user_, gallery_); }

  /// Waits for the job's end, longer than anything here takes.
  jobs::Job end_of(jobs::JobId id) {
    for (int round = 0; round < 1'000; ++round) {
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

}  // namespace
}  // namespace faceforge::recognition
