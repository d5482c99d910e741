#include "recognition/inference_scheduler.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// An engine whose faces are their names, whose detection can be held up, and which remembers its
/// batches.
class NamingEngine final : public FaceEngine {
 public:
  /// Detections wait until it is opened.
  void close() { is_open_ = false; }
  void open() {
    is_open_ = true;
    is_open_.notify_all();
  }
  /// The names of the faces of each.
  std::vector<std::vector<float>> batches() const {
    const std::scoped_lock lock(mutex_);
    return batches_;
  }
  mutable std::atomic<int> detection_count = 0;
  size_t too_many = 0;  ///< faces to prepare for

  const face::ModelId& model_id() const override { return plain_.model_id(); }
  const std::string& pack_id() const override { return plain_.pack_id(); }
  face::Metric metric() const override { return plain_.metric(); }
  int embedding_length() const override { return 1; }
  const std::optional<face::Calibration>& calibration() const override {
    return plain_.calibration();
  }
  Result<image::Photo> decode(std::span<const std::byte>) const override {
    return image::Photo{image::Image::create(10, 10), 10, 10};
  }
  Result<std::vector<face::DetectedFace>> detect(const image::Photo&) const override {
    ++detection_count;
    is_open_.wait(false);
    return std::vector<face::DetectedFace>(1);
  }
  Result<image::Photo> decode_frame(std::span<const std::byte> file) const override {
    return decode(file);
  }
  Result<FrameFaces> detect_in_frame(const image::Photo& frame,
                                     std::span<const vision::FrameScale>) const override {
    FrameFaces faces;
    faces.sure = TRY(detect(frame));
    return faces;
  }
  Result<face::AlignedFace> align(const image::Photo& photo,
                                  const face::DetectedFace& face) const override {
    return plain_.align(photo, face);
  }
  Result<void> prepare_batch(size_t face_count) const override {
    const std::scoped_lock lock(mutex_);
    prepared_.push_back(face_count);
    if (face_count == too_many) return fail(ErrorCode::Exhausted, "out_of_memory", "so many");
    return {};
  }
  /// In the order in which they were.
  std::vector<size_t> prepared() const {
    const std::scoped_lock lock(mutex_);
    return prepared_;
  }
  Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const override {
    std::vector<face::Embedding> embeddings;
    std::vector<float> batch;
    for (const face::AlignedFace& face : faces) {
      const std::string& name = face.crops.front().landmark_template;
      if (name == "broken") return fail(ErrorCode::Internal, "broken", "this face is broken");
      if (name == "throwing") throw std::runtime_error("a bug");
      if (name == "huge") throw std::bad_alloc();
      batch.push_back(std::stof(name));
      embeddings.push_back({model_id(), metric(), {batch.back()}});
    }
    const std::scoped_lock lock(mutex_);
    batches_.push_back(std::move(batch));
    return embeddings;
  }
  face::Quality quality(const image::Photo&, const face::DetectedFace&,
                        const face::AlignedFace&) const override {
    return {};
  }

 private:
  FakeEngine plain_;
  std::atomic<bool> is_open_ = true;
  mutable std::mutex mutex_;
  mutable std::vector<std::vector<float>> batches_;
  mutable std::vector<size_t> prepared_;
};

std::vector<face::AlignedFace> named(std::initializer_list<std::string_view> names) {
  std::vector<face::AlignedFace> faces;
  for (const std::string_view name : names) {
    face::AlignedFace face;
    face.crops.push_back({image::Image::create(2, 2), std::string(name)});
    faces.push_back(std::move(face));
  }
  return faces;
}

