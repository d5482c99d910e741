#include "recognition/internal/snapshot_cache.h"

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

TEST(SnapshotCache, FindsWhatItKeptUnderThisVeryKey) {
  SnapshotCache cache(1'000'000);
  const auto kept = snapshot();
  cache.keep(key(1), kept, cache.generation());
  EXPECT_EQ(cache.find(key(1)), kept);
  EXPECT_EQ(cache.find(key(1, 2)), nullptr);
  EXPECT_EQ(cache.find(key(1, 1, 1)), nullptr);
}

TEST(SnapshotCache, TheOneUsedLongestAgoMakesRoom) {
  const size_t one_bytes = snapshot()->memory_bytes();
  SnapshotCache cache(2 * one_bytes);
  cache.keep(key(1), snapshot(), 0);
  cache.keep(key(2), snapshot(), 0);
  EXPECT_NE(cache.find(key(1)), nullptr);
  cache.keep(key(3), snapshot(), 0);
  EXPECT_NE(cache.find(key(1)), nullptr);
  EXPECT_EQ(cache.find(key(2)), nullptr);
  EXPECT_NE(cache.find(key(3)), nullptr);
}

TEST(SnapshotCache, OneOverTheBoundIsNotKept) {
  SnapshotCache cache(snapshot()->memory_bytes() - 1);
  cache.keep(key(1), snapshot(), 0);
  EXPECT_EQ(cache.find(key(1)), nullptr);
}

TEST(SnapshotCache, ANewRevisionReplacesTheOldOne) {
  SnapshotCache cache(1'000'000);
  cache.keep(key(1, 1, 0), snapshot(), 0);
  cache.keep(key(1, 1, 1), snapshot(), 0);
  EXPECT_EQ(cache.find(key(1, 1, 0)), nullptr);
  EXPECT_NE(cache.find(key(1, 1, 1)), nullptr);
}

TEST(SnapshotCache, WhatWasReadBeforeAForgettingIsNotKeptAfterIt) {
  SnapshotCache cache(1'000'000);
  cache.keep(key(1), snapshot(), 0);
  cache.keep(key(2), snapshot(), 0);
  const uint64_t before = cache.generation();
  cache.forget(gallery::GalleryId(1));
  EXPECT_EQ(cache.find(key(1)), nullptr);
  EXPECT_NE(cache.find(key(2)), nullptr);
  cache.keep(key(1), snapshot(), before);
  EXPECT_EQ(cache.find(key(1)), nullptr);
  cache.forget_all();
  EXPECT_EQ(cache.find(key(2)), nullptr);
}

}  // namespace
}  // namespace faceforge::recognition::internal
