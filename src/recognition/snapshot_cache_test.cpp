#include "recognition/internal/snapshot_cache.h"

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace faceforge::recognition::internal {
namespace {

SharedSnapshot snapshot() {
  gallery::GalleryModel model;
  model.embedding_length = 256;
  model.people.push_back({.name = "p", .photo_count = 1, .mean = std::vector<float>(256)});
  return std::make_shared<const gallery::Snapshot>(model);
}

SnapshotKey key(int64_t gallery, int64_t version = 1, int64_t revision = 0) {
  return {gallery::GalleryId(gallery), version, revision};
}

/// Loads a snapshot of its own.
Result<SharedSnapshot> load() {
  return snapshot();
}

void keep(SnapshotCache& cache, const SnapshotKey& under) {
  ASSERT_TRUE(cache.find_or_load(under, load));
}

TEST(SnapshotCache, FindsWhatItKeptUnderThisVeryKey) {
  SnapshotCache cache(1'000'000);
  const auto kept = cache.find_or_load(key(1), load).value();
  EXPECT_EQ(cache.find_or_load(key(1), load).value(), kept);
  EXPECT_EQ(cache.find(key(1)), kept);
  EXPECT_EQ(cache.find(key(1, 2)), nullptr);
  EXPECT_EQ(cache.find(key(1, 1, 1)), nullptr);
}

TEST(SnapshotCache, TheOneUsedLongestAgoMakesRoom) {
  const size_t one_bytes = snapshot()->memory_bytes();
  SnapshotCache cache(2 * one_bytes);
  keep(cache, key(1));
  keep(cache, key(2));
  EXPECT_NE(cache.find(key(1)), nullptr);
  keep(cache, key(3));
  EXPECT_NE(cache.find(key(1)), nullptr);
  EXPECT_EQ(cache.find(key(2)), nullptr);
  EXPECT_NE(cache.find(key(3)), nullptr);
}

TEST(SnapshotCache, OneOverTheBoundIsNotKept) {
  SnapshotCache cache(snapshot()->memory_bytes() - 1);
  keep(cache, key(1));
  EXPECT_EQ(cache.find(key(1)), nullptr);
}

TEST(SnapshotCache, ANewRevisionReplacesTheOldOne) {
  SnapshotCache cache(1'000'000);
  keep(cache, key(1, 1, 0));
  keep(cache, key(1, 1, 1));
  EXPECT_EQ(cache.find(key(1, 1, 0)), nullptr);
  EXPECT_NE(cache.find(key(1, 1, 1)), nullptr);
}

TEST(SnapshotCache, WhatIsForgottenIsNotFound) {
  SnapshotCache cache(1'000'000);
  keep(cache, key(1));
  keep(cache, key(2));
  cache.forget(gallery::GalleryId(1));
  EXPECT_EQ(cache.find(key(1)), nullptr);
  EXPECT_NE(cache.find(key(2)), nullptr);
  cache.forget_all();
  EXPECT_EQ(cache.find(key(2)), nullptr);
}

TEST(SnapshotCache, WhatWasReadBeforeAForgettingIsNotKeptAfterIt) {
  SnapshotCache cache(1'000'000);
  const auto loaded = cache.find_or_load(key(1), [&] {
    cache.forget(gallery::GalleryId(1));
    return load();
  });
  EXPECT_TRUE(loaded);
  EXPECT_EQ(cache.find(key(1)), nullptr);
}

TEST(SnapshotCache, ManyThreadsThatAskForTheSameShareOneLoad) {
  constexpr int kThreadCount = 16;
  SnapshotCache cache(1'000'000);
  std::latch all_there(kThreadCount);
  std::atomic<int> load_count = 0;
  std::array<SharedSnapshot, kThreadCount> found;
  {
    std::vector<std::jthread> threads;
    for (SharedSnapshot& mine : found) {
      threads.emplace_back([&] {
        all_there.arrive_and_wait();
        mine = cache
                   .find_or_load(key(1),
                                 [&] {
                                   ++load_count;
                                   std::this_thread::sleep_for(std::chrono::milliseconds(100));
                                   return load();
                                 })
                   .value();
      });
    }
  }
  EXPECT_EQ(load_count, 1);
  for (const SharedSnapshot& one : found) EXPECT_EQ(one, found[0]);
}

TEST(SnapshotCache, WhoeverAsksAfterAForgettingDoesNotGetWhatWasReadBeforeIt) {
  SnapshotCache cache(1'000'000);
  const auto old = cache.find_or_load(key(1), [&] {
    cache.forget_all();
    const auto anew = cache.find_or_load(key(1), load);
    EXPECT_EQ(cache.find(key(1)), anew.value());
    return load();
  });
  EXPECT_NE(cache.find(key(1)), old.value());
}

TEST(SnapshotCache, AFailureIsSharedButNotKept) {
  SnapshotCache cache(1'000'000);
  const auto refused = [] { return Result<SharedSnapshot>(fail(ErrorCode::Busy, "busy", "no")); };
  EXPECT_EQ(cache.find_or_load(key(1), refused).error().reason, "busy");
  const auto full = []() -> Result<SharedSnapshot> { throw std::bad_alloc(); };
  EXPECT_EQ(cache.find_or_load(key(1), full).error().reason, "out_of_memory");
  EXPECT_TRUE(cache.find_or_load(key(1), load));
}

}  // namespace
}  // namespace faceforge::recognition::internal
