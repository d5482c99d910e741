#include "jobs/jobs.h"

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/databases.h"

namespace faceforge::jobs {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than anything here takes on a busy machine, so that waiting for nothing fails and not
// hangs.
constexpr seconds kPatience{20};

Options quick_options() {
  Options options;
  options.progress_every = milliseconds(0);
  options.poll_every = milliseconds(20);
  options.unfinished_per_owner_max = 5;
  return options;
}

/// Keeps everyone else from writing jobs until the end of the scope.
class BusyDatabase {
 public:
  explicit BusyDatabase(store::Database& database)
      : keeper_([this, &database] {
          const auto kept = database.transact([&](store::Transaction& transaction) -> Result<void> {
            TRY(transaction.execute("update jobs set kind = kind"));
            set(is_busy_);
            is_over_.wait(false);
            return {};
          });
          EXPECT_TRUE(kept.has_value()) << kept.error().message;
          set(is_busy_);
        }) {
    is_busy_.wait(false);
  }
  ~BusyDatabase() { set(is_over_); }
  BusyDatabase(const BusyDatabase&) = delete;
  BusyDatabase& operator=(const BusyDatabase&) = delete;

 private:
  static void set(std::atomic<bool>& flag) {
    flag = true;
    flag.notify_all();
  }

  std::atomic<bool> is_busy_ = false;
  std::atomic<bool> is_over_ = false;
  std::jthread keeper_;
};

size_t count_of(std::string_view part, std::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class JobsTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    auto steps = store::owner_migrations();
    for (const auto& step : migrations()) steps.push_back(step);
    migrate(steps);
    ada_ = new_owner();
    bob_ = new_owner();
    make_jobs();
  }
  void TearDown() override { jobs_.reset(); }