class InferenceSchedulerTest : public testing::Test {
 protected:
  void start(SchedulerOptions options) { scheduler_ = *InferenceScheduler::start(options); }
  std::unique_ptr<const FaceEngine> begin(Urgency urgency = Urgency::Live,
                                          std::stop_token abandoned = {}) {
    return std::move(*scheduler_->begin({engine_, all_cores_}, urgency, std::move(abandoned)));
  }
  void wait_for(auto condition) {
    const auto end = steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(steady_clock::now(), end) << "it never came to that";
      std::this_thread::sleep_for(microseconds(200));
    }
  }
  void wait_for_waiting(size_t count) {
    wait_for([&] { return scheduler_->load().waiting_steps == count; });
  }
  /// Holds a core up until the engine is opened.
  std::jthread hold_up() {
    engine_->close();
    const int before = engine_->detection_count;
    std::jthread held([this] {
      const auto request = begin();
      EXPECT_TRUE(request->detect(photo_));
    });
    wait_for([&] { return engine_->detection_count > before; });
    return held;
  }

  const std::shared_ptr<NamingEngine> engine_ = std::make_shared<NamingEngine>();
  const std::shared_ptr<NamingEngine> all_cores_ = std::make_shared<NamingEngine>();
  const image::Photo photo_{image::Image::create(10, 10), 10, 10};
  std::unique_ptr<InferenceScheduler> scheduler_;
};

TEST_F(InferenceSchedulerTest, FacesOfRequestsThatWaitTogetherAreEmbeddedTogether) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  std::vector<std::jthread> requests;
  for (int i = 0; i < 4; ++i) {
    requests.emplace_back([this, i] {
      const auto request = begin();
      const auto embeddings = request->embed(named({std::to_string(i), std::to_string(10 + i)}));
      ASSERT_TRUE(embeddings);
      EXPECT_EQ((*embeddings)[0].values[0], static_cast<float>(i));
      EXPECT_EQ((*embeddings)[1].values[0], static_cast<float>(10 + i));
    });
  }
  wait_for_waiting(4);
  engine_->open();
  requests.clear();
  EXPECT_THAT(engine_->batches(), ElementsAre(SizeIs(8)));
}

TEST_F(InferenceSchedulerTest, ARequestThatIsAloneWaitsForNobodyAndGetsAllCores) {
  start({.core_count = 2, .gathering = std::chrono::seconds(20)});
  const auto begin_time = steady_clock::now();
  const auto request = begin();
  EXPECT_TRUE(request->decode({}));
  EXPECT_TRUE(request->detect(photo_));
  EXPECT_TRUE(request->embed(named({"1"})));
  EXPECT_LT(steady_clock::now() - begin_time, std::chrono::seconds(10));
  EXPECT_EQ(all_cores_->detection_count, 1);
  EXPECT_EQ(all_cores_->batches().size(), 1U);
  EXPECT_EQ(engine_->detection_count, 0);
}

TEST_F(InferenceSchedulerTest, WithOthersAboutAStepHasOneCore) {
  start({.core_count = 2});
  const auto other = begin();
  const auto request = begin();
  EXPECT_TRUE(request->detect(photo_));
  EXPECT_EQ(engine_->detection_count, 1);
  EXPECT_EQ(all_cores_->detection_count, 0);
}

TEST_F(InferenceSchedulerTest, FacesWaitForOthersNoLongerThanTheyMay) {
  start({.core_count = 2, .gathering = milliseconds(2)});
  const auto other = begin();  // never brings any
  const auto request = begin();
  const auto faces = named({"1"});
  auto shortest = steady_clock::duration::max();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(request->decode({}));
    const auto begin_time = steady_clock::now();
    EXPECT_TRUE(request->embed(faces));
    shortest = std::min(shortest, steady_clock::now() - begin_time);
  }
  EXPECT_GE(shortest, milliseconds(2));
  EXPECT_LT(shortest, milliseconds(20)) << "2 ms, and what a loaded machine adds to it";
}

