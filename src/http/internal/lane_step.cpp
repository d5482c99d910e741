#include "http/internal/lane_step.h"

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/error_response.h"
#include "http/internal/refusals.h"

namespace faceforge::http::internal {

namespace asio = boost::asio;

std::optional<Response> run_step(Step& step) {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    return error_response({ErrorCode::Exhausted, "out_of_memory", "not enough memory for this"});
  } catch (const std::exception& exception) {
    return error_response({ErrorCode::Internal, "unexpected_exception", exception.what()});
  }
}

asio::awaitable<std::optional<Response>> run_on(WorkerLane& lane, Step step,
                                                std::stop_token abandoned) {
  std::optional<std::stop_callback<std::function<void()>>> leaving;
  auto initiate = [&](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    auto shared_handler = std::make_shared<decltype(handler)>(std::move(handler));
    const auto complete = [executor, shared_handler](std::optional<Response> response) {
      asio::post(executor, [shared_handler, response = std::move(response)]() mutable {
        (*shared_handler)(std::move(response));
      });
    };
    const auto task = std::make_shared<WorkerLane::Task>(
        [&step, complete, abandoned, work = asio::make_work_guard(executor)] {
          complete(abandoned.stop_requested() ? std::nullopt : run_step(step));
        });
    if (!lane.try_run(task)) {
      complete(server_busy(lane.time_to_clear()));
      return;
    }
    leaving.emplace(abandoned, [&lane, waiting = std::weak_ptr(task)] {
      const auto own = waiting.lock();
      if (own && lane.withdraw(own)) (*own)();
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(std::optional<Response>)>(initiate,
                                                                         asio::use_awaitable);
}

}  // namespace faceforge::http::internal
