#include "recognition/inference_scheduler.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/without_throwing.h"
#include "recognition/internal/work_queues.h"

namespace faceforge::recognition {
namespace {

using internal::Assignment;
using internal::SteadyTime;
using internal::Work;
using Seconds = std::chrono::duration<double>;

/// The weight of the newest request in the mean of their durations.
constexpr double kNewestShare = 1.0 / 16;

Error request_abandoned() {
  return {ErrorCode::Cancelled, "request_abandoned", "nobody waits for this any more"};
}

Error server_stopping() {
  return {ErrorCode::Cancelled, "server_stopping", "the server is being stopped"};
}

Result<void> embed_slice(const FaceEngine& engine, const Assignment::Slice& slice) {
  auto embeddings = TRY(without_throwing(
      [&] { return engine.embed(slice.work->faces.subspan(slice.first, slice.count)); }));
  CHECK(embeddings.size() == slice.count);
  std::ranges::move(embeddings, slice.work->embeddings.begin() + std::ptrdiff_t(slice.first));
  return {};
}

/// Copies the crops side by side: some 5 us each.
Result<void> embed_together(Assignment& assignment) {
  std::vector<face::AlignedFace> faces;
  for (const Assignment::Slice& slice : assignment.slices()) {
    for (const face::AlignedFace& face : slice.work->faces.subspan(slice.first, slice.count)) {
      face::AlignedFace copy;
      for (const face::AlignedCrop& crop : face.crops) {
        copy.crops.push_back({crop.pixels.clone(), crop.landmark_template});
      }
      faces.push_back(std::move(copy));
    }
  }
  auto embeddings = TRY(assignment.engine->embed(faces));
  CHECK(embeddings.size() == faces.size());
  auto next = embeddings.begin();
  for (const Assignment::Slice& slice : assignment.slices()) {
    const auto end = next + std::ptrdiff_t(slice.count);
    std::move(next, end, slice.work->embeddings.begin() + std::ptrdiff_t(slice.first));
    next = end;
  }
  return {};
}

/// What is wrong with a batch is told to the request that it is wrong with.
void embed(Assignment& assignment) {
  if (assignment.slice_count > 1 &&
      without_throwing([&] { return embed_together(assignment); }).has_value()) {
    return;
  }
  for (Assignment::Slice& slice : assignment.slices()) {
    auto outcome = embed_slice(*assignment.engine, slice);
    if (!outcome) slice.error = std::move(outcome).error();
  }
}

/// Never throws: a step keeps what it throws.
void carry_out(Assignment& assignment) {
  Work& first = *assignment.slices().front().work;
  if (first.step) {
    first.step(*assignment.engine);
  } else {
    embed(assignment);
  }
}

}  // namespace

struct InferenceScheduler::Parts {
  explicit Parts(const SchedulerOptions& given) : options(given), queues(given) {}

  void run_core(size_t core);
  void rest(size_t core, SteadyTime now, std::unique_lock<std::mutex>& lock);
  void wake_one();
  [[nodiscard]] bool one_request_gets_all_cores() const;
  [[nodiscard]] Result<void> wait_for(Work& work, const std::stop_token& abandoned);
  [[nodiscard]] Unexpected busy() const;