TEST_F(InferenceSchedulerTest, FacesAreNotForgottenWhereTheirWaitEndsJustAsACoreLooksAtThem) {
  // About as long as a core needs to wake up, so that some end while it looks.
  for (const int gathering_us : {10, 20, 40, 80, 160}) {
    start({.core_count = 1, .gathering = microseconds(gathering_us)});
    const auto other = begin();  // never brings any
    std::atomic<int> count = 0;
    constexpr int kAll = 3'000;
    std::jthread client([&] {
      const auto request = begin();
      const auto faces = named({"1"});
      while (count < kAll && request->embed(faces)) ++count;
    });
    const auto end = steady_clock::now() + std::chrono::seconds(20);
    while (count < kAll && steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(count, kAll) << "the rest still wait, " << gathering_us << " us";
    scheduler_->stop();
    client.join();
  }
}

TEST_F(InferenceSchedulerTest, TheLastRequestOnItsWayEndsTheWaitOfTheOthers) {
  start({.core_count = 2, .gathering = std::chrono::seconds(60)});
  auto other = begin();
  const auto request = begin();
  const auto begin_time = steady_clock::now();
  std::jthread waiting([&] { EXPECT_TRUE(request->embed(named({"1"}))); });
  wait_for_waiting(1);
  other.reset();
  waiting.join();
  EXPECT_LT(steady_clock::now() - begin_time, std::chrono::seconds(30));
}

TEST_F(InferenceSchedulerTest, TooManyRequestsAreRefusedAtOnceUntilOneEnds) {
  start({.core_count = 1, .live_requests = 2});
  auto first = begin();
  const auto second = begin();
  const auto refused = scheduler_->begin(engine_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  EXPECT_EQ(refused.error().reason, "recognition_busy");
  EXPECT_THAT(refused.error().message, HasSubstr("the limit is 2"));
  EXPECT_TRUE(scheduler_->begin(engine_, Urgency::Background)) << "a job is no client";
  first.reset();
  EXPECT_TRUE(scheduler_->begin(engine_));
}

TEST_F(InferenceSchedulerTest, ARefusalNamesTheTimeThatRequestsTakeAtPresent) {
  start({.core_count = 1, .live_requests = 1});
  for (int i = 0; i < 100; ++i) begin();
  const auto present = begin();
  EXPECT_THAT(scheduler_->begin(engine_).error().message, HasSubstr("try again in 1 seconds"));
}

TEST_F(InferenceSchedulerTest, AnAbandonedRequestLeavesTheQueue) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  std::stop_source gone;
  std::jthread abandoned([&] {
    const auto request = begin(Urgency::Live, gone.get_token());
    EXPECT_EQ(request->detect(photo_).error().reason, "request_abandoned");
    EXPECT_EQ(request->embed(named({"1"})).error().reason, "request_abandoned");
  });
  wait_for_waiting(1);
  gone.request_stop();
  abandoned.join();
  EXPECT_EQ(scheduler_->load().waiting_steps, 0U);
  EXPECT_EQ(scheduler_->load().requests, 1U);
  engine_->open();
  held.join();
  EXPECT_EQ(engine_->detection_count, 1);
}

TEST_F(InferenceSchedulerTest, AnAbandonedRequestWaitsForTheCoreThatIsAtItsWork) {
  start({.core_count = 1});
  engine_->close();
  std::stop_source gone;
  std::atomic<bool> over = false;
  const auto other = begin();
  std::jthread abandoned([&] {
    EXPECT_EQ(begin(Urgency::Live, gone.get_token())->detect(photo_).error().reason,
              "request_abandoned");
    over = true;
  });
  wait_for([&] { return engine_->detection_count == 1; });
  gone.request_stop();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(over) << "the core still writes into its memory";
  engine_->open();
}

TEST_F(InferenceSchedulerTest, StoppingCancelsWhatWaitsAndFinishesWhatRuns) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  const auto waiting_request = begin();
  std::jthread waiting(
      [&] { EXPECT_EQ(waiting_request->detect(photo_).error().reason, "server_stopping"); });
  wait_for_waiting(1);
  std::jthread stopping([&] { scheduler_->stop(); });
  waiting.join();
  engine_->open();
  stopping.join();
  held.join();
  EXPECT_EQ(scheduler_->begin(engine_).error().reason, "server_stopping");
  EXPECT_EQ(waiting_request->decode({}).error().code, ErrorCode::Cancelled);
}