  UserId new_owner() {
    return database()
        .transact([this](store::Transaction& transaction) {
          return store::create_owner(transaction, clock_.now_ms());
        })
        .value();
  }
  // As after a restart of the server: the same database, another process.
  void make_jobs(const Options& options = quick_options()) {
    jobs_ = std::make_unique<Jobs>(reopened(), clock_, options);
  }
  Job create(const NewJob& job) {
    auto created = jobs_->create(ada_, job);
    EXPECT_TRUE(created.has_value()) << created.error().message;
    return *std::move(created);
  }
  // As `make_jobs`, with little patience for a database that is busy.
  void make_impatient_jobs(const Options& options) {
    auto opened = this->options();
    opened.wait_max = milliseconds(100);
    jobs_ = std::make_unique<Jobs>(store::Database::open(opened).value(), clock_, options);
  }
  void execute(std::string_view sql) {
    const auto done = database().transact(
        [&](store::Transaction& transaction) { return transaction.execute(sql); });
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  Job await(JobId id, JobState wanted) {
    const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      Job job = jobs_->get(ada_, id).value();
      if (job.state == wanted || std::chrono::steady_clock::now() > give_up_at) {
        EXPECT_EQ(to_string(job.state), to_string(wanted));
        return job;
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  // Work that goes on until it is told to stop, from wherever it had come to.
  static Result<json::value> count_until_stopped(JobContext& context) {
    int64_t number = context.checkpoint().is_null() ? 0 : context.checkpoint().as_int64();
    while (true) {
      ++number;
      TRY(context.save_checkpoint(number));
      TRY(context.report(number, 0, "counting"));
      std::this_thread::sleep_for(milliseconds(1));
    }
  }

  ManualClock clock_;
  UserId ada_;
  UserId bob_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_P(JobsTest, AJobRunsWithItsParametersAndKeepsItsResult) {
  jobs_->add_kind("add", [](JobContext& context) -> Result<json::value> {
    const auto& numbers = context.job().parameters.as_array();
    TRY(context.report(1, 1, "adding 😀"));
    return json::value{{"sum", numbers[0].as_int64() + numbers[1].as_int64()}};
  });
  const Job created = create({.kind = "add", .parameters = json::array{40, 2}});
  EXPECT_EQ(created.state, JobState::Queued);
  ASSERT_TRUE(jobs_->start().has_value());
  const Job done = await(created.id, JobState::Succeeded);
  EXPECT_EQ(done.result.at("sum").as_int64(), 42);
  EXPECT_EQ(done.progress.done, 1);
  EXPECT_EQ(done.progress.message, "adding 😀");
  EXPECT_EQ(done.attempts, 1);
  EXPECT_EQ(done.finished_at_ms, clock_.now_ms());
  EXPECT_FALSE(done.error.has_value());
}

TEST_P(JobsTest, AFailureIsKeptWithItsCodeReasonAndMessage) {
  jobs_->add_kind("fail", [](JobContext&) -> Result<json::value> {
    return fail(ErrorCode::InvalidInput, "gallery_empty", "there is no one in it");
  });
  jobs_->add_kind("throw", [](JobContext&) -> Result<json::value> {
    throw std::runtime_error("from a library");
  });
  ASSERT_TRUE(jobs_->start().has_value());
  const Job failed = await(create({.kind = "fail"}).id, JobState::Failed);
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->code, ErrorCode::InvalidInput);
  EXPECT_EQ(failed.error->reason, "gallery_empty");
  EXPECT_EQ(failed.error->message, "there is no one in it");
  const Job threw = await(create({.kind = "throw"}).id, JobState::Failed);
  EXPECT_EQ(threw.error->reason, "job_threw");
}

TEST_P(JobsTest, AFailureWithWordsThatTheDatabaseRefusesEndsTheJobAllTheSame) {
  jobs_->add_kind("fail", [](JobContext& context) -> Result<json::value> {
    const bool by_exception = context.job().parameters.as_bool();
    const std::string words = "caf\xe9.jpg cannot be read";  // Latin-1, as file names may be
    if (by_exception) throw std::runtime_error(words);
    return Unexpected(Error{ErrorCode::Internal, "unreadable", words});
  });
  ASSERT_TRUE(jobs_->start().has_value());
  const Job failed = await(create({.kind = "fail", .parameters = false}).id, JobState::Failed);
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->reason, "unreadable");
  EXPECT_EQ(failed.error->message, "?");
  const Job threw = await(create({.kind = "fail", .parameters = true}).id, JobState::Failed);
  ASSERT_TRUE(threw.error.has_value());
  EXPECT_EQ(threw.error->message, "the work ended with an exception: ?");
}

TEST_P(JobsTest, WhatCannotBeKeptIsRefused) {
  jobs_->add_kind("echo", [](JobContext& context) -> Result<json::value> {
    EXPECT_EQ(context.save_checkpoint(json::value(std::string(2 << 20, 'x'))).error().reason,
              "json_too_large");
    EXPECT_TRUE(context.report(0, 0, std::string(600, 'x')).has_value());
    return json::value(std::string(2 << 20, 'x'));
  });
  EXPECT_EQ(jobs_->create(ada_, {.kind = "unknown"}).error().reason, "job_kind_unknown");
  const auto large =
      jobs_->create(ada_, {.kind = "echo", .parameters = json::value(std::string(70'000, 'x'))});
  EXPECT_EQ(large.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(large.error().reason, "json_too_large");
  EXPECT_EQ(jobs_->create(ada_, {.kind = "echo", .parameters = json::value("\xff")}).error().code,
            ErrorCode::InvalidInput);
  ASSERT_TRUE(jobs_->start().has_value());
  const Job failed = await(create({.kind = "echo"}).id, JobState::Failed);
  EXPECT_EQ(failed.error->reason, "json_too_large");
  EXPECT_EQ(failed.progress.message.size(), 500U);
}

TEST_P(JobsTest, OneUnfinishedJobOfAKindAndSubjectAtATime) {
  jobs_->add_kind("train", [](JobContext&) -> Result<json::value> { return nullptr; });
  jobs_->add_kind("other", [](JobContext&) -> Result<json::value> { return nullptr; });
  const Job first = create({.kind = "train", .subject = "gallery 1"});
  const auto second = jobs_->create(ada_, {.kind = "train", .subject = "gallery 1"});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_EQ(second.error().reason, "job_already_running");
  create({.kind = "train", .subject = "gallery 2"});
  create({.kind = "other", .subject = "gallery 1"});
  create({.kind = "train"});
  create({.kind = "train"});
  EXPECT_TRUE(jobs_->create(bob_, {.kind = "train", .subject = "gallery 1"}).has_value());
  const auto sixth = jobs_->create(ada_, {.kind = "train"});
  EXPECT_EQ(sixth.error().code, ErrorCode::Busy);
  EXPECT_EQ(sixth.error().reason, "too_many_jobs");
  ASSERT_TRUE(jobs_->start().has_value());
  await(first.id, JobState::Succeeded);
  EXPECT_TRUE(jobs_->create(ada_, {.kind = "train", .subject = "gallery 1"}).has_value());
}

TEST_P(JobsTest, AJobIsUnfinishedFromItsBeginningToItsEnd) {
  std::latch begun(1);
  std::latch leave(1);
  jobs_->add_kind("train", [&](JobContext&) -> Result<json::value> {
    begun.count_down();
    leave.wait();
    return nullptr;
  });
  jobs_->add_kind("other", [](JobContext&) -> Result<json::value> { return nullptr; });
  const auto is_unfinished = [&](UserId owner, std::string_view kind, std::string_view subject) {
    return jobs_->has_unfinished(owner, kind, subject).value();
  };
  EXPECT_FALSE(is_unfinished(ada_, "train", "gallery 1"));
  const Job job = create({.kind = "train", .subject = "gallery 1"});
  EXPECT_TRUE(is_unfinished(ada_, "train", "gallery 1")) << "it waits";
  ASSERT_TRUE(jobs_->start().has_value());
  begun.wait();
  EXPECT_TRUE(is_unfinished(ada_, "train", "gallery 1")) << "it runs";
  EXPECT_FALSE(is_unfinished(ada_, "train", "gallery 2"));
  EXPECT_FALSE(is_unfinished(ada_, "other", "gallery 1"));
  EXPECT_FALSE(is_unfinished(bob_, "train", "gallery 1"));
  leave.count_down();
  await(job.id, JobState::Succeeded);
  EXPECT_FALSE(is_unfinished(ada_, "train", "gallery 1"));
}

TEST_P(JobsTest, OfManyWhoStartTheSameAtOnceOneSucceeds) {
  jobs_->add_kind("train", [](JobContext&) -> Result<json::value> { return nullptr; });
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> starters;
    for (int starter = 0; starter < 8; ++starter) {
      starters.emplace_back([&] {
        const auto job = jobs_->create(ada_, {.kind = "train", .subject = "gallery 1"});
        if (job) ++created;
        if (!job && job.error().reason == "job_already_running") ++refused;
      });
    }
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 7);
}

TEST_P(JobsTest, NoMoreRunAtOnceThanAllowedAndInTheOrderTheyCame) {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  jobs_->add_kind("slow", [&](JobContext&) -> Result<json::value> {
    most = std::max<int>(most, ++running);
    std::this_thread::sleep_for(milliseconds(20));
    --running;
    return nullptr;
  });
  std::vector<JobId> ids;
  for (int job = 0; job < 5; ++job) ids.push_back(create({.kind = "slow"}).id);
  ASSERT_TRUE(jobs_->start().has_value());
  for (const JobId id : ids) await(id, JobState::Succeeded);
  EXPECT_EQ(most, 2);
}

TEST_P(JobsTest, AJobIsItsOwnersOnly) {
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const Job job = create({.kind = "work"});
  for (const auto& error :
       {jobs_->get(bob_, job.id).error(), jobs_->cancel(bob_, job.id).error(),
        jobs_->subscribe(bob_, job.id).error(), jobs_->get(ada_, JobId(999'999)).error()}) {
    EXPECT_EQ(error.code, ErrorCode::NotFound);
    EXPECT_EQ(error.reason, "job_not_found");
  }
  EXPECT_TRUE(jobs_->list(bob_)->empty());
  EXPECT_EQ(jobs_->list(ada_)->at(0).id, job.id);
  EXPECT_EQ(jobs_->get(ada_, job.id)->state, JobState::Queued);
}

TEST_P(JobsTest, TheNewestAreListedFirst) {
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const auto first = create({.kind = "work"}).id;
  const auto second = create({.kind = "work"}).id;
  const auto listed = jobs_->list(ada_).value();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].id, second);
  EXPECT_EQ(listed[1].id, first);
  EXPECT_EQ(jobs_->list(ada_, 1)->size(), 1U);
}

TEST_P(JobsTest, AQueuedJobIsCancelledAtOnce) {
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const Job job = create({.kind = "work", .subject = "gallery 1"});
  const Job cancelled = jobs_->cancel(ada_, job.id).value();
  EXPECT_EQ(cancelled.state, JobState::Cancelled);
  EXPECT_EQ(jobs_->cancel(ada_, job.id)->state, JobState::Cancelled);
  EXPECT_TRUE(jobs_->create(ada_, {.kind = "work", .subject = "gallery 1"}).has_value());
}

TEST_P(JobsTest, ARunningJobIsCancelledAtItsNextReport) {
  jobs_->add_kind("count", &count_until_stopped);
  ASSERT_TRUE(jobs_->start().has_value());
  const Job job = create({.kind = "count"});
  await(job.id, JobState::Running);
  EXPECT_TRUE(jobs_->cancel(ada_, job.id)->cancel_requested);
  const Job cancelled = await(job.id, JobState::Cancelled);
  EXPECT_FALSE(cancelled.error.has_value());
}

TEST_P(JobsTest, AnotherProcessCanCancelToo) {
  jobs_->add_kind("count", &count_until_stopped);
  ASSERT_TRUE(jobs_->start().has_value());
  const Job job = create({.kind = "count"});
  await(job.id, JobState::Running);
  Jobs other(reopened(), clock_, quick_options());
  EXPECT_TRUE(other.cancel(ada_, job.id).has_value());
  await(job.id, JobState::Cancelled);
}

TEST_P(JobsTest, DeletingTheOwnerStopsTheWork) {
  std::atomic<bool> ended = false;
  jobs_->add_kind("count", [&](JobContext& context) -> Result<json::value> {
    auto outcome = count_until_stopped(context);
    EXPECT_EQ(outcome.error().reason, "job_cancelled");
    ended = true;
    return outcome;
  });
  ASSERT_TRUE(jobs_->start().has_value());
  await(create({.kind = "count"}).id, JobState::Running);
  ASSERT_TRUE(database()
                  .transact([this](store::Transaction& transaction) {
                    return store::delete_owner(transaction, ada_);
                  })
                  .has_value());
  const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
  while (!ended && std::chrono::steady_clock::now() < give_up_at) std::this_thread::yield();
  EXPECT_TRUE(ended);
}

TEST_P(JobsTest, StoppingInterruptsTheWorkAndTheNextStartGoesOnFromTheCheckpoint) {
  jobs_->add_kind("count", &count_until_stopped);
  ASSERT_TRUE(jobs_->start().has_value());
  const JobId id = create({.kind = "count"}).id;
  while (jobs_->get(ada_, id)->progress.done < 5) std::this_thread::sleep_for(milliseconds(2));
  jobs_->stop();
  const Job interrupted = jobs_->get(ada_, id).value();
  EXPECT_EQ(interrupted.state, JobState::Queued);
  make_jobs();
  std::atomic<int64_t> went_on_from = 0;
  jobs_->add_kind("count", [&](JobContext& context) -> Result<json::value> {
    went_on_from = context.checkpoint().as_int64();
    return nullptr;
  });
  ASSERT_TRUE(jobs_->start().has_value());
  EXPECT_EQ(await(id, JobState::Succeeded).attempts, 2);
  EXPECT_GE(went_on_from, 5);
}

TEST_P(JobsTest, WhatAStopInterruptsIsNotTakenUpByAnotherWorker) {
  // Many who look for work all the time, and work that returns at once when it is told to.
  auto options = quick_options();
  options.running_max = 8;
  options.poll_every = milliseconds(0);
  make_jobs(options);
  jobs_->add_kind("wait", [](JobContext& context) -> Result<json::value> {
    while (!context.stop_token().stop_requested()) std::this_thread::yield();
    TRY(context.report(1, 1, "told to stop"));
    return nullptr;
  });
  ASSERT_TRUE(jobs_->start().has_value());
  std::vector<JobId> ids;
  for (int job = 0; job < 4; ++job) ids.push_back(create({.kind = "wait"}).id);
  for (const JobId id : ids) await(id, JobState::Running);
  jobs_->stop();
  for (const JobId id : ids) {
    const Job interrupted = jobs_->get(ada_, id).value();
    EXPECT_EQ(interrupted.state, JobState::Queued);
    EXPECT_EQ(interrupted.attempts, 1);
  }
}

TEST_P(JobsTest, AnEndThatTheDatabaseCannotTakeIsKeptUntilItCan) {
  auto options = quick_options();
  options.retry_end_every_max = options.poll_every;
  make_impatient_jobs(options);
  std::optional<BusyDatabase> busy;
  std::atomic<int> runs = 0;
  std::latch ended(1);
  jobs_->add_kind("work", [&](JobContext&) -> Result<json::value> {
    if (++runs == 1) {
      busy.emplace(database());
      ended.count_down();
    }
    return 42;
  });
  ASSERT_TRUE(jobs_->start().has_value());
  const JobId id = create({.kind = "work"}).id;
  testing::internal::CaptureStderr();
  ended.wait();
  std::this_thread::sleep_for(seconds(2));  // several attempts fail, after some 100 ms each
  EXPECT_EQ(jobs_->get(ada_, id)->state, JobState::Running);
  clock_.advance(seconds(5));
  busy.reset();
  const Job done = await(id, JobState::Succeeded);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(done.result.as_int64(), 42);
  EXPECT_EQ(done.attempts, 1);
  EXPECT_EQ(runs, 1);
  EXPECT_LE(*done.finished_at_ms, clock_.now_ms() - 5000) << "when it ended, not when it was kept";
  EXPECT_GE(count_of("cannot be written yet", log), 2U) << "told again while it waits its longest";
}

TEST_P(JobsTest, AnEndThatTheDatabaseWillNeverTakeMakesWayForTheNextJob) {
  // Any end of this kind of job is against what the table allows.
  if (database().dialect() == store::Dialect::Postgres) {
    execute("alter table jobs add check (kind <> 'stubborn' or finished_at_ms is null)");
  } else {
    execute(
        "create trigger never before update on jobs "
        "when new.kind = 'stubborn' and new.finished_at_ms is not null "
        "begin select raise(abort, 'never'); end");
  }
  auto options = quick_options();
  options.running_max = 1;
  make_jobs(options);
  const auto work = [](JobContext&) -> Result<json::value> { return nullptr; };
  jobs_->add_kind("stubborn", work);
  jobs_->add_kind("work", work);
  testing::internal::CaptureStderr();
  ASSERT_TRUE(jobs_->start().has_value());
  const JobId stubborn = create({.kind = "stubborn"}).id;
  const JobId next = create({.kind = "work"}).id;
  await(next, JobState::Succeeded);
  jobs_->stop();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(jobs_->get(ada_, stubborn)->state, JobState::Running) << "until the next start";
  EXPECT_EQ(count_of("could not be kept", log), 1U);
}

TEST_P(JobsTest, AServerThatStopsWhileTheDatabaseFailsEndsAllTheSame) {
  std::optional<BusyDatabase> busy;
  std::atomic<int> runs = 0;
  std::latch ended(1);
  const auto work = [&](JobContext&) -> Result<json::value> {
    if (++runs == 1) {
      busy.emplace(database());
      ended.count_down();
    }
    return nullptr;
  };
  auto options = quick_options();
  options.poll_every = options.retry_end_every_max = std::chrono::hours(1);
  make_impatient_jobs(options);
  jobs_->add_kind("work", work);
  ASSERT_TRUE(jobs_->start().has_value());
  const JobId id = create({.kind = "work"}).id;
  ended.wait();
  jobs_->stop();
  busy.reset();
  make_jobs();
  jobs_->add_kind("work", work);
  ASSERT_TRUE(jobs_->start().has_value());
  EXPECT_EQ(await(id, JobState::Succeeded).attempts, 2);
  EXPECT_EQ(runs, 2);
}

TEST_P(JobsTest, WhatAnotherServerHasTakenUpIsNoLongerThisOnes) {
  const auto taken_up = [this] {
    execute("update jobs set attempts = attempts + 1, runner = 'second' where state = 'running'");
  };
  jobs_->add_kind("end", [&](JobContext&) -> Result<json::value> {
    taken_up();
    return 42;
  });
  jobs_->add_kind("report", [&](JobContext& context) -> Result<json::value> {
    taken_up();
    const auto reported = context.report(7, 7, "of the first");
    EXPECT_EQ(reported.error().reason, "job_cancelled");
    EXPECT_TRUE(context.stop_token().stop_requested());
    return Unexpected(reported.error());
  });
  jobs_->add_kind("save", [&](JobContext& context) -> Result<json::value> {
    taken_up();
    const auto saved = context.save_checkpoint(7);
    EXPECT_EQ(saved.error().reason, "job_cancelled");
    return Unexpected(saved.error());
  });
  ASSERT_TRUE(jobs_->start().has_value());
  for (const char* kind : {"end", "report", "save"}) {
    const JobId id = create({.kind = kind}).id;
    const auto events = jobs_->subscribe(ada_, id).value();
    await(id, JobState::Running);
    const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
    while (jobs_->get(ada_, id)->attempts < 2 && std::chrono::steady_clock::now() < give_up_at) {
      std::this_thread::sleep_for(milliseconds(2));
    }
    std::this_thread::sleep_for(milliseconds(100));  // time to do what it should not
    const Job job = jobs_->get(ada_, id).value();
    EXPECT_EQ(job.state, JobState::Running) << kind;
    EXPECT_EQ(job.attempts, 2) << kind;
    EXPECT_EQ(job.progress.done, 0) << kind;
    EXPECT_TRUE(job.result.is_null()) << kind;
    while (const auto event = events->pop_for(milliseconds(0))) {
      EXPECT_FALSE(is_finished(event->state)) << kind;
    }
    execute("update jobs set state = 'succeeded' where state = 'running'");
  }
}

TEST_P(JobsTest, AfterACrashWhatThisRunnerWasRunningIsQueuedAgainAndNothingElse) {
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const JobId mine = create({.kind = "work"}).id;
  const JobId to_be_cancelled = create({.kind = "work"}).id;
  const JobId anothers = create({.kind = "work"}).id;
  // The rows as a process leaves them that is killed in the middle of its work.
  ASSERT_TRUE(
      database()
          .transact([&](store::Transaction& transaction) -> Result<void> {
            TRY(transaction.execute(
                "update jobs set state = 'running', runner = 'main', attempts = 1"));
            TRY(transaction.execute("update jobs set runner = 'second' where id = $1", anothers));
            TRY(transaction.execute("update jobs set cancel_requested = 1 where id = $1",
                                    to_be_cancelled));
            return {};
          })
          .has_value());
  ASSERT_TRUE(jobs_->start().has_value());
  EXPECT_EQ(await(mine, JobState::Succeeded).attempts, 2);
  EXPECT_EQ(jobs_->get(ada_, to_be_cancelled)->state, JobState::Cancelled);
  EXPECT_EQ(jobs_->get(ada_, anothers)->state, JobState::Running);
}

TEST_P(JobsTest, ASubscriberSeesThePresentEveryReportAndTheEnd) {
  std::latch subscribed(1);
  jobs_->add_kind("three", [&](JobContext& context) -> Result<json::value> {
    subscribed.wait();
    for (int step = 1; step <= 3; ++step) TRY(context.report(step, 3, "step"));
    return nullptr;
  });
  const Job job = create({.kind = "three"});
  const auto events = jobs_->subscribe(ada_, job.id).value();
  subscribed.count_down();
  ASSERT_TRUE(jobs_->start().has_value());
  std::vector<int64_t> done;
  std::vector<JobState> states;
  while (const auto event = events->pop_for(kPatience)) {
    EXPECT_EQ(event->job, job.id);
    done.push_back(event->progress.done);
    states.push_back(event->state);
  }
  EXPECT_TRUE(events->is_drained());
  EXPECT_EQ(done, (std::vector<int64_t>{0, 0, 1, 2, 3, 3}));
  EXPECT_EQ(states.front(), JobState::Queued);
  EXPECT_EQ(states.back(), JobState::Succeeded);
  const auto late = jobs_->subscribe(ada_, job.id).value();
  EXPECT_EQ(late->pop()->state, JobState::Succeeded);
  EXPECT_TRUE(late->is_drained());
}

TEST_P(JobsTest, ASlowSubscriberMissesEventsButNotTheEnd) {
  auto options = quick_options();
  options.events_per_subscriber_max = 2;
  make_jobs(options);
  jobs_->add_kind("many", [](JobContext& context) -> Result<json::value> {
    for (int step = 0; step < 50; ++step) TRY(context.report(step, 50, ""));
    return nullptr;
  });
  const Job job = create({.kind = "many"});
  const auto events = jobs_->subscribe(ada_, job.id).value();
  ASSERT_TRUE(jobs_->start().has_value());
  await(job.id, JobState::Succeeded);
  int count = 0;
  while (events->pop_for(kPatience)) ++count;
  EXPECT_EQ(count, 2);
  EXPECT_TRUE(events->is_drained());
}

TEST_P(JobsTest, TooManySubscribersAreRefusedAndThoseWhoLeaveMakeRoom) {
  auto options = quick_options();
  options.subscribers_max = 2;
  make_jobs(options);
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const Job job = create({.kind = "work"});
  auto first = jobs_->subscribe(ada_, job.id).value();
  const auto second = jobs_->subscribe(ada_, job.id).value();
  const auto third = jobs_->subscribe(ada_, job.id);
  ASSERT_FALSE(third.has_value());
  EXPECT_EQ(third.error().code, ErrorCode::Busy);
  EXPECT_EQ(third.error().reason, "too_many_subscribers");
  first.reset();
  EXPECT_TRUE(jobs_->subscribe(ada_, job.id).has_value());
  jobs_->stop();
  EXPECT_TRUE(second->pop().has_value());
  EXPECT_EQ(second->pop(), std::nullopt) << "stopping ends the events";
}

TEST_P(JobsTest, SweepingRemovesWhatFinishedLongAgo) {
  jobs_->add_kind("work", [](JobContext&) -> Result<json::value> { return nullptr; });
  const JobId cancelled = create({.kind = "work"}).id;
  ASSERT_TRUE(jobs_->cancel(ada_, cancelled).has_value());
  const JobId queued = create({.kind = "work"}).id;
  clock_.advance(days(30) - milliseconds(1));
  ASSERT_TRUE(jobs_->sweep().has_value());
  EXPECT_TRUE(jobs_->get(ada_, cancelled).has_value());
  clock_.advance(milliseconds(1));
  ASSERT_TRUE(jobs_->sweep().has_value());
  EXPECT_EQ(jobs_->get(ada_, cancelled).error().reason, "job_not_found");
  EXPECT_TRUE(jobs_->get(ada_, queued).has_value());
}

TEST_ON_BOTH_DATABASES(JobsTest);

}  // namespace
}  // namespace faceforge::jobs
