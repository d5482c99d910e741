#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "face/aligned_crop.h"
#include "face/embedding.h"
#include "recognition/face_engine.h"
#include "recognition/inference_scheduler.h"

namespace faceforge::recognition::internal {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What one decoded photo can take: the longer side is shrunk to the working side.
inline constexpr size_t kLargestPhoto_bytes =
    static_cast<size_t>(image::DecodeLimits{}.working_side_px) *
    static_cast<size_t>(image::DecodeLimits{}.working_side_px) * image::kChannels;

/// A step that a request waits for. Lives in the waiting thread's frame.
struct Work {
  const Engines* engines = nullptr;
  Urgency urgency = Urgency::Live;
  SteadyTime request_begin{};
  size_t photo_bytes = 0;  ///< that must be free before it may begin
  /// Decoding or detecting; empty where faces are to be embedded.
  std::move_only_function<void(const FaceEngine&)> step{};
  std::span<const face::AlignedFace> faces{};
  std::vector<face::Embedding> embeddings{};  ///< one a face

  SteadyTime since{};
  size_t taken_faces = 0;  ///< by cores
  size_t busy_cores = 0;   ///< that are at it
  bool is_queued = false;
  std::optional<Error> error{};
  std::condition_variable_any over{};  ///< neither queued nor any core at it
};

/// What a core does next: one step, or a batch of faces.
struct Assignment {
  struct Slice {
    Work* work = nullptr;
    size_t first = 0;  ///< of the work's faces
    size_t count = 0;
    std::optional<Error> error{};
  };

  static constexpr size_t kMaxFaces = 32;

  [[nodiscard]] std::span<Slice> slices() { return std::span(all).first(slice_count); }

  std::array<Slice, kMaxFaces> all{};
  size_t slice_count = 0;
  const FaceEngine* engine = nullptr;
  Urgency urgency = Urgency::Live;
};

/// Which step comes next, and which faces go together: the scheduler's rules without its threads.
/// Never allocates but to remember that a work waits. Not thread safe.
class WorkQueues {
 public:
  /// Faces of a batch on one core. More would hardly be faster, and make their requests wait longer
  /// than another core needs to become free.
  static constexpr size_t kFacesPerCore = 8;
  /// Steps of live requests after which one in the background comes next.
  static constexpr size_t kLiveStepsInARow = 15;

  explicit WorkQueues(const SchedulerOptions& options) : options_(options) {}

  /// A request that may bring faces comes, or goes, or has brought all that it will.
  void expect_faces(Urgency urgency) { ++of(expected_, urgency); }
  void expect_no_more_faces(Urgency urgency) { --of(expected_, urgency); }

  void add(Work& work, SteadyTime now);

  /// Takes out what no core has begun.
  void withdraw(Work& work);

  /// Takes out all of it; in the order in which it came.
  [[nodiscard]] Work* withdraw_any();

  /// What a free core that asks does next.
  ///
  /// in:  `is_alone` the only request of all asks, and no core is busy: it gets all of them
  [[nodiscard]] std::optional<Assignment> take(size_t busy_cores, bool is_alone, SteadyTime now);

  /// Puts down what `take` wrote up. The pixels of a decoded photo are given back by `free_photo`.
  void finish(Assignment& assignment);

  void free_photo(size_t bytes) { photo_bytes_ -= bytes; }

  /// When, after `now`, faces that wait for others will go without them.
  [[nodiscard]] std::optional<SteadyTime> end_of_gathering(SteadyTime now) const;

  [[nodiscard]] size_t waiting_count() const;

 private:
  template <typename T>
  using ByUrgency = std::array<T, 2>;
  using Queue = std::deque<Work*>;

  template <typename T>
  static T& of(ByUrgency<T>& both, Urgency urgency) {
    return both[static_cast<size_t>(urgency)];
  }
  template <typename T>
  static const T& of(const ByUrgency<T>& both, Urgency urgency) {
    return both[static_cast<size_t>(urgency)];
  }

  struct Cores {
    size_t free_count = 1;  ///< the asking one among them
    bool all_for_one = false;
  };

  [[nodiscard]] bool is_turn_of_background() const;
  [[nodiscard]] bool waits(Urgency urgency) const;
  std::optional<Assignment> take_of(Urgency urgency, const Cores& cores, SteadyTime now);
  std::optional<Assignment> take_step(Urgency urgency, const Cores& cores);
  std::optional<Assignment> take_faces(Urgency urgency, const Cores& cores, SteadyTime now);

  const SchedulerOptions options_;
  ByUrgency<Queue> steps_;
  ByUrgency<Queue> faces_;
  ByUrgency<size_t> expected_{};  ///< requests that may still bring faces
  size_t photo_bytes_ = 0;
  size_t background_cores_ = 0;
  size_t live_steps_in_a_row_ = 0;
};

}  // namespace faceforge::recognition::internal
