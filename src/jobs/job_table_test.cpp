#include "jobs/internal/job_table.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/databases.h"

namespace faceforge::jobs::internal {
namespace {

constexpr UnixTime_ms kNow_ms = 1000;

/// What `work` makes of one transaction.
template <typename Work>
auto in(store::Database& database, Work&& work) {
  return database.transact(work).value();
}

class JobTableTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    auto steps = store::owner_migrations();
    for (const auto& step : migrations()) steps.push_back(step);
    migrate(steps);
    ada_ = in(database(), [](store::Transaction& transaction) {
      return store::create_owner(transaction, kNow_ms);
    });
  }

  Job insert() {
    return in(database(), [this](store::Transaction& transaction) {
      return insert_job(transaction, ada_, {.kind = "train"}, kNow_ms);
    });
  }
  static Job claim(store::Database& database) {
    static const std::vector<std::string> kinds{"train"};
    return in(database,
              [](store::Transaction& transaction) {
                return claim_job(transaction, kinds, "main", kNow_ms);
              })
        .value()
        .job;
  }
  Job find(JobId id) {
    return in(database(),
              [&](store::Transaction& transaction) { return find_job(transaction, ada_, id); });
  }

  /// What a run says of its job, and the end it comes to.
  struct Answers {
    bool progress = false;
    bool checkpoint = false;
    bool requeue = false;
    bool finish = false;
  };
  static Answers say_everything(store::Database& database, const Job& claimed) {
    return in(database, [&](store::Transaction& transaction) -> Result<Answers> {
      Answers answers;
      answers.progress = TRY(write_progress(transaction, claimed, {.done = 7, .total = 7}));
      answers.checkpoint = TRY(write_checkpoint(transaction, claimed, "7"));
      answers.finish = TRY(finish_job(transaction, claimed, {.done = 7}, json::value(42), kNow_ms));
      answers.requeue = TRY(requeue_job(transaction, claimed));
      return answers;
    });
  }
  static bool is_to_end_now(store::Database& database, const Job& claimed) {
    return in(database,
              [&](store::Transaction& transaction) { return is_to_end(transaction, claimed); });
  }

  UserId ada_;
};

TEST_P(JobTableTest, ARunThatAnotherServerHasTakenUpChangesNothing) {
  const JobId id = insert().id;
  const Job first = claim(database());
  const auto second_server = reopened();
  ASSERT_TRUE(second_server->transact([](store::Transaction& transaction) {
    return requeue_of_runner(transaction, "main", kNow_ms);
  }));

  const auto expect_nothing = [&](JobState state, int attempts) {
    const Answers answers = say_everything(database(), first);
    EXPECT_FALSE(answers.progress);
    EXPECT_FALSE(answers.checkpoint);
    EXPECT_FALSE(answers.requeue);
    EXPECT_FALSE(answers.finish);
    EXPECT_TRUE(is_to_end_now(database(), first));
    const Job job = find(id);
    EXPECT_EQ(to_string(job.state), to_string(state));
    EXPECT_EQ(job.attempts, attempts);
    EXPECT_EQ(job.progress.done, 0);
    EXPECT_TRUE(job.result.is_null());
    EXPECT_FALSE(job.finished_at_ms.has_value());
  };
  expect_nothing(JobState::Queued, 1);
  const Job second = claim(*second_server);
  EXPECT_EQ(second.attempts, 2);
  EXPECT_FALSE(is_to_end_now(*second_server, second));
  expect_nothing(JobState::Running, 2);

  const Answers answers = say_everything(*second_server, second);
  EXPECT_TRUE(answers.progress);
  EXPECT_TRUE(answers.checkpoint);
  EXPECT_TRUE(answers.finish);
  EXPECT_FALSE(answers.requeue) << "it has ended";
  EXPECT_EQ(find(id).state, JobState::Succeeded);
  EXPECT_EQ(find(id).result.as_int64(), 42);
}

TEST_P(JobTableTest, WhatIsLaidDownIsQueuedAgain) {
  const JobId id = insert().id;
  const Job claimed = claim(database());
  EXPECT_TRUE(in(database(), [&](store::Transaction& transaction) {
    return requeue_job(transaction, claimed);
  }));
  EXPECT_EQ(find(id).state, JobState::Queued);
}

TEST_ON_BOTH_DATABASES(JobTableTest);

}  // namespace
}  // namespace faceforge::jobs::internal
