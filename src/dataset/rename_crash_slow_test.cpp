#include "dataset/rename_crash_test_support.h"

namespace faceforge::dataset {
namespace {

TEST(RenameCrashSlow, TenThousandRandomTreesSurviveACrashAtEveryStep) {
  run_crash_trials(1'000, 10'000);
}

}  // namespace
}  // namespace faceforge::dataset
