#include "store/database.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/databases.h"

namespace faceforge::store {
namespace {

using namespace std::string_literals;

class DatabaseTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    migrate(std::vector<Migration>{
        {"things", 1, "things",
         "create table boxes (id {ID}, label {TEXT} not null unique) {STRICT};"
         "create table things (id {ID}, box_id {INTEGER} references boxes(id) on delete cascade,"
         "  name {TEXT}, weight {REAL}, picture {BLOB}, count {INTEGER} check (count >= 0),"
         "  unique (box_id, name)) {STRICT};"}});
  }

  Result<int64_t> count(Database& database) {
    return database.read([](Transaction& transaction) -> Result<int64_t> {
      return TRY(transaction.query("select count(*) from things"))[0].integer(0);
    });
  }
  Result<int64_t> add_box(const std::string& label) {
    return database().transact([&](Transaction& transaction) -> Result<int64_t> {
      const auto rows =
          TRY(transaction.query("insert into boxes (label) values ($1) returning id", label));
      return rows[0].integer(0);
    });
  }
  template <typename... Values>
  Result<int64_t> execute(std::string_view sql, const Values&... values) {
    return database().transact(
        [&](Transaction& transaction) { return transaction.execute(sql, values...); });
  }
};

TEST_P(DatabaseTest, EveryTypeComesBackAsItWasStored) {
  const Blob picture{std::byte{0}, std::byte{255}, std::byte{'\''}, std::byte{0}};
  const std::string name = "O'Brien \\ \"x\" 😀 漢字 ; drop table things"s;
  const auto rows = database().transact([&](Transaction& transaction) -> Result<Rows> {
    TRY(transaction.execute(
        "insert into things (name, weight, picture, count) values ($1, $2, $3, $4)", name, -0.1,
        picture, std::numeric_limits<int64_t>::max()));
    return transaction.query("select name, weight, picture, count, box_id from things");
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  const Row row = (*rows)[0];
  EXPECT_EQ(row.text(0), name);
  EXPECT_EQ(row.real(1), -0.1);
  EXPECT_EQ(row.blob(2), picture);
  EXPECT_EQ(row.integer(3), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(row.is_null(4));
  EXPECT_EQ(row.integer_or_null(4), std::nullopt);
  EXPECT_EQ(row.text_or_null(0), name);
}

TEST_P(DatabaseTest, ExtremeNumbersAndEmptyValuesAreKeptAndAreNotNull) {
  const auto rows = database().transact([](Transaction& transaction) -> Result<Rows> {
    for (const double weight : {0.0, 5e-324, 1.7976931348623157e308, -1.0 / 3}) {
      TRY(transaction.execute(
          "insert into things (name, weight, picture, count) values ($1, $2, $3, $4)", "", weight,
          Blob{}, 0));
    }
    return transaction.query("select name, weight, picture from things order by id");
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  EXPECT_EQ((*rows)[0].text(0), "");
  EXPECT_EQ((*rows)[0].blob(2), Blob{});
  EXPECT_EQ((*rows)[1].real(1), 5e-324);
  EXPECT_EQ((*rows)[2].real(1), 1.7976931348623157e308);
  EXPECT_EQ((*rows)[3].real(1), -1.0 / 3);
}

TEST_P(DatabaseTest, AnAbsentOptionalIsNullAndAPresentOneItsValue) {
  const std::optional<std::string> absent;
  const std::optional<int> three(3);
  const auto rows = database().transact([&](Transaction& transaction) -> Result<Rows> {
    TRY(transaction.execute("insert into things (name, count) values ($1, $2)", absent, three));
    return transaction.query("select name, count from things where name is null and count = $1", 3);
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_TRUE((*rows)[0].is_null(0));
}

TEST_P(DatabaseTest, PlaceholdersGoByTheirNumberNotByTheirPlace) {
  const auto rows = database().read([](Transaction& transaction) {
    return transaction.query(
        "select cast($2 as bigint) * 10 + cast($1 as bigint), cast($2 as bigint) where $1 < $2", 3,
        4);
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].integer(0), 43);
  EXPECT_EQ((*rows)[0].integer(1), 4);
}

TEST_P(DatabaseTest, TruthCountsAndSumsAreIntegers) {
  const auto rows = database().transact([](Transaction& transaction) -> Result<Rows> {
    TRY(transaction.execute("insert into things (count, weight) values (2, 1), (3, 2)"));
    return transaction.query(
        "select exists(select 1 from things), count(*), cast(sum(count) as bigint), sum(weight),"
        " max(count), 7 from things");
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  const Row row = (*rows)[0];
  EXPECT_TRUE(row.boolean(0));
  EXPECT_EQ(row.integer(1), 2);
  EXPECT_EQ(row.integer(2), 5);
  EXPECT_EQ(row.real(3), 3.0);
  EXPECT_EQ(row.integer(4), 3);
  EXPECT_EQ(row.integer(5), 7);
}

TEST_P(DatabaseTest, TextIsOrderedByItsBytes) {
  const auto rows = database().transact([](Transaction& transaction) -> Result<Rows> {
    for (const auto* label : {"b", "a", "B", "é", "_", "Z"}) {
      TRY(transaction.execute("insert into boxes (label) values ($1)", label));
    }
    return transaction.query("select label from boxes order by label");
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  std::string labels;
  for (const Row row : *rows) labels += row.text(0);
  EXPECT_EQ(labels, "BZ_abé");
}

TEST_P(DatabaseTest, TextWithNulOrBrokenUtf8IsRefusedAndChangesNothing) {
  for (const auto& [text, reason] : {std::pair{"a\0b"s, "text_with_nul"},
                                     {"a\0"s, "text_with_nul"},
                                     {"\xff"s, "text_not_utf8"},
                                     {"caf\xe9"s, "text_not_utf8"}}) {
    const auto added = add_box(text);
    ASSERT_FALSE(added.has_value());
    EXPECT_EQ(added.error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(added.error().reason, reason);
  }
  EXPECT_EQ(execute("insert into things (weight) values ($1)", std::nan("")).error().reason,
            "real_not_finite");
  EXPECT_EQ(execute("delete from boxes").value(), 0);
}

TEST_P(DatabaseTest, LongTextAndLargeBlobsAreKept) {
  const std::string label(300, 'x');
  ASSERT_TRUE(add_box(label).has_value());
  Blob picture(8 << 20);
  for (size_t index = 0; index < picture.size(); ++index) {
    picture[index] = static_cast<std::byte>(index * 2654435761U >> 24);
  }
  ASSERT_TRUE(execute("insert into things (picture) values ($1)", picture).has_value());
  const auto rows = database().read(
      [](Transaction& transaction) { return transaction.query("select picture from things"); });
  EXPECT_TRUE((*rows)[0].blob(0) == picture);
}

TEST_P(DatabaseTest, AValueOverTheLimitIsTooLarge) {
  const std::vector<std::byte> huge((size_t{256} << 20) + 1);
  const auto added = execute("insert into things (picture) values ($1)", huge);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(added.error().reason, "value_too_large");
}

TEST_P(DatabaseTest, ADuplicateNamesTheColumns) {
  ASSERT_TRUE(add_box("tools").has_value());
  const auto again = add_box("tools");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::AlreadyExists);
  EXPECT_EQ(again.error().reason, "unique_violated");
  EXPECT_EQ(again.error().message, "there is already a row with this boxes.label");

  const auto insert = "insert into things (box_id, name) values (1, 'hammer')";
  ASSERT_TRUE(execute(insert).has_value());
  EXPECT_EQ(execute(insert).error().message,
            "there is already a row with this things.box_id, things.name");
  EXPECT_EQ(execute("insert into boxes (id, label) values (1, 'other')").error().reason,
            "unique_violated");
}

TEST_P(DatabaseTest, ForeignKeysHoldAndCascade) {
  const auto orphan = execute("insert into things (box_id) values (99)");
  ASSERT_FALSE(orphan.has_value());
  EXPECT_EQ(orphan.error().code, ErrorCode::Conflict);
  EXPECT_EQ(orphan.error().reason, "foreign_key_violated");
  const auto box = add_box("tools");
  ASSERT_TRUE(execute("insert into things (box_id) values ($1)", *box).has_value());
  EXPECT_EQ(execute("delete from boxes where id = $1", *box).value(), 1);
  EXPECT_EQ(count(database()).value(), 0);
}

TEST_P(DatabaseTest, OtherConstraintsAreInvalidInput) {
  for (const auto* sql :
       {"insert into things (count) values (-1)", "insert into boxes (label) values (null)"}) {
    const auto added = execute(sql);
    ASSERT_FALSE(added.has_value());
    EXPECT_EQ(added.error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(added.error().reason, "constraint_violated");
  }
}

TEST_P(DatabaseTest, ExecuteTellsHowManyRowsChanged) {
  EXPECT_EQ(execute("insert into things (name) values ('a'), ('b'), ('c')").value(), 3);
  EXPECT_EQ(execute("update things set name = 'd' where name < 'c'").value(), 2);
  EXPECT_EQ(execute("update things set name = 'd' where name = 'zzz'").value(), 0);
  EXPECT_EQ(execute("select name from things").value(), 0);
  EXPECT_EQ(execute("delete from things").value(), 3);
}

TEST_P(DatabaseTest, AKeyIsNeverUsedTwice) {
  const int64_t first = add_box("first").value();
  ASSERT_TRUE(execute("delete from boxes").has_value());
  EXPECT_GT(add_box("second").value(), first);
}

TEST_P(DatabaseTest, ADuplicateCanBeExpected) {
  const auto upsert = [this](int64_t wanted) {
    return database().transact([&](Transaction& transaction) {
      return transaction.query(
          "insert into boxes (label) values ('x') on conflict (label) do update set label = 'x' "
          "returning id, cast($1 as bigint)",
          wanted);
    });
  };
  EXPECT_EQ((*upsert(1))[0].integer(0), (*upsert(2))[0].integer(0));
  EXPECT_EQ(execute("insert into boxes (label) values ('x') on conflict do nothing").value(), 0);
}

TEST_P(DatabaseTest, AnErrorFromTheWorkRollsBackAndIsReturned) {
  const auto outcome = database().transact([](Transaction& transaction) -> Result<int> {
    TRY(transaction.execute("insert into things (name) values ('a')"));
    return fail(ErrorCode::Conflict, "changed_my_mind", "no");
  });
  EXPECT_EQ(outcome.error().reason, "changed_my_mind");
  EXPECT_EQ(count(database()).value(), 0);
}

TEST_P(DatabaseTest, AnExceptionFromTheWorkRollsBack) {
  EXPECT_THROW(std::ignore = database().transact([](Transaction& transaction) -> Result<int> {
    TRY(transaction.execute("insert into things (name) values ('a')"));
    throw std::bad_alloc();
  }),
               std::bad_alloc);
  EXPECT_EQ(count(database()).value(), 0);
  EXPECT_TRUE(execute("insert into things (name) values ('b')").has_value());
}

TEST_P(DatabaseTest, AFailedStatementDoomsItsTransactionOnBothDatabases) {
  ASSERT_TRUE(add_box("taken").has_value());
  const auto outcome = database().transact([](Transaction& transaction) -> Result<int64_t> {
    TRY(transaction.execute("insert into boxes (label) values ('new')"));
    const auto failed = transaction.execute("insert into boxes (label) values ('taken')");
    EXPECT_FALSE(failed.has_value());
    EXPECT_EQ(transaction.query("select 1").error().reason, "unique_violated");
    return 1;  // as if nothing had happened
  });
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().reason, "unique_violated");
  EXPECT_EQ(execute("delete from boxes").value(), 1);
}

TEST_P(DatabaseTest, AMistakeInAStatementIsAnInternalErrorNotACrash) {
  for (const auto* sql : {"selec 1", "select 1; select 2", "select nothing from things", ""}) {
    const auto outcome = execute(sql);
    if (std::string_view(sql).empty() && outcome.has_value()) continue;  // PostgreSQL does nothing
    ASSERT_FALSE(outcome.has_value()) << sql;
    EXPECT_EQ(outcome.error().code, ErrorCode::Internal) << sql;
    EXPECT_EQ(outcome.error().reason, "database_error") << sql;
  }
  EXPECT_EQ(execute("insert into things (name) values ($1)").error().reason, "database_error");
  EXPECT_EQ(execute("delete from things where name = $1", "a", "b").error().reason,
            "database_error");
}

TEST_P(DatabaseTest, WritingInAReadTransactionIsForbidden) {
  const auto outcome = database().read([](Transaction& transaction) {
    return transaction.execute("insert into things (name) values ('a')");
  });
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(outcome.error().reason, "database_read_only");
  EXPECT_EQ(count(database()).value(), 0);
}

TEST_P(DatabaseTest, AReadTransactionSeesOneMomentWhileOthersWrite) {
  const auto difference = database().read([this](Transaction& transaction) -> Result<int64_t> {
    const auto before = TRY(transaction.query("select count(*) from things"))[0].integer(0);
    std::jthread([this] {
      EXPECT_TRUE(execute("insert into things (name) values ('meanwhile')").has_value());
    }).join();
    return TRY(transaction.query("select count(*) from things"))[0].integer(0) - before;
  });
  EXPECT_EQ(difference.value(), 0);
  EXPECT_EQ(count(database()).value(), 1);
}

TEST_P(DatabaseTest, AScanVisitsEveryRowInOrderAndStopsAtTheVisitorsError) {
  ASSERT_TRUE(database()
                  .transact([](Transaction& transaction) -> Result<int> {
                    for (int number = 0; number < 1000; ++number) {
                      TRY(transaction.execute("insert into things (count) values ($1)", number));
                    }
                    return 0;
                  })
                  .has_value());
  int64_t visited = 0;
  const auto stop_at = [&](int64_t last) {
    visited = 0;
    return database().read([&](Transaction& transaction) {
      return transaction.scan(
          "select count from things where count >= $1 order by count",
          [&](const Row& row) -> Result<void> {
            EXPECT_EQ(row.integer(0), visited);
            if (++visited == last) return fail(ErrorCode::Cancelled, "enough", "enough");
            return {};
          },
          0);
    });
  };
  EXPECT_TRUE(stop_at(-1).has_value());
  EXPECT_EQ(visited, 1000);
  EXPECT_EQ(stop_at(10).error().reason, "enough");
  EXPECT_EQ(visited, 10);
  EXPECT_TRUE(stop_at(-1).has_value());
}

TEST_P(DatabaseTest, AQueryOfTooManyRowsIsRefused) {
  const auto outcome = database().read([](Transaction& transaction) {
    return transaction.query(
        "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n <= $1) "
        "select n from numbers",
        static_cast<int64_t>(kMaxQueryRows));
  });
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(outcome.error().reason, "too_many_rows");
}

TEST_P(DatabaseTest, EightThreadsThatWriteLoseNothing) {
  ASSERT_TRUE(execute("insert into things (count) values (0)").has_value());
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 8; ++writer) {
      writers.emplace_back([&] {
        for (int round = 0; round < 25; ++round) {
          // Read, then write what was read: only serializable transactions lose no increment.
          const auto written = database().transact([](Transaction& transaction) -> Result<int64_t> {
            const auto rows = TRY(transaction.query("select count from things"));
            return transaction.execute("update things set count = $1", rows[0].integer(0) + 1);
          });
          if (!written) ++failures;
        }
      });
    }
  }
  const auto rows = database().read(
      [](Transaction& transaction) { return transaction.query("select count from things"); });
  // PostgreSQL may give up on a transaction that lost ten times; it says so, and counts nothing.
  EXPECT_EQ((*rows)[0].integer(0), 200 - failures);
  EXPECT_LE(failures, GetParam() == Dialect::Sqlite ? 0 : 40);
}

TEST_P(DatabaseTest, AWorkThatLostTheRaceRunsAgain) {
  ASSERT_TRUE(execute("insert into things (count) values (0)").has_value());
  int runs = 0;
  const auto other = reopened();
  const auto outcome = database().transact([&](Transaction& transaction) -> Result<int64_t> {
    ++runs;
    const auto before = TRY(transaction.query("select count from things"))[0].integer(0);
    if (runs == 1 && GetParam() == Dialect::Postgres) {
      EXPECT_TRUE(other
                      ->transact([](Transaction& rival) {
                        return rival.execute("update things set count = count + 10");
                      })
                      .has_value());
    }
    return transaction.execute("update things set count = $1", before + 1);
  });
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(runs, GetParam() == Dialect::Postgres ? 2 : 1);
}

TEST_P(DatabaseTest, WaitingForAWriterEndsAsBusy) {
  auto impatient_options = options();
  impatient_options.wait_max = std::chrono::milliseconds(50);
  const auto impatient = Database::open(impatient_options).value();
  const auto outcome = database().transact([&](Transaction& transaction) -> Result<int64_t> {
    TRY(transaction.execute("insert into boxes (label) values ('held')"));
    std::string reason;
    std::jthread([&] {
      const auto rival = impatient->transact([](Transaction& other) {
        return other.execute("insert into boxes (label) values ('held')");
      });
      EXPECT_EQ(rival.error().code, ErrorCode::Busy);
      reason = rival.error().reason;
    }).join();
    EXPECT_EQ(reason, "database_busy");
    return 1;
  });
  EXPECT_TRUE(outcome.has_value());
}

TEST_P(DatabaseTest, MoreThreadsThanConnectionsWaitForOne) {
  auto narrow_options = options();
  narrow_options.connection_count_max = 1;
  const auto narrow = Database::open(narrow_options).value();
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&] { EXPECT_EQ(count(*narrow).value(), 0); });
  }
}

TEST_P(DatabaseTest, ATransactionWithinAnotherIsCaughtAsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      std::ignore = database().transact([this](Transaction&) { return count(database()); }),
      "could wait for itself");
}

TEST_P(DatabaseTest, WhatWasCommittedIsThereWhenOpenedAgain) {
  ASSERT_TRUE(add_box("kept").has_value());
  EXPECT_EQ(reopened()
                ->read([](Transaction& transaction) {
                  return transaction.query("select label from boxes");
                })
                .value()[0]
                .text(0),
            "kept");
}

TEST_P(DatabaseTest, MoreStatementsThanAreKeptPreparedStillRun) {
  for (int number = 0; number < 600; ++number) {
    const auto rows = database().read([&](Transaction& transaction) {
      return transaction.query(fmt::format("select {} + $1", number), 1);
    });
    ASSERT_EQ(rows.value()[0].integer(0), number + 1);
  }
}

TEST_P(DatabaseTest, ForgettingWhatWasDeletedLeavesTheRest) {
  ASSERT_TRUE(add_box("deleted").has_value());
  ASSERT_TRUE(add_box("kept").has_value());
  ASSERT_TRUE(execute("delete from boxes where label = 'deleted'").has_value());
  ASSERT_TRUE(database().forget_deleted().has_value());
  EXPECT_EQ(execute("delete from boxes").value(), 1);
}

TEST_P(DatabaseTest, ForgettingFromManyThreadsAtOnceDoesNotMakeThemWaitInLine) {
  // Eight vacuums in line got into each other's way for 10 s and more.
  std::atomic<int> forgotten = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int round = 0; round < 4; ++round) {
          const std::string label = fmt::format("{} {}", thread, round);
          if (!add_box(label) || !execute("delete from boxes where label = $1", label)) return;
          if (database().forget_deleted()) ++forgotten;
        }
      });
    }
  }
  EXPECT_EQ(forgotten, 32);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(9));
}

TEST_ON_BOTH_DATABASES(DatabaseTest);

TEST(Row, AskingForAnotherTypeOrColumnIsCaughtAsABug) {
  const std::vector<Value> values{int64_t{1}, std::string("a")};
  const Rows rows(2, values);
  EXPECT_DEATH(std::ignore = rows[0].text(0), "column 0 is an integer, not text");
  EXPECT_DEATH(std::ignore = rows[0].integer(2), "column 2 of a row of 2 columns");
  EXPECT_DEATH(std::ignore = rows[1], "row 1 of 1");
}

}  // namespace
}  // namespace faceforge::store
