#include "base/shares.h"

#include <gtest/gtest.h>

namespace faceforge {
namespace {

TEST(Shares, AreBoundedForEachAndForAll) {
  Shares shares({.all = 5, .each = 3});
  EXPECT_EQ(shares.take("ada", 3), Shares::Taken::Yes);
  EXPECT_EQ(shares.take("ada", 1), Shares::Taken::ClientHasItsShare);
  EXPECT_EQ(shares.take("bob", 2), Shares::Taken::Yes);
  EXPECT_EQ(shares.take("bob", 1), Shares::Taken::NoneIsLeft);
  EXPECT_EQ(shares.taken(), 5U);
  shares.give_back("ada", 2);
  EXPECT_EQ(shares.take("ada", 2), Shares::Taken::Yes);
}

TEST(Shares, AnAmountOverEveryLimitDoesNotWrapAround) {
  Shares shares({.all = 5, .each = 3});
  EXPECT_EQ(shares.take("ada", SIZE_MAX), Shares::Taken::ClientHasItsShare);
  EXPECT_EQ(shares.taken(), 0U);
}

TEST(Shares, WhatIsHeldIsGivenBackOnce) {
  Shares shares({.all = 1, .each = 1});
  {
    auto held = shares.hold("ada");
    ASSERT_TRUE(held);
    EXPECT_FALSE(shares.hold("bob"));
    const Share moved = std::move(*held);
    EXPECT_EQ(shares.taken(), 1U);
  }
  EXPECT_EQ(shares.taken(), 0U);
  EXPECT_TRUE(shares.hold("bob"));
}

}  // namespace
}  // namespace faceforge
