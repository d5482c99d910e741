#include "nn/network.h"

#include <gtest/gtest.h>

#include "nn/shape.h"
#include "support/test_data.h"

namespace faceforge::nn {
namespace {

/// Every ONNX file below the packs of the data folder.
std::vector<std::filesystem::path> pack_files(const std::filesystem::path& data) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "packs")) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path());
  }
  return files;
}

Tensor half_grey(Shape shape, int64_t batch, int64_t open_side_px) {
  shape[0] = batch;
  for (int64_t& dimension : shape) dimension = dimension < 0 ? open_side_px : dimension;
  const auto count = static_cast<size_t>(element_count(shape));
  return {std::move(shape), std::vector<float>(count, 0.5F)};
}

TEST(Network, EveryNetworkOfThePacksRunsOnBatchesOfOneAndTwo) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const auto& file : pack_files(data)) {
    const auto network = Network::load(file);
    ASSERT_TRUE(network) << file << ": " << network.error().message;
    for (const int64_t batch : {1, 2}) {
      const auto outputs = network->run(half_grey(network->inputs()[0].shape, batch, 96));
      ASSERT_TRUE(outputs) << file << ": " << outputs.error().message;
      EXPECT_EQ(outputs->size(), network->outputs().size());
    }
  }
}

}  // namespace
}  // namespace faceforge::nn
