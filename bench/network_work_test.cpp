#include "network_work.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "nn/writer.h"
#include "support/test_data.h"

namespace faceforge::bench {
namespace {

nn::Tensor ones(std::vector<int64_t> shape) {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return {std::move(shape), std::vector<float>(count, 1)};
}

/// A convolution of 3 to 8 channels in steps of 2, one of each channel by itself, one in two
/// groups, and a matrix.
void write_network(const std::filesystem::path& file) {
  nn::GraphBuilder builder("work");
  builder.add_input({"picture", {-1, 3, 16, 16}});
  builder.add_initializer("plain", ones({8, 3, 3, 3}));
  builder.add_initializer("depthwise", ones({8, 1, 3, 3}));
  builder.add_initializer("grouped", ones({4, 4, 1, 1}));
  builder.add_initializer("matrix", ones({10, 4 * 8 * 8}));
  const std::vector<int64_t> border(4, 1);
  builder.add_node({"Conv",
                    {"picture", "plain"},
                    {"a"},
                    {{"pads", border}, {"strides", std::vector<int64_t>{2, 2}}}});
  builder.add_node({"Conv", {"a", "depthwise"}, {"b"}, {{"pads", border}, {"group", int64_t{8}}}});
  builder.add_node({"Relu", {"b"}, {"c"}});
  builder.add_node({"Conv", {"c", "grouped"}, {"d"}, {{"group", int64_t{2}}}});
  builder.add_node({"Flatten", {"d"}, {"e"}});
  builder.add_node({"Gemm", {"e", "matrix"}, {"out"}, {{"transB", int64_t{1}}}});
  builder.add_output({"out", {-1, 10}});
  const auto bytes = builder.serialize();
  ASSERT_TRUE(bytes) << bytes.error().message;
  ASSERT_TRUE(write_file_atomically(file, *bytes));
}

TEST(NetworkWork, ConvolutionsOfEveryKindAndMatricesCountForEachPicture) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "work.onnx";
  write_network(file);
  constexpr int64_t kPixels = 8 * 8;
  constexpr int64_t kByHand =
      kPixels * 8 * 27 + kPixels * 8 * 9 + kPixels * 4 * 4 + 10 * 4 * kPixels;
  for (const int64_t batch : {1, 5}) {
    const int64_t shape[] = {batch, 3, 16, 16};
    const auto sum = multiply_adds(file, shape);
    ASSERT_TRUE(sum) << sum.error().message;
    EXPECT_EQ(*sum, batch * kByHand);
  }
}

TEST(NetworkWork, APictureThatDoesNotFitIsAnError) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "work.onnx";
  write_network(file);
  const int64_t shape[] = {1, 4, 16, 16};
  const auto sum = multiply_adds(file, shape);
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().reason, "shape_mismatch");
}

}  // namespace
}  // namespace faceforge::bench
