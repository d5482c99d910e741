#include "nn/grouped.h"

#include <vector>

#include <gtest/gtest.h>

namespace faceforge::nn {
namespace {

TEST(ArrangeGroupKernels, PutsTheMemberThatIsSoManyTurnsFurtherFirstByLane) {
  // Two groups of two in one block of four; one tap. [channel][member]
  const std::vector<float> kernels{10, 11, 20, 21, 32, 33, 42, 43};
  const GroupedPlan plan{.channels = 4, .group = 2, .lanes = 4};
  std::vector<float> arranged(8);
  arrange_group_kernels(plan, kernels.data(), arranged);
  // Turn 0 takes the channel itself, turn 1 its neighbour.
  EXPECT_EQ(arranged, (std::vector<float>{10, 21, 32, 43, 11, 20, 33, 42}));
}

}  // namespace
}  // namespace faceforge::nn
