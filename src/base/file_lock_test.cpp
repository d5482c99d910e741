#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test_data.h"

namespace faceforge {
namespace {

class FileLockTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "lock";
};

TEST_F(FileLockTest, IsHadByOneUntilItsScopeEnds) {
  {
    const auto first = FileLock::try_take(file_);
    ASSERT_TRUE(first && *first);
    const auto second = FileLock::try_take(file_);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_FALSE(second->has_value());
  }
  const auto third = FileLock::try_take(file_);
  EXPECT_TRUE(third && *third);
}

TEST_F(FileLockTest, OfAProcessThatWasKilledIsFree) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = FileLock::try_take(file_);
    ::kill(::getpid(), held && *held ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL) << "it had the lock";
  const auto taken = FileLock::try_take(file_);
  EXPECT_TRUE(taken && *taken);
}

TEST_F(FileLockTest, FollowsNoLinkAndTellsWhatCannotBeWritten) {
  std::filesystem::create_symlink(folder_.path() / "elsewhere", file_);
  EXPECT_FALSE(FileLock::try_take(file_));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "elsewhere"));
  EXPECT_FALSE(FileLock::try_take(folder_.path() / "absent" / "lock"));
}

}  // namespace
}  // namespace faceforge
