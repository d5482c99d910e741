#include "nn/arena_pool.h"

#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

namespace faceforge::nn {
namespace {

TEST(ArenaPool, OneRunAfterTheOtherTakesTheMemoryOfTheLargest) {
  ArenaPool pool(1 << 20);
  for (const size_t bytes : {1000U, 3000U, 2000U, 500U, 3000U}) {
    Arena arena = pool.borrow(bytes);
    EXPECT_GE(arena.size_bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.data()) % Arena::kAlignment_bytes, 0U);
    EXPECT_EQ(pool.idle_bytes(), 0U) << "the only one is lent";
    pool.give_back(std::move(arena));
  }
  EXPECT_EQ(pool.idle_bytes(), 3000U);
}

TEST(ArenaPool, TheSmallestThatIsLargeEnoughIsLent) {
  ArenaPool pool(1 << 20);
  for (const size_t bytes : {4000U, 2000U, 3000U}) pool.give_back(Arena(bytes));
  EXPECT_EQ(pool.borrow(1500).size_bytes(), 2000U);
  EXPECT_EQ(pool.borrow(1500).size_bytes(), 3000U);
  EXPECT_EQ(pool.borrow(1500).size_bytes(), 4000U);
  EXPECT_EQ(pool.borrow(1500).size_bytes(), 1500U);
}

TEST(ArenaPool, TheOneOfLastTimeComesBackWhereItIsFree) {
  ArenaPool pool(1 << 20);
  Arena large(4000), small(2000);
  const std::byte* const last = large.data();
  pool.give_back(std::move(large));
  pool.give_back(std::move(small));
  const Arena again = pool.borrow(1500, last);
  EXPECT_EQ(again.data(), last);
  EXPECT_EQ(pool.borrow(1500, last).size_bytes(), 2000U) << "it is lent already";
}

TEST(ArenaPool, ALargerOneTakesThePlaceOfOneThatIsTooSmall) {
  ArenaPool pool(1 << 20);
  pool.give_back(Arena(1000));
  pool.give_back(Arena(2000));
  Arena larger = pool.borrow(3000);
  EXPECT_EQ(larger.size_bytes(), 3000U);
  EXPECT_EQ(pool.idle_bytes(), 1000U);
  pool.give_back(std::move(larger));
  EXPECT_EQ(pool.idle_bytes(), 4000U);
}

TEST(ArenaPool, WhatPassesTheLimitIsFreed) {
  ArenaPool pool(5000);
  pool.give_back(Arena(3000));
  pool.give_back(Arena(2001));
  EXPECT_EQ(pool.idle_bytes(), 3000U);
  pool.give_back(Arena(2000));
  EXPECT_EQ(pool.idle_bytes(), 5000U);
  pool.give_back(Arena(1));
  EXPECT_EQ(pool.idle_bytes(), 5000U);
}

TEST(ArenaPool, SixteenArePutAside) {
  ArenaPool pool(1 << 20);
  for (int count = 0; count < 20; ++count) pool.give_back(Arena(10));
  EXPECT_EQ(pool.idle_bytes(), 160U);
}

}  // namespace
}  // namespace faceforge::nn
