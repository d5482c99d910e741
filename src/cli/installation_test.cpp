#include "cli/installation.h"

#include <gtest/gtest.h>

#include "store/migrate.h"
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

}  // namespace
}  // namespace faceforge::cli
