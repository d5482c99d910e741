#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"

/// What tests share that compare a converted network with its package's own JavaScript: pictures
/// and answers go through files of little-endian floats.
namespace faceforge::test {

inline void write_floats(const std::filesystem::path& path, const std::vector<float>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
}

inline std::vector<float> read_floats(const std::filesystem::path& path) {
  const auto bytes = read_file(path, 1 << 26);
  if (!bytes) return {};
  std::vector<float> values(bytes->size() / sizeof(float));
  std::memcpy(values.data(), bytes->data(), values.size() * sizeof(float));
  return values;
}

/// Infinite where the two cannot be compared: other sizes, nothing, or what is no number.
inline float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr float kIncomparable = std::numeric_limits<float>::infinity();
  if (a.size() != b.size() || a.empty()) return kIncomparable;
  float largest = 0;
  for (size_t index = 0; index < a.size(); ++index) {
    const float difference = std::abs(a[index] - b[index]);
    if (std::isnan(difference)) return kIncomparable;  // std::max would pass over it
    largest = std::max(largest, difference);
  }
  return largest;
}

/// Checks how far apart two outputs are, and leaves the figure in the test's report.
inline void expect_close(const char* what, const std::vector<float>& ours,
                         const std::vector<float>& theirs, float limit) {
  const float difference = largest_difference(ours, theirs);
  ::testing::Test::RecordProperty(what, fmt::format("{}", difference));
  std::cout << fmt::format("{}: {} numbers, largest difference {:.2e}, limit {:.0e}\n", what,
                           ours.size(), difference, limit);
  EXPECT_LE(difference, limit) << what;
}

}  // namespace faceforge::test
