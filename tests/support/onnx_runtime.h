#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "nn/tensor.h"
#include "support/test_data.h"

// ONNX Runtime, which node runs in tests/onnxruntime, as the reference for whole networks.
namespace faceforge::test {

inline std::filesystem::path onnx_runtime_folder() {
  return source_folder() / "tests/onnxruntime";
}

inline size_t element_count(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

/// Numbers of [low, high], the same each time.
inline nn::Tensor noise(std::vector<int64_t> shape, float low, float high) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> numbers(low, high);
  nn::Tensor tensor{std::move(shape), {}};
  tensor.values.resize(element_count(tensor.shape));
  for (float& value : tensor.values) value = numbers(random);
  return tensor;
}

inline std::string in_quotes(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

/// What ONNX Runtime makes of an input; nothing when it refuses.
inline std::vector<nn::Tensor> onnx_runtime(const std::filesystem::path& model,
                                            const nn::Tensor& input) {
  const TemporaryFolder folder;
  const auto input_file = folder.path() / "input", output_file = folder.path() / "output";
  std::ofstream(input_file, std::ios::binary)
      .write(reinterpret_cast<const char*>(input.values.data()),
             static_cast<std::streamsize>(input.values.size() * sizeof(float)));
  std::string command =
      fmt::format("node {} {} {} {}", in_quotes(onnx_runtime_folder() / "reference.mjs"),
                  in_quotes(model), in_quotes(input_file), in_quotes(output_file));
  for (const int64_t dimension : input.shape) command += " " + std::to_string(dimension);
  if (std::system((command + " 2>/dev/null").c_str()) != 0) return {};
  std::ifstream file(output_file, std::ios::binary);
  std::vector<nn::Tensor> outputs;
  uint32_t rank = 0;
  while (file.read(reinterpret_cast<char*>(&rank), sizeof rank)) {
    nn::Tensor output;
    for (uint32_t axis = 0; axis < rank; ++axis) {
      uint32_t dimension = 0;
      file.read(reinterpret_cast<char*>(&dimension), sizeof dimension);
      output.shape.push_back(dimension);
    }
    output.values.resize(element_count(output.shape));
    file.read(reinterpret_cast<char*>(output.values.data()),
              static_cast<std::streamsize>(output.values.size() * sizeof(float)));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

/// The largest difference of any output, relative to that output's largest number.
inline double largest_difference(const std::vector<nn::Tensor>& ours,
                                 const std::vector<nn::Tensor>& theirs) {
  if (ours.size() != theirs.size()) return INFINITY;
  double worst = 0;
  for (size_t index = 0; index < ours.size(); ++index) {
    if (ours[index].shape != theirs[index].shape) return INFINITY;
    double largest = 0, difference = 0;
    for (size_t at = 0; at < ours[index].values.size(); ++at) {
      const double a = ours[index].values[at], b = theirs[index].values[at];
      if (std::isnan(a)) return INFINITY;
      largest = std::max(largest, std::abs(b));
      difference = std::max(difference, std::abs(a - b));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

}  // namespace faceforge::test

#define SKIP_WITHOUT_ONNX_RUNTIME()                                                              \
  if (!std::filesystem::is_directory(::faceforge::test::onnx_runtime_folder() / "node_modules")) \
  GTEST_SKIP() << "onnxruntime-node is not there: npm ci --ignore-scripts in "                   \
               << ::faceforge::test::onnx_runtime_folder()
