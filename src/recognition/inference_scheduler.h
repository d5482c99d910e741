#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

/// Who waits for a photo to be looked at.
enum class Urgency : uint8_t {
  Live,        ///< somebody at a connection
  Background,  ///< a job: half of the cores at most, and only while nothing live waits, except for
               ///< one step in sixteen, so that it comes to its end all the same
};

struct SchedulerOptions {
  int core_count = 1;  ///< threads that look at photos; at least 1
  /// How long faces wait for those of other requests while a core is free. Nothing waits where no
  /// request is on its way that could bring any.
  std::chrono::microseconds gathering{2'000};
  size_t live_requests = 64;               ///< that have begun and not ended; beyond: busy
  size_t photo_bytes = size_t{512} << 20;  ///< of decoded photos; beyond: decoding waits
};

/// What a scheduler has to do at a moment.
struct SchedulerLoad {
  size_t requests = 0;       ///< that have begun and not ended
  size_t waiting_steps = 0;  ///< decoding, detecting, embedding that no core has begun
  size_t busy_cores = 0;
};

/// The one place of a process where photos are looked at: a thread for every core, before them the
/// steps of all requests. Faces of different requests are embedded in one batch, within a bounded
/// wait; a request that is alone gets all cores for each of its steps, else a step has one core.
/// Thread safe.
///
/// cost: two changes of threads a step, some 20 us each
class InferenceScheduler {
 public:
  /// Starts the threads.
  ///
  /// fails: exhausted/threads_refused
  [[nodiscard]] static Result<std::unique_ptr<InferenceScheduler>> start(
      const SchedulerOptions& options);

  /// As `stop`. Outlives its requests.
  ~InferenceScheduler();
  InferenceScheduler(const InferenceScheduler&) = delete;
  InferenceScheduler& operator=(const InferenceScheduler&) = delete;

  /// Begins a request. The engine that comes back is for this one request, whose end is the
  /// engine's; it is used by one thread, and holds one decoded photo at a time.
  ///
  /// in:    `abandoned` is asked to stop when nobody waits for the request any more: what no core
  ///        has begun leaves the queue
  /// out:   an engine whose steps fail as those of `engines`; also with cancelled/request_abandoned
  ///        and cancelled/server_stopping
  /// fails: busy/recognition_busy, with the seconds that the present requests will take;
  ///        cancelled/server_stopping
  [[nodiscard]] Result<std::unique_ptr<const FaceEngine>> begin(const Engines& engines,
                                                                Urgency urgency = Urgency::Live,
                                                                std::stop_token abandoned = {});

  /// Has compiled what batches of any size will run, one after the other in the background, so that
  /// no request needs to wait for it.
  ///
  /// in:    `abandoned` ends it before the next one
  /// fails: as `FaceEngine::prepare_batch`; cancelled/request_abandoned and
  /// cancelled/server_stopping
  [[nodiscard]] Result<void> prepare(const Engines& engines, std::stop_token abandoned = {});

  [[nodiscard]] SchedulerLoad load() const;

  /// Lets the cores finish what they have begun, cancels what waits, and ends the threads.
  void stop();

 private:
  struct Parts;
  class Request;
  explicit InferenceScheduler(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::recognition
