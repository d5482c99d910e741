#include "recognition/internal/work_queues.h"

#include <list>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition::internal {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;

constexpr bool kAlone = true;
constexpr bool kAmongOthers = false;

/// What an assignment takes of each work.
std::vector<std::pair<const Work*, size_t>> shares_of(std::optional<Assignment>& assignment) {
  std::vector<std::pair<const Work*, size_t>> shares;
  if (!assignment) return shares;
  for (const auto& slice : assignment->slices()) shares.emplace_back(slice.work, slice.count);
  return shares;
}

class WorkQueuesTest : public testing::Test {
 protected:
  Work& faces(size_t count, Urgency urgency = Urgency::Live) {
    return add({.engines = &engines_, .urgency = urgency, .faces = {crowd_.data(), count}});
  }
  Work& step(Urgency urgency = Urgency::Live, int request_begin_us = 0, size_t photo_bytes = 0) {
    return add({.engines = &engines_,
                .urgency = urgency,
                .request_begin = begin_ + microseconds(request_begin_us),
                .photo_bytes = photo_bytes,
                .step = [](const FaceEngine&) {}});
  }
  Work& add(Work work) {
    Work& added = works_.emplace_back();
    added.engines = work.engines;
    added.urgency = work.urgency;
    added.request_begin = work.request_begin;
    added.photo_bytes = work.photo_bytes;
    added.step = std::move(work.step);
    added.faces = work.faces;
    queues_.add(added, begin_);
    return added;
  }
  std::optional<Assignment> take(size_t busy_cores = 0, int now_us = 0, bool alone = kAmongOthers) {
    return queues_.take(busy_cores, alone, begin_ + microseconds(now_us));
  }
  const Work* step_taken(size_t busy_cores = 0) {
    auto taken = take(busy_cores);
    return taken ? taken->slices().front().work : nullptr;
  }

