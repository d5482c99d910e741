#include <sys/wait.h>
#include <unistd.h>

#include "dataset/rename_crash_test_support.h"

namespace faceforge::dataset {
namespace {

// 10 000 trees are run by rename_crash_slow_test.cpp.
TEST(RenameCrash, AfterACrashAtAnyStepNoPhotoIsLostAndRunningAgainFinishesAndUndoRestores) {
  run_crash_trials(1, 100);
}

class ExitingDisk final : public CrashingDisk {
 public:
  using CrashingDisk::CrashingDisk;

 private:
  void crash() override { ::_exit(9); }  // no destructor runs, and the kernel ends the hold
};

TEST(RenameCrash, AProcessThatIsKilledLeavesNothingThatTheNextOneCannotFinish) {
  const Tree before{{"A/b.jpg", "1"}, {"A/a.JPG", "2"}, {"A/A_2.jpg", "3"}, {"B/x.png", "4"}};
  const Tree after{{"A/A_2.jpg", "3"}, {"A/A_3.jpg", "2"}, {"A/A_4.jpg", "1"}, {"B/B_1.png", "4"}};
  for (size_t step = 0;; ++step) {
    test::TemporaryFolder people;
    plant(people.path(), before);
    const pid_t child = ::fork();
    if (child == 0) {
      ExitingDisk disk(step);
      ::_exit(rename_photos(people.path(), {}, disk).has_value() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    ASSERT_EQ(contents_of(tree_of(people.path())), contents_of(before));
    ASSERT_TRUE(rename_photos(people.path(), {}));
    ASSERT_EQ(tree_of(people.path()), after) << "killed before step " << step;
    if (WEXITSTATUS(status) == 0) {
      EXPECT_GT(step, 10U);
      return;
    }
  }
}

}  // namespace
}  // namespace faceforge::dataset
