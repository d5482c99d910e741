#include "accounts/internal/attempt_throttle.h"

#include <string>

#include <gtest/gtest.h>

#include "accounts/internal/storable_text.h"
#include "accounts/user.h"

namespace faceforge::accounts::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class AttemptThrottleTest : public ::testing::Test {
 protected:
  bool admitted(const std::string& key) { return throttle_.admit(key, "slow_down").has_value(); }

  ManualClock clock_;
  AttemptThrottle throttle_{clock_,
                            {.free_attempts = 3, .longest_wait = seconds(10), .keys_max = 4}};
};

TEST_F(AttemptThrottleTest, SomeAreFreeThenTheWaitDoublesUpToItsLongest) {
  for (int attempt = 0; attempt < 3; ++attempt) EXPECT_TRUE(admitted("ada"));
  for (const int wait_s : {1, 2, 4, 8, 10, 10}) {
    clock_.advance(seconds(wait_s) - milliseconds(1));
    const auto refused = throttle_.admit("ada", "slow_down");
    ASSERT_FALSE(refused.has_value()) << wait_s;
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_EQ(refused.error().reason, "slow_down");
    EXPECT_EQ(refused.error().message, "too many attempts; try again in 1 s");
    clock_.advance(milliseconds(1));
    EXPECT_TRUE(admitted("ada")) << wait_s;
  }
}

TEST_F(AttemptThrottleTest, KeysDoNotSlowDownEachOther) {
  for (int attempt = 0; attempt < 4; ++attempt) std::ignore = admitted("ada");
  EXPECT_FALSE(admitted("ada"));
  EXPECT_TRUE(admitted("bob"));
}

TEST_F(AttemptThrottleTest, SuccessForgetsAndTakingBackUndoesOne) {
  for (int attempt = 0; attempt < 3; ++attempt) std::ignore = admitted("ada");
  throttle_.take_back("ada");
  EXPECT_TRUE(admitted("ada"));
  EXPECT_FALSE(admitted("ada"));
  throttle_.forget("ada");
  EXPECT_TRUE(admitted("ada"));
}

TEST_F(AttemptThrottleTest, AnHourOfQuietForgets) {
  for (int attempt = 0; attempt < 3; ++attempt) std::ignore = admitted("ada");
  clock_.advance(minutes(60));
  for (int attempt = 0; attempt < 3; ++attempt) EXPECT_TRUE(admitted("ada"));
}

TEST_F(AttemptThrottleTest, AFullTableForgetsTheOneWithTheFewestAttempts) {
  for (int attempt = 0; attempt < 3; ++attempt) std::ignore = admitted("guessed at");
  for (int key = 0; key < 100; ++key) EXPECT_TRUE(admitted("key " + std::to_string(key)));
  EXPECT_FALSE(admitted("guessed at"));
}

TEST(ThrottledAddress, IsWhatAnAttackerCannotChooseFreely) {
  EXPECT_EQ(throttled_address("203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(throttled_address("::ffff:203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(throttled_address("2001:db8:1:2:3:4:5:6"), throttled_address("2001:db8:1:2::1"));
  EXPECT_NE(throttled_address("2001:db8:1:2::1"), throttled_address("2001:db8:1:3::1"));
  EXPECT_EQ(throttled_address("nonsense"), "nonsense");
}

TEST(StorableText, ForeignTextIsCutAndCleaned) {
  EXPECT_EQ(storable_text("Mozilla/5.0 é"), "Mozilla/5.0 é");
  EXPECT_EQ(storable_text(std::string("a\0b\n\x7f", 5)), "a?b??");
  EXPECT_EQ(storable_text("caf\xe9 noir"), "caf? noir");
  EXPECT_EQ(storable_text(std::string(300, 'x')), std::string(200, 'x'));
  EXPECT_EQ(storable_text(std::string(198, 'x') + "😀"), std::string(198, 'x'));
}

}  // namespace
}  // namespace faceforge::accounts::internal
