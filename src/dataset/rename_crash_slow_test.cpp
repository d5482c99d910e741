#include <cstdlib>

#include "dataset/rename_crash_test_support.h"

namespace faceforge::dataset {
namespace {

// Ten thousand with `tools/soak trees`, which take minutes.
TEST(RenameCrashSlow, RandomTreesSurviveACrashAtEveryStep) {
  run_crash_trials(1'000, std::getenv("FACEFORGE_SOAK") != nullptr ? 10'000 : 1'000);
}

}  // namespace
}  // namespace faceforge::dataset
