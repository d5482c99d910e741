#pragma once

#include <functional>
#include <optional>

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
/// out: what the step returned; a 503 when the lane is full
[[nodiscard]] boost::asio::awaitable<std::optional<Response>> run_on(WorkerLane& lane, Step step);

}  // namespace faceforge::http::internal
