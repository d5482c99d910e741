#include "recognition/train_job.h"

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>

#include "gallery/match_policy.h"
#include "recognition/train_job_test_fixture.h"

namespace faceforge::recognition {
namespace {

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

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

TEST_P(TrainJobTest, TroubleWithKeepingAHeadIsAFailureAndNoReasonOfTheGallerys) {
  enroll_confusable();
  const bool is_sqlite = GetParam() == store::Dialect::Sqlite;
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) {
    return transaction.execute(
        is_sqlite ? "create trigger no_head before update of head on versions"
                    " begin select raise(abort, 'none is taken'); end"
                  : "alter table versions add constraint no_head check (head is null)");
  }));
  const jobs::Job done = end_of(start(HeadWish::Try)->id);
  ASSERT_EQ(done.state, jobs::JobState::Failed);
  EXPECT_EQ(done.error->reason, "constraint_violated");
}

TEST_P(TrainJobTest, CancelledWhileAHeadIsTriedItHasTrainedAndSaysThatThereIsNone) {
  enroll_confusable();
  const jobs::JobId job = start_held_trial();
  ASSERT_TRUE(jobs_->cancel(user_, job));
  const jobs::Job done = end_of(job);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded) << "the version answers";
  EXPECT_EQ(done.result.at("version"), 1);
  EXPECT_EQ(done.result.at("head_refused"), "job_cancelled");
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->head_trial);
}

TEST_P(TrainJobTest, ForANewPackTheHeadOfAVersionThatAnsweredAlreadyIsLeftAsItIs) {
  enroll_confusable();
  ASSERT_EQ(end_of(start(HeadWish::Try)->id).state, jobs::JobState::Succeeded);
  ASSERT_TRUE(galleries_->find_version(user_, gallery_, 1)->has_head);
  const auto before = galleries_->find_version_state(user_, gallery_);
  // As after a promotion that was undone before the job began.
  const auto job =
      start_training(*jobs_, *recognition_, user_, gallery_, TrainingCause::NewPack, HeadWish::Try);
  ASSERT_TRUE(job) << job.error().message;
  const jobs::Job done = end_of(job->id);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("version"), 1);
  EXPECT_EQ(done.result.at("head_refused"), nullptr);
  EXPECT_EQ(galleries_->find_version_state(user_, gallery_)->revision, before->revision)
      << "nothing of the version was written";
}

TEST_P(TrainJobTest, AHeadOfAGalleryThatIsChangedMeanwhileIsNotKeptAndTheJobSaysSo) {
  enroll_confusable();
  const jobs::JobId job = start_held_trial();
  const auto person = galleries_->list_people(user_, gallery_)->front();
  ASSERT_TRUE(galleries_->rename_person(user_, gallery_, person.id, "Renamed"));
  is_trial_held_ = false;
  const jobs::Job done = end_of(job);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("head_refused"), "gallery_changing");
  EXPECT_FALSE(galleries_->find_version(user_, gallery_, 1)->head_trial);
}

TEST_P(TrainJobTest, CutOffByARestartWhileAHeadIsTriedItTriesOneOnTheSameVersion) {
  enroll_confusable();
  const jobs::JobId job = start_held_trial();
  jobs_->stop();
  ASSERT_EQ(jobs_->get(user_, job)->state, jobs::JobState::Queued);
  is_trial_held_ = false;
  start_jobs();
  const jobs::Job done = end_of(job);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("version"), 1);
  EXPECT_EQ(galleries_->list_versions(user_, gallery_)->size(), 1U);
  EXPECT_TRUE(galleries_->find_version(user_, gallery_, 1)->has_head);
}

TEST_P(TrainJobTest, CutOffByARestartAndItsVersionDeletedSinceItTrainsAnew) {
  enroll_confusable();
  const jobs::JobId job = start_held_trial();
  jobs_->stop();
  ASSERT_TRUE(recognition_->delete_version(user_, gallery_, 1));
  is_trial_held_ = false;
  start_jobs();
  const jobs::Job done = end_of(job);
  ASSERT_EQ(done.state, jobs::JobState::Succeeded);
  EXPECT_EQ(done.result.at("version"), 2);
  EXPECT_TRUE(galleries_->find_version(user_, gallery_, 2)->has_head);
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
