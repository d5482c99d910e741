#include <functional>

#include "http/error_response.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/to_json.h"
#include "jobs/jobs.h"

namespace faceforge::http {
namespace {

/// Of the newest, so that a page costs what one query costs; older ones are swept away anyway.
constexpr size_t kJobsListed = 1'000;

jobs::JobId job_of(const Call& call) {
  return call.ids.id<jobs::JobId>("job_id");
}

/// The job after each of its events. Events only tell that there is something new: the job itself
/// is read afresh, so that the last event has the result.
class JobEvents final : public EventSource {
 public:
  JobEvents(jobs::Jobs& jobs, jobs::UserId user, jobs::JobId job,
            std::shared_ptr<jobs::EventQueue> queue)
      : jobs_(jobs), user_(user), job_(job), queue_(std::move(queue)) {}

  bool ready() const override { return queue_->size() > 0 || queue_->is_drained(); }

  EventBatch next() override {
    while (queue_->size() > 0) static_cast<void>(queue_->pop());
    const auto job = jobs_.get(user_, job_);
    if (!job) return {.text = {}, .sequel = EventBatch::Sequel::End};  // deleted meanwhile
    return {.text = fmt::format("event: job\ndata: {}\n\n", json::to_text(to_json(*job))),
            .sequel = jobs::is_finished(job->state) ? EventBatch::Sequel::End
                                                    : EventBatch::Sequel::MoreMayFollow};
  }

 private:
  jobs::Jobs& jobs_;
  jobs::UserId user_;
  jobs::JobId job_;
  std::shared_ptr<jobs::EventQueue> queue_;
};

}  // namespace

Result<Response> list_jobs(const Call& call) {
  const auto all = TRY(call.services.jobs.list(call.user(), kJobsListed));
  const auto page = TRY(page_of(
      all, call.target.query, [](const jobs::Job& job) { return job.id.value(); },
      std::greater<>()));
  return json_response(200,
                       page_json("jobs", page, [](const jobs::Job& job) { return to_json(job); }));
}

Result<Response> get_job(const Call& call) {
  return json_response(200, to_json(TRY(call.services.jobs.get(call.user(), job_of(call)))));
}

Result<Response> cancel_job(const Call& call) {
  return json_response(202, to_json(TRY(call.services.jobs.cancel(call.user(), job_of(call)))));
}

Result<Response> watch_job(const Call& call) {
  jobs::Jobs& jobs = call.services.jobs;
  auto queue = TRY(jobs.subscribe(call.user(), job_of(call)));
  Response response{.headers = {{"Content-Type", "text/event-stream"}}};
  response.body = std::make_shared<JobEvents>(jobs, call.user(), job_of(call), std::move(queue));
  return response;
}

}  // namespace faceforge::http
