// Which kernels stand behind whole networks: those of the data folder's packs, and an IResNet-50
// that the maker of the speed runs' networks writes, in floats and on bytes.

#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/shape.h"
#include "support/test_data.h"

namespace faceforge::nn {
namespace {

/// Of an input that leaves it open; every detector's stride divides it.
constexpr int64_t kOpenSide_px = 320;

void expect_no_reference_kernel(const std::filesystem::path& file) {
  const auto network = Network::load(file);
  ASSERT_TRUE(network) << network.error().message;
  for (const int64_t batch : {1, 8}) {
    Shape shape = network->inputs()[0].shape;
    for (int64_t& dimension : shape) dimension = dimension < 0 ? kOpenSide_px : dimension;
    shape[0] = batch;
    for (const int thread_count : {1, 2}) {
      const auto lines = network->implementations(shape, {.thread_count = thread_count});
      ASSERT_TRUE(lines) << file << ": " << lines.error().message;
      EXPECT_GT(lines->size(), 20U) << file;
      for (const std::string& line : *lines) {
        const std::string kernel = line.substr(line.rfind(": ") + 2);
        EXPECT_EQ(kernel.find("ref"), std::string::npos)
            << file << ", batch " << batch << ", " << thread_count << " threads: " << line;
      }
    }
  }
}

TEST(KernelsOfNetworks, NoNetworkOfThePacksFallsToAReferenceKernel) {
  SKIP_WITHOUT_TEST_DATA(data);
  int file_count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "packs")) {
    if (entry.path().extension() != ".onnx") continue;
    ++file_count;
    expect_no_reference_kernel(entry.path());
  }
  EXPECT_GE(file_count, 9);
}

TEST(KernelsOfNetworks, NorDoesAnIResNet50InFloatsOrOnBytes) {
  const test::TemporaryFolder folder;
  const auto floats = folder.path() / "iresnet50.onnx", bytes = folder.path() / "bytes.onnx";
  const auto make = [](const std::string& arguments) {
    return std::system(fmt::format("'{}' {}", FACEFORGE_NN_MODELS, arguments).c_str());
  };
  ASSERT_EQ(make(fmt::format("iresnet50 '{}'", floats.string())), 0);
  ASSERT_EQ(make(fmt::format("quantize '{}' '{}' 112", floats.string(), bytes.string())), 0);
  expect_no_reference_kernel(floats);
  expect_no_reference_kernel(bytes);
}

}  // namespace
}  // namespace faceforge::nn
