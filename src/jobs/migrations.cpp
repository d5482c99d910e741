#include "jobs/jobs.h"

namespace faceforge::jobs {

std::vector<store::Migration> migrations() {
  return {{.module = "jobs", .version = 1, .name = "jobs", .sql = R"(
create table jobs (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  kind {TEXT} not null,
  subject {TEXT},
  parameters {TEXT} not null,
  state {TEXT} not null
    check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  runner {TEXT},
  progress_done {INTEGER} not null default 0,
  progress_total {INTEGER} not null default 0,
  progress_message {TEXT} not null default '',
  checkpoint {TEXT} not null default 'null',
  result {TEXT} not null default 'null',
  error_code {TEXT},
  error_reason {TEXT},
  error_message {TEXT},
  cancel_requested {INTEGER} not null default 0,
  attempts {INTEGER} not null default 0,
  created_at_ms {INTEGER} not null,
  started_at_ms {INTEGER},
  finished_at_ms {INTEGER}
) {STRICT};
create index jobs_by_owner on jobs (owner_id, id);
create index jobs_by_state on jobs (state, id);

-- One unfinished job of a kind for a subject; those without a subject are not held to it.
create unique index jobs_one_at_a_time on jobs (owner_id, kind, subject)
  where state in ('queued', 'running');
)"}};
}

}  // namespace faceforge::jobs