  const std::shared_ptr<const FaceEngine> one_ = std::make_shared<FakeEngine>();
  const std::shared_ptr<const FaceEngine> all_ = std::make_shared<FakeEngine>();
  const Engines engines_{one_, all_};
  const SteadyTime begin_ = SteadyTime() + std::chrono::hours(1);
  std::array<face::AlignedFace, 200> crowd_{};
  std::list<Work> works_;
  WorkQueues queues_{{.core_count = 4, .gathering = microseconds(2'000), .photo_bytes = 100}};
};

TEST_F(WorkQueuesTest, FacesOfSeveralRequestsGoInOneBatch) {
  const Work& first = faces(1);
  const Work& second = faces(2);
  const Work& third = faces(1);
  auto taken = take(3);
  EXPECT_THAT(shares_of(taken),
              ElementsAre(std::pair(&first, 1), std::pair(&second, 2), std::pair(&third, 1)));
  EXPECT_EQ(queues_.waiting_count(), 0U);
  EXPECT_EQ(taken->engine, one_.get());
}

TEST_F(WorkQueuesTest, FacesWaitTwoMillisecondsForARequestThatMayBringMore) {
  queues_.expect_faces(Urgency::Live);
  faces(1);
  EXPECT_FALSE(take(0, 1'999));
  EXPECT_EQ(queues_.end_of_gathering(begin_), begin_ + microseconds(2'000));
  EXPECT_TRUE(take(0, 2'000));
  EXPECT_EQ(queues_.end_of_gathering(begin_), std::nullopt);
}

TEST_F(WorkQueuesTest, FacesWaitForNobodyWhereNoRequestIsOnItsWay) {
  queues_.expect_faces(Urgency::Live);
  queues_.expect_no_more_faces(Urgency::Live);
  faces(1);
  EXPECT_TRUE(take());
}

TEST_F(WorkQueuesTest, AFullBatchWaitsForNobody) {
  queues_.expect_faces(Urgency::Live);
  faces(3);
  EXPECT_FALSE(take(3));
  faces(5);
  EXPECT_TRUE(take(3));
}

TEST_F(WorkQueuesTest, ACrowdTakesNoMoreThanItsShareOfABatch) {
  const Work& crowd = faces(200);
  const Work& first = faces(1);
  const Work& second = faces(1);
  auto taken = take(3);
  EXPECT_THAT(shares_of(taken),
              ElementsAre(std::pair(&crowd, 6), std::pair(&first, 1), std::pair(&second, 1)));
  EXPECT_EQ(crowd.taken_faces, 6U);
  EXPECT_TRUE(crowd.is_queued);
}

TEST_F(WorkQueuesTest, FreeCoresShareTheFaces) {
  const Work& photo = faces(8);
  auto taken = take(1);
  EXPECT_THAT(shares_of(taken), ElementsAre(std::pair(&photo, 3)));
}

TEST_F(WorkQueuesTest, ARequestThatIsAloneGetsAllCoresForABatchOfThirtyTwo) {
  const Work& photo = faces(40);
  auto taken = take(0, 0, kAlone);
  EXPECT_THAT(shares_of(taken), ElementsAre(std::pair(&photo, 32)));
  EXPECT_EQ(taken->engine, all_.get());
  step();
  queues_.withdraw(works_.front());
  EXPECT_EQ(take(0, 0, kAlone)->engine, all_.get());
}

TEST_F(WorkQueuesTest, FacesOfAnotherPackAreAnotherBatch) {
  const Engines others(std::make_shared<const FakeEngine>("m2"));
  const Work& first = faces(1);
  const Work& other = add({.engines = &others, .faces = {crowd_.data(), 1}});
  const Work& second = faces(1);
  auto taken = take(3);
  EXPECT_THAT(shares_of(taken), ElementsAre(std::pair(&first, 1), std::pair(&second, 1)));
  auto next = take(3);
  EXPECT_THAT(shares_of(next), ElementsAre(std::pair(&other, 1)));
  EXPECT_EQ(next->engine, others.one_core.get());
}

TEST_F(WorkQueuesTest, TheOldestRequestComesNext) {
  const Work& young = step(Urgency::Live, 20);
  const Work& old = step(Urgency::Live, 10);
  EXPECT_EQ(step_taken(), &old);
  EXPECT_EQ(step_taken(), &young);
  EXPECT_EQ(step_taken(), nullptr);
}

TEST_F(WorkQueuesTest, WhatWasWithdrawnIsNotTaken) {
  Work& first = step();
  const Work& second = step();
  queues_.withdraw(first);
  EXPECT_FALSE(first.is_queued);
  EXPECT_EQ(step_taken(), &second);
  EXPECT_EQ(queues_.waiting_count(), 0U);
}

TEST_F(WorkQueuesTest, TheBackgroundWaitsForWhatIsLiveAndComesToItsTurnAllTheSame) {
  const Work& background = step(Urgency::Background);
  for (size_t i = 0; i < WorkQueues::kLiveStepsInARow; ++i) {
    const Work& live = step();
    EXPECT_EQ(step_taken(), &live);
  }
  step();
  EXPECT_EQ(step_taken(), &background);
}

TEST_F(WorkQueuesTest, TheBackgroundTakesHalfOfTheCores) {
  for (int i = 0; i < 3; ++i) step(Urgency::Background);
  auto first = take(0);
  ASSERT_TRUE(take(1));
  EXPECT_FALSE(take(2));
  queues_.finish(*first);
  EXPECT_TRUE(take(1));
}

TEST_F(WorkQueuesTest, TheBackgroundDoesNotTakeTheCoreThatLiveFacesAreAboutToWant) {
  queues_.expect_faces(Urgency::Live);
  faces(1);
  step(Urgency::Background);
  EXPECT_FALSE(take(0, 1'000));
}

TEST_F(WorkQueuesTest, APhotoWaitsUntilThereIsRoomForItsPixels) {
  step(Urgency::Live, 0, 60);
  const Work& large = step(Urgency::Live, 1, 60);
  ASSERT_NE(step_taken(), nullptr);
  EXPECT_EQ(step_taken(), nullptr);
  const Work& without_pixels = step(Urgency::Live, 2);
  EXPECT_EQ(step_taken(), &without_pixels);
  queues_.free_photo(60);
  EXPECT_EQ(step_taken(), &large);
}

TEST_F(WorkQueuesTest, APhotoOverAllRoomIsLookedAtWhenItIsTheOnlyOne) {
  const Work& photo = step(Urgency::Live, 0, 1'000);
  EXPECT_EQ(step_taken(), &photo);
}

TEST_F(WorkQueuesTest, AFailureEndsTheRestOfItsOwnWorkOnly) {
  Work& crowd = faces(200);
  Work& other = faces(10);
  auto taken = take(3);
  ASSERT_EQ(taken->slice_count, 2U);
  taken->slices()[0].error = Error{ErrorCode::Internal, "broken", ""};
  queues_.finish(*taken);
  EXPECT_FALSE(crowd.is_queued);
  EXPECT_EQ(crowd.error->reason, "broken");
  EXPECT_TRUE(other.is_queued);
  EXPECT_FALSE(other.error);
  EXPECT_EQ(crowd.busy_cores + other.busy_cores, 0U);
}

}  // namespace
}  // namespace faceforge::recognition::internal
