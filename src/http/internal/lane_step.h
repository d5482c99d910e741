#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "http/message.h"
#include "http/worker_lane.h"

namespace faceforge::http::internal {

/// A step of an exchange: a response, or nothing yet.
using Step = std::move_only_function<std::optional<Response>()>;

/// Runs a step here; what it throws, if anything, is a bug or a lack of memory.
[[nodiscard]] std::optional<Response> run_step(Step& step);

/// Runs a step on a lane's threads and resumes where the connection lives.
///
/// in:  `abandoned` is asked to stop, where the connection lives, when nobody waits for the step:
///      it leaves the queue then, unless a thread has it already
/// out: what the step returned; nothing when it was abandoned before; a 503 when the lane is full
[[nodiscard]] boost::asio::awaitable<std::optional<Response>> run_on(WorkerLane& lane, Step step,
                                                                     std::stop_token abandoned);

/// A step that is never abandoned.
[[nodiscard]] inline boost::asio::awaitable<std::optional<Response>> run_on(WorkerLane& lane,
                                                                            Step step) {
  return run_on(lane, std::move(step), std::stop_token());
}

}  // namespace faceforge::http::internal