  const SchedulerOptions options;
  mutable std::mutex mutex;  ///< guards all that follows, and every Work that waits
  internal::WorkQueues queues;
  /// The first core is woken before all others: it alone runs networks on all cores, so that only
  /// one set of helping threads exists, however many cores there are.
  std::condition_variable first_core;
  std::condition_variable other_cores;
  bool first_core_rests = false;
  size_t busy_cores = 0;
  size_t live_requests = 0;
  size_t background_requests = 0;
  Seconds mean_duration{1};  ///< of a live request
  bool stopping = false;
  std::vector<std::jthread> threads;
};

// --- the cores ---

void InferenceScheduler::Parts::wake_one() {
  if (std::exchange(first_core_rests, false)) {
    first_core.notify_one();
  } else {
    other_cores.notify_one();
  }
}

/// in: `now` as when nothing could be taken: a later time may lie behind the end of a gathering,
///     for which nobody would wake this core
void InferenceScheduler::Parts::rest(size_t core, SteadyTime now,
                                     std::unique_lock<std::mutex>& lock) {
  if (core == 0) first_core_rests = true;
  std::condition_variable& woken = core == 0 ? first_core : other_cores;
  if (const auto end = queues.end_of_gathering(now)) {
    woken.wait_until(lock, *end);
  } else {
    woken.wait(lock);
  }
  if (core == 0) first_core_rests = false;
}

bool InferenceScheduler::Parts::one_request_gets_all_cores() const {
  return options.core_count > 1 && busy_cores == 0 && live_requests == 1 &&
         background_requests == 0;
}

void InferenceScheduler::Parts::run_core(size_t core) {
  std::unique_lock lock(mutex);
  while (true) {
    const bool all_cores = one_request_gets_all_cores();
    const auto now = std::chrono::steady_clock::now();
    std::optional<Assignment> taken;
    if (all_cores && core != 0) {
      if (std::exchange(first_core_rests, false)) first_core.notify_one();
    } else {
      taken = queues.take(busy_cores, all_cores, now);
    }
    if (!taken && stopping) return;
    if (!taken) {
      rest(core, now, lock);
      continue;
    }
    ++busy_cores;
    if (queues.waiting_count() > 0) wake_one();
    lock.unlock();
    carry_out(*taken);
    lock.lock();
    --busy_cores;
    queues.finish(*taken);
    for (const Assignment::Slice& slice : taken->slices()) slice.work->over.notify_all();
  }
}

// --- the requests ---

/// Waits until the cores are done with a work: they write into the caller's memory.
Result<void> InferenceScheduler::Parts::wait_for(Work& work, const std::stop_token& abandoned) {
  std::unique_lock lock(mutex);
  if (stopping) return Unexpected(server_stopping());
  if (abandoned.stop_requested()) return Unexpected(request_abandoned());
  queues.add(work, std::chrono::steady_clock::now());
  wake_one();
  const auto is_over = [&work] { return !work.is_queued && work.busy_cores == 0; };
  if (!work.over.wait(lock, abandoned, is_over)) {
    queues.withdraw(work);
    work.error = request_abandoned();
    work.over.wait(lock, is_over);
  }
  if (work.error) return Unexpected(*std::move(work.error));
  return {};
}

/// By Little's law all that are here now will be gone after the time that one spends here.
Unexpected InferenceScheduler::Parts::busy() const {
  constexpr double kLongest_s = 60;
  return fail(ErrorCode::Busy, "recognition_busy",
              "try again in {:.0f} seconds: {} photos are being looked at, {} of their steps wait; "
              "the limit is {} photos",
              std::clamp(std::ceil(mean_duration.count()), 1.0, kLongest_s), live_requests,
              queues.waiting_count(), options.live_requests);
}

/// The engine of one request: its steps wait for cores.
class InferenceScheduler::Request final : public FaceEngine {
 public:
  /// Within the scheduler's lock.
  Request(Parts& parts, Engines engines, Urgency urgency, std::stop_token abandoned)
      : parts_(parts),
        engines_(std::move(engines)),
        urgency_(urgency),
        abandoned_(std::move(abandoned)),
        begin_(std::chrono::steady_clock::now()) {
    ++(urgency_ == Urgency::Live ? parts_.live_requests : parts_.background_requests);
    parts_.queues.expect_faces(urgency_);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  ~Request() override {
    const std::scoped_lock lock(parts_.mutex);
    parts_.queues.free_photo(photo_bytes_);
    expect_faces(false);
    --(urgency_ == Urgency::Live ? parts_.live_requests : parts_.background_requests);
    if (urgency_ == Urgency::Live) {
      const Seconds duration = std::chrono::steady_clock::now() - begin_;
      parts_.mean_duration += kNewestShare * (duration - parts_.mean_duration);
    }
    parts_.wake_one();  // others' faces may have waited for this one's, or its photo's room
  }

  const face::ModelId& model_id() const override { return engines_.one_core->model_id(); }
  const std::string& pack_id() const override { return engines_.one_core->pack_id(); }
  face::Metric metric() const override { return engines_.one_core->metric(); }
  int embedding_length() const override { return engines_.one_core->embedding_length(); }
  const std::optional<face::Calibration>& calibration() const override {
    return engines_.one_core->calibration();
  }

  Result<vision::PhotoLook> look_at(
      std::span<const std::byte> file,
      std::span<const face::DetectedFace> known_faces) const override {
    free_last_photo();
    auto look = on_a_core<vision::PhotoLook>(
        [&](const FaceEngine& engine) { return engine.look_at(file, known_faces); },
        internal::kLargestPhoto_bytes);
    keep(look ? look->photo.image.pixels().size() : 0);
    return look;
  }

  Result<image::Photo> decode(std::span<const std::byte> file) const override {
    return decoded([&](const FaceEngine& engine) { return engine.decode(file); });
  }
  Result<image::Photo> decode_frame(std::span<const std::byte> file) const override {
    return decoded([&](const FaceEngine& engine) { return engine.decode_frame(file); });
  }

  Result<std::vector<face::DetectedFace>> detect(const image::Photo& photo) const override {
    return on_a_core<std::vector<face::DetectedFace>>(
        [&](const FaceEngine& engine) { return engine.detect(photo); });
  }

  Result<FrameFaces> detect_in_frame(const image::Photo& frame,
                                     std::span<const vision::FrameScale> scales) const override {
    return on_a_core<FrameFaces>(
        [&](const FaceEngine& engine) { return engine.detect_in_frame(frame, scales); });
  }

  /// Half a millisecond, which is not worth a change of threads.
  Result<face::AlignedFace> align(const image::Photo& photo,
                                  const face::DetectedFace& face) const override {
    return engines_.one_core->align(photo, face);
  }

  Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const override {
    return without_throwing([&]() -> Result<std::vector<face::Embedding>> {
      {
        const std::scoped_lock lock(parts_.mutex);
        expect_faces(false);
      }
      if (faces.empty()) return std::vector<face::Embedding>();
      Work work{.engines = &engines_, .urgency = urgency_, .request_begin = begin_, .faces = faces};
      work.embeddings.resize(faces.size());
      TRY(parts_.wait_for(work, abandoned_));
      return std::move(work.embeddings);
    });
  }

  Result<void> prepare_batch(size_t face_count) const override {
    if (face_count <= internal::WorkQueues::kFacesPerCore) {
      TRY(on_a_core<void>(
          [&](const FaceEngine&) { return engines_.one_core->prepare_batch(face_count); }));
    }
    return on_a_core<void>(
        [&](const FaceEngine&) { return engines_.all_cores->prepare_batch(face_count); });
  }

  face::Quality quality(const image::Photo& photo, const face::DetectedFace& face,
                        const face::AlignedFace& aligned) const override {
    return engines_.one_core->quality(photo, face, aligned);
  }

 private:
  template <typename T, typename Step>
  Result<T> on_a_core(const Step& step, size_t photo_bytes = 0) const {
    return without_throwing([&]() -> Result<T> {
      std::optional<Result<T>> outcome;
      Work work{.engines = &engines_,
                .urgency = urgency_,
                .request_begin = begin_,
                .photo_bytes = photo_bytes};
      work.step = [&](const FaceEngine& engine) {
        if (photo_bytes > 0) photo_bytes_ = photo_bytes;
        outcome.emplace(without_throwing([&] { return step(engine); }));
      };
      TRY(parts_.wait_for(work, abandoned_));
      return *std::move(outcome);
    });
  }

  template <typename Step>
  Result<image::Photo> decoded(const Step& step) const {
    free_last_photo();
    auto photo = on_a_core<image::Photo>(step, internal::kLargestPhoto_bytes);
    keep(photo ? photo->image.pixels().size() : 0);
    return photo;
  }

  /// Before a step that decodes: the photo before it is not needed any more, and faces may come.
  void free_last_photo() const {
    const std::scoped_lock lock(parts_.mutex);
    parts_.queues.free_photo(std::exchange(photo_bytes_, 0));
    expect_faces(true);
  }

  /// Of what was set aside for the photo.
  void keep(size_t bytes) const {
    const std::scoped_lock lock(parts_.mutex);
    const size_t kept = std::min(bytes, photo_bytes_);
    parts_.queues.free_photo(photo_bytes_ - kept);
    photo_bytes_ = kept;
    parts_.wake_one();
  }

  /// Within the scheduler's lock.
  void expect_faces(bool expected) const {
    if (expected == expected_) return;
    expected_ = expected;
    if (expected) {
      parts_.queues.expect_faces(urgency_);
    } else {
      parts_.queues.expect_no_more_faces(urgency_);
    }
  }

  Parts& parts_;
  const Engines engines_;
  const Urgency urgency_;
  const std::stop_token abandoned_;
  const SteadyTime begin_;
  mutable bool expected_ = true;
  mutable size_t photo_bytes_ = 0;
};

// --- the scheduler ---

Result<std::unique_ptr<InferenceScheduler>> InferenceScheduler::start(
    const SchedulerOptions& options) {
  CHECK(options.core_count >= 1);
  std::unique_ptr<InferenceScheduler> scheduler(
      new InferenceScheduler(std::make_unique<Parts>(options)));
  try {
    Parts& parts = *scheduler->parts_;
    for (size_t core = 0; core < static_cast<size_t>(options.core_count); ++core) {
      parts.threads.emplace_back([&parts, core] { parts.run_core(core); });
    }
  } catch (const std::system_error& refused) {
    return fail(ErrorCode::Exhausted, "threads_refused",
                "the system refused one of {} threads to look at photos: {}", options.core_count,
                refused.what());
  }
  return scheduler;
}

InferenceScheduler::InferenceScheduler(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

InferenceScheduler::~InferenceScheduler() {
  stop();
}

Result<std::unique_ptr<const FaceEngine>> InferenceScheduler::begin(const Engines& engines,
                                                                    Urgency urgency,
                                                                    std::stop_token abandoned) {
  const std::scoped_lock lock(parts_->mutex);
  if (parts_->stopping) return Unexpected(server_stopping());
  if (urgency == Urgency::Live && parts_->live_requests >= parts_->options.live_requests) {
    return parts_->busy();
  }
  return std::make_unique<const Request>(*parts_, engines, urgency, std::move(abandoned));
}

Result<void> InferenceScheduler::prepare(const Engines& engines, std::stop_token abandoned) {
  const auto request = TRY(begin(engines, Urgency::Background, std::move(abandoned)));
  for (size_t face_count = 1; face_count <= Assignment::kMaxFaces; face_count *= 2) {
    TRY(request->prepare_batch(face_count));
  }
  return {};
}

SchedulerLoad InferenceScheduler::load() const {
  const std::scoped_lock lock(parts_->mutex);
  return {.requests = parts_->live_requests + parts_->background_requests,
          .waiting_steps = parts_->queues.waiting_count(),
          .busy_cores = parts_->busy_cores};
}

void InferenceScheduler::stop() {
  {
    const std::scoped_lock lock(parts_->mutex);
    parts_->stopping = true;
    while (Work* waiting = parts_->queues.withdraw_any()) {
      waiting->error = server_stopping();
      waiting->over.notify_all();
    }
  }
  parts_->first_core.notify_all();
  parts_->other_cores.notify_all();
  parts_->threads.clear();  // joins them
}

}  // namespace faceforge::recognition
