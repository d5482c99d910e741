#include "store/migrate.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "store/owners.h"
#include "support/databases.h"

namespace faceforge::store {
namespace {

using MigrateTest = test::OnBothDatabases;

std::vector<Migration> steps() {
  return {{"pets", 1, "dogs", "create table dogs (id {ID}, name {TEXT}) {STRICT};"},
          {"pets", 2, "cats",
           "create table cats (id {ID}, picture {BLOB}, weight {REAL}, dog_id {INTEGER}) {STRICT};"
           "insert into dogs (name) values ('Rex');"}};
}

Result<int64_t> count_dogs(Database& database) {
  return database.read([](Transaction& transaction) -> Result<int64_t> {
    return TRY(transaction.query("select count(*) from dogs"))[0].integer(0);
  });
}

TEST_P(MigrateTest, AnEmptyDatabaseIsBroughtToTheNewestVersionOnce) {
  ASSERT_TRUE(store::migrate(database(), steps()).has_value());
  ASSERT_TRUE(store::migrate(database(), steps()).has_value());
  EXPECT_EQ(count_dogs(database()).value(), 1);
}

TEST_P(MigrateTest, ADatabaseHasStepsOnceItWasMigratedAndLookingMakesNone) {
  EXPECT_FALSE(store::has_steps(database()).value());
  EXPECT_FALSE(store::has_steps(database()).value());
  ASSERT_TRUE(store::migrate(database(), steps()).has_value());
  EXPECT_TRUE(store::has_steps(database()).value());
}

TEST_P(MigrateTest, AnOlderDatabaseKeepsItsRows) {
  const auto all = steps();
  ASSERT_TRUE(store::migrate(database(), std::span(all).first(1)).has_value());
  ASSERT_TRUE(database()
                  .transact([](Transaction& transaction) {
                    return transaction.execute("insert into dogs (name) values ('Fido')");
                  })
                  .has_value());
  ASSERT_TRUE(store::migrate(database(), all).has_value());
  EXPECT_EQ(count_dogs(database()).value(), 2);
}

TEST_P(MigrateTest, ADatabaseOfANewerVersionIsRefusedAndLeftAlone) {
  const auto all = steps();
  ASSERT_TRUE(store::migrate(database(), all).has_value());
  const auto refused = store::migrate(database(), std::span(all).first(1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_EQ(refused.error().reason, "database_newer");
  EXPECT_TRUE(store::migrate(database(), all).has_value());
}

TEST_P(MigrateTest, AStepThatWasChangedAfterItsReleaseIsRefused) {
  auto all = steps();
  ASSERT_TRUE(store::migrate(database(), all).has_value());
  all[0].sql += " -- another word";
  const auto refused = store::migrate(database(), all);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(refused.error().reason, "migration_changed");
}

TEST_P(MigrateTest, AStepThatFailsLeavesNothingOfItself) {
  auto all = steps();
  all[1].sql = "create table cats (id {ID}) {STRICT}; insert into birds (name) values ('x');";
  EXPECT_EQ(store::migrate(database(), all).error().reason, "database_error");
  ASSERT_TRUE(store::migrate(database(), steps()).has_value());
}

TEST_P(MigrateTest, FourProcessesThatStartAtOnceAllSucceed) {
  std::vector<std::jthread> starters;
  for (int starter = 0; starter < 4; ++starter) {
    starters.emplace_back([this] {
      const auto own = reopened();
      const auto migrated = store::migrate(*own, steps());
      EXPECT_TRUE(migrated.has_value()) << migrated.error().message;
    });
  }
  starters.clear();
  EXPECT_EQ(count_dogs(database()).value(), 1);
}

TEST_P(MigrateTest, StepsOutOfOrderAndUnknownWordsAreCaughtAsBugs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto all = steps();
  std::swap(all[0], all[1]);
  EXPECT_DEATH(std::ignore = store::migrate(database(), all), "out of order");
  const std::vector<Migration> odd{{"odd", 1, "odd", "create table odd (id {SERIAL})"}};
  EXPECT_DEATH(std::ignore = store::migrate(database(), odd), "unknown word \\{SERIAL\\}");
}

TEST_P(MigrateTest, AValueOfAnotherTypeIsRefused) {
  ASSERT_TRUE(store::migrate(database(), steps()).has_value());
  const auto added = database().transact([](Transaction& transaction) {
    return transaction.execute("insert into cats (weight) values ($1)", "heavy");
  });
  EXPECT_FALSE(added.has_value());
}

TEST_P(MigrateTest, DeletingAnOwnerDeletesItsRows) {
  migrate(owner_migrations());
  const auto owners = database().transact([](Transaction& transaction) -> Result<int64_t> {
    TRY(transaction.execute_script(
        "create table toys (owner_id bigint references owners(id) on delete cascade)"));
    const auto first = TRY(create_owner(transaction, 1));
    const auto second = TRY(create_owner(transaction, 2));
    TRY(transaction.execute("insert into toys values ($1), ($1), ($2)", first, second));
    TRY(delete_owner(transaction, first));
    const auto again = delete_owner(transaction, first);
    EXPECT_EQ(again.error().code, ErrorCode::NotFound);
    EXPECT_EQ(again.error().reason, "user_not_found");
    return TRY(transaction.query("select count(*) from toys"))[0].integer(0);
  });
  EXPECT_EQ(owners.value(), 1);
}

TEST_ON_BOTH_DATABASES(MigrateTest);

}  // namespace
}  // namespace faceforge::store
