#include "cli/installation.h"

#include <gtest/gtest.h>

#include "store/migrate.h"
#include "store/owners.h"
#include "store/server_lock.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

TEST(Installation, OpeningTheDatabaseLeavesItsTablesToWhoHoldsTheLock) {
  const test::TemporaryFolder folder;
  const auto opened = open_database({.data_folder = folder.path().string(), .database = ""});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_FALSE(store::has_steps(**opened).value());
  ASSERT_TRUE(bring_to_newest_version(**opened));
  EXPECT_TRUE(store::has_steps(**opened).value());
}

TEST(Installation, TablesOfAnOlderServerAreNotChangedUnderIt) {
  const test::TemporaryFolder folder;
  const InstallationOptions options{.data_folder = folder.path().string(), .database = ""};
  ASSERT_TRUE(store::migrate(**open_database(options), store::owner_migrations()));
  {
    const auto server = store::ServerLock::take(database_location(options));
    ASSERT_TRUE(server.has_value()) << server.error().message;
    const auto refused = open_existing_database(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason, "database_in_use");
  }
  ASSERT_TRUE(open_existing_database(options));
  const auto server = store::ServerLock::take(database_location(options));
  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_TRUE(open_existing_database(options)) << "of the newest version: beside a server";
}

}  // namespace
}  // namespace faceforge::cli
