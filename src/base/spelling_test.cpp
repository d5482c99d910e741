#include "base/spelling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NearWords, AMistypedWordFindsTheNearestFirst) {
  const std::vector<std::string> ids = {"antelopev2", "buffalo_l", "buffalo_m",
                                        "buffalo_sc", "faceapi",   "yunet-mbf"};
  EXPECT_THAT(near_words("buffalo-l", ids), ElementsAre("buffalo_l", "buffalo_m", "buffalo_sc"));
  EXPECT_THAT(near_words("face-api", ids), ElementsAre("faceapi"));
  EXPECT_THAT(near_words("yunet", ids), ElementsAre("yunet-mbf"));
  EXPECT_THAT(near_words("resnet", ids), IsEmpty());
  EXPECT_THAT(near_words("", ids), IsEmpty());
  EXPECT_THAT(near_words(std::string(100'000, 'b'), ids), IsEmpty());
}

}  // namespace
}  // namespace faceforge
