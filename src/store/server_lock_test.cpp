#include "store/server_lock.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::store {
namespace {

class ServerLockTest : public test::OnBothDatabases {
 protected:
  Result<ServerLock> take() { return ServerLock::take(options().location); }

  // As when the database's server starts again: the connection of the lock is gone.
  void end_the_connection_of_the_lock() {
    const auto ended = database().transact([](Transaction& transaction) {
      return transaction.query(
          "select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a"
          " on a.pid = l.pid where l.locktype = 'advisory' and a.application_name ="
          " current_setting('application_name')");
    });
    ASSERT_TRUE(ended.has_value()) << ended.error().message;
    ASSERT_EQ(ended->size(), 1U);
  }
};

TEST_P(ServerLockTest, ASecondServerOfTheSameDatabaseIsRefused) {
  auto first = take();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto second = take();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_EQ(second.error().reason, "database_in_use");
  EXPECT_TRUE(first->keep().has_value());
}

TEST_P(ServerLockTest, TheDatabaseIsFreeAgainOnceItsServerHasEnded) {
  {
    const auto first = take();
    ASSERT_TRUE(first.has_value());
  }
  EXPECT_TRUE(take().has_value());
}

TEST_P(ServerLockTest, OtherProgramsUseTheDatabaseBesideIt) {
  const auto held = take();
  ASSERT_TRUE(held.has_value());
  const auto beside = reopened()->transact(
      [](Transaction& transaction) { return transaction.execute("create table t (n integer)"); });
  EXPECT_TRUE(beside.has_value());
}

TEST_P(ServerLockTest, ALockWhoseConnectionWasLostIsTakenAgain) {
  if (GetParam() != Dialect::Postgres) GTEST_SKIP() << "a file is not lost";
  auto held = take();
  ASSERT_TRUE(held.has_value());
  end_the_connection_of_the_lock();
  const auto kept = held->keep();
  EXPECT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ(take().error().reason, "database_in_use");
}

TEST_P(ServerLockTest, ALockThatAnotherServerTookMeanwhileIsLost) {
  if (GetParam() != Dialect::Postgres) GTEST_SKIP() << "a file is not lost";
  auto held = take();
  ASSERT_TRUE(held.has_value());
  end_the_connection_of_the_lock();
  const auto other = take();
  ASSERT_TRUE(other.has_value());
  const auto kept = held->keep();
  ASSERT_FALSE(kept.has_value());
  EXPECT_EQ(kept.error().reason, "database_in_use");
}

TEST_ON_BOTH_DATABASES(ServerLockTest);

TEST(ServerLockFile, ASymbolicLinkNamesTheSameDatabase) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "faceforge.db";
  const auto link = folder.path() / "link.db";
  ASSERT_TRUE(Database::open({.location = file.string()}));
  std::filesystem::create_symlink(file, link);
  const auto held = ServerLock::take(file.string());
  ASSERT_TRUE(held.has_value());
  for (const auto& spelled : {link, folder.path() / "." / "faceforge.db"}) {
    const auto second = ServerLock::take(spelled.string());
    ASSERT_FALSE(second.has_value()) << spelled;
    EXPECT_EQ(second.error().reason, "database_in_use");
  }
}

}  // namespace
}  // namespace faceforge::store