TEST_F(InferenceSchedulerTest, WhatIsWrongWithOneFaceIsToldToItsOwnRequestOnly) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  const auto reason_after = [this](std::string_view name) {
    const auto embedded = begin()->embed(named({name}));
    return embedded ? std::to_string((*embedded)[0].values[0]) : embedded.error().reason;
  };
  std::vector<std::jthread> requests;
  for (const auto& [name, outcome] :
       {std::pair("1", "1.000000"), std::pair("broken", "broken"),
        std::pair("throwing", "unexpected_exception"), std::pair("huge", "out_of_memory"),
        std::pair("2", "2.000000")}) {
    requests.emplace_back([=] { EXPECT_EQ(reason_after(name), outcome); });
  }
  wait_for_waiting(5);
  engine_->open();
}

TEST_F(InferenceSchedulerTest, BatchesOfEverySizeArePreparedForOneCoreAndForAll) {
  start({.core_count = 2});
  EXPECT_TRUE(scheduler_->prepare({engine_, all_cores_}));
  EXPECT_THAT(engine_->prepared(), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(all_cores_->prepared(), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_EQ(scheduler_->load().requests, 0U);
}

TEST_F(InferenceSchedulerTest, PreparationWaitsForRequestsAndEndsWhenItIsAskedTo) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  std::stop_source gone;
  std::jthread preparing([&] {
    EXPECT_EQ(scheduler_->prepare(engine_, gone.get_token()).error().reason, "request_abandoned");
  });
  wait_for_waiting(1);
  EXPECT_THAT(engine_->prepared(), testing::IsEmpty());
  gone.request_stop();
  preparing.join();
  engine_->open();
  held.join();
  engine_->too_many = 4;
  EXPECT_EQ(scheduler_->prepare(engine_).error().reason, "out_of_memory");
}

TEST_F(InferenceSchedulerTest, OnePhotoOfManyFacesIsEmbeddedInBatchesThatOthersJoin) {
  start({.core_count = 1});
  std::jthread held = hold_up();
  std::jthread crowd([this] {
    std::vector<face::AlignedFace> faces;
    for (int i = 0; i < 200; ++i) faces.push_back(std::move(named({std::to_string(i)})[0]));
    const auto embeddings = begin()->embed(faces);
    ASSERT_TRUE(embeddings);
    for (int i = 0; i < 200; ++i) {
      ASSERT_EQ((*embeddings)[static_cast<size_t>(i)].values[0], static_cast<float>(i));
    }
  });
  wait_for_waiting(1);
  std::jthread other([&] { EXPECT_TRUE(begin()->embed(named({"1000"}))); });
  wait_for_waiting(2);
  engine_->open();
  other.join();
  crowd.join();
  EXPECT_THAT(engine_->batches(), SizeIs(26)) << "of at most 8 faces";
  EXPECT_THAT(engine_->batches().front(), Contains(1'000));
}

TEST_F(InferenceSchedulerTest, ManyThreadsGetTheirOwnResults) {
  start({.core_count = 4, .gathering = microseconds(200), .live_requests = 100});
  std::vector<std::jthread> clients;
  for (int client = 0; client < 16; ++client) {
    clients.emplace_back([this, client] {
      for (int i = 0; i < 100; ++i) {
        std::stop_source gone;
        const auto urgency = client % 4 == 0 ? Urgency::Background : Urgency::Live;
        const auto request = begin(urgency, gone.get_token());
        ASSERT_TRUE(request->decode({}));
        ASSERT_TRUE(request->detect(photo_));
        if (i % 7 == 0) gone.request_stop();
        const int number = 100 * client + i;
        const auto embedded = request->embed(named({std::to_string(number)}));
        ASSERT_EQ(embedded.has_value(), i % 7 != 0);
        if (!embedded) continue;
        ASSERT_EQ((*embedded)[0].values[0], static_cast<float>(number));
      }
    });
  }
  clients.clear();
  EXPECT_EQ(scheduler_->load().requests, 0U);
  EXPECT_EQ(scheduler_->load().waiting_steps, 0U);
}

}  // namespace
}  // namespace faceforge::recognition
