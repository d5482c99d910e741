#include "lab/network_graph.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/file.h"
#include "lab/checkpoint_test_support.h"
#include "lab/resampling.h"
#include "nn/network.h"
#include "support/onnx_runtime.h"
#include "train/network_goldens_test_support.h"

namespace faceforge::lab {
namespace {

nn::Tensor wave_picture(int64_t side_px) {
  nn::Tensor picture{.shape = {1, 3, side_px, side_px}, .values = {}};
  for (int64_t place = 0; place < 3 * side_px * side_px; ++place) {
    picture.values.push_back(static_cast<float>(std::sin(static_cast<double>(place) * 0.3)));
  }
  return picture;
}

std::vector<float> embedding_of(const std::vector<std::byte>& onnx, const nn::Tensor& picture) {
  const auto network = nn::Network::parse(onnx);
  EXPECT_TRUE(network) << network.error().message;
  const auto outputs = network->run(picture);
  EXPECT_TRUE(outputs) << outputs.error().message;
  return outputs->front().values;
}

TEST(NetworkGraph, AnswersWhatPythonsNetworkAnswers) {
  for (const train::NetworkGolden& golden : train::network_goldens()) {
    const auto side_px = golden.settings.input_side_px;
    const auto onnx = write_network(golden.settings, side_px, waves);
    ASSERT_TRUE(onnx) << golden.name << ": " << onnx.error().message;
    const auto embedding = embedding_of(*onnx, wave_picture(side_px));
    ASSERT_EQ(std::ssize(embedding), golden.settings.embedding_length) << golden.name;
    double sum = 0;
    for (const float number : embedding) sum += static_cast<double>(number) * number;
    // Floats here, doubles there.
    const double tolerance = 1e-4 * golden.length;
    EXPECT_NEAR(std::sqrt(sum), golden.length, tolerance) << golden.name;
    for (size_t i = 0; i < golden.first.size(); ++i) {
      EXPECT_NEAR(embedding[i], golden.first[i], tolerance) << golden.name;
    }
  }
}

TEST(NetworkGraph, TheNeckIsABatchNormBehindTheFeatures) {
  train::NetworkSettings settings{
      .kind = train::NetworkKind::MobileFaceNet, .embedding_length = 8, .input_side_px = 32};
  const nn::Tensor picture = wave_picture(32);
  const auto features = embedding_of(*write_network(settings, 32, waves), picture);
  settings.neck = train::Neck::BatchNorm;
  const auto embedding = embedding_of(*write_network(settings, 32, waves), picture);
  ASSERT_EQ(embedding.size(), 8U);
  const auto part = [](const char* name, size_t i) {
    return wave_weights(std::string("neck.") + name, {8}).values[i];
  };
  for (size_t i = 0; i < embedding.size(); ++i) {
    const float expected = (features[i] - part("running_mean", i)) /
                               std::sqrt(part("running_var", i) + 1e-5F) * part("weight", i) +
                           part("bias", i);
    EXPECT_NEAR(embedding[i], expected, 1e-5) << i;
  }
}

TEST(NetworkGraph, CropsLargerThanTheNetworksInputAreAveragedDown) {
  const train::NetworkSettings settings{
      .kind = train::NetworkKind::MobileFaceNet, .embedding_length = 8, .input_side_px = 32};
  const nn::Tensor small = wave_picture(32);
  nn::Tensor large{.shape = {1, 3, 64, 64}, .values = {}};
  for (size_t place = 0; place < size_t{3} * 64 * 64; ++place) {
    const size_t row = place / 64 % 64, column = place % 64, channel = place / (64 * 64);
    // The four pixels in the place of one differ, and their mean is its value.
    const float sign = (row + column) % 2 == 0 ? 0.25F : -0.25F;
    large.values.push_back(small.values[(channel * 32 + row / 2) * 32 + column / 2] + sign);
  }
  const auto expected = embedding_of(*write_network(settings, 32, waves), small);
  const auto embedding = embedding_of(*write_network(settings, 64, waves), large);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(embedding[i], expected[i], 1e-4) << i;
}

TEST(NetworkGraph, OnnxRuntimeAgrees) {
  SKIP_WITHOUT_ONNX_RUNTIME();
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "network.onnx";
  for (const auto kind : {train::NetworkKind::ResNet50, train::NetworkKind::IResNet18,
                          train::NetworkKind::MobileFaceNet}) {
    const auto onnx = write_network(
        {.kind = kind, .embedding_length = 32, .input_side_px = 48, .neck = train::Neck::BatchNorm},
        80, waves);
    ASSERT_TRUE(onnx);
    ASSERT_TRUE(write_file_atomically(file, *onnx));
    const nn::Tensor pictures = test::noise({3, 3, 80, 80}, -1, 1);
    const auto ours = nn::Network::parse(*onnx)->run(pictures);
    ASSERT_TRUE(ours) << ours.error().message;
    EXPECT_LE(test::largest_difference(*ours, test::onnx_runtime(file, pictures)), 1e-4)
        << train::to_string(kind);
  }
}

TEST(NetworkGraph, FailsAsItsSourceOfWeights) {
  const WeightSource without_neck = [](const std::string& name,
                                       const std::vector<int64_t>& shape) -> Result<nn::Tensor> {
    if (name == "neck.running_var") return fail(ErrorCode::NotFound, "not_here", "{}", name);
    return wave_weights(name, shape);
  };
  const auto onnx = write_network({.kind = train::NetworkKind::MobileFaceNet,
                                   .embedding_length = 8,
                                   .input_side_px = 16,
                                   .neck = train::Neck::BatchNorm},
                                  16, without_neck);
  ASSERT_FALSE(onnx);
  EXPECT_EQ(onnx.error().message, "neck.running_var");
}

// Values of torch.nn.functional.adaptive_avg_pool1d and interpolate(mode='linear').
TEST(Resampling, AveragesDownAndInterpolatesUp) {
  using Row = std::vector<float>;
  EXPECT_EQ(resampling_matrix(4, 2).values, (Row{0.5F, 0, 0.5F, 0, 0, 0.5F, 0, 0.5F}));
  const float third = 1.0F / 3;
  EXPECT_EQ(resampling_matrix(5, 3).values,
            (Row{0.5F, 0, 0, 0.5F, third, 0, 0, third, 0, 0, third, 0.5F, 0, 0, 0.5F}));
  EXPECT_EQ(resampling_matrix(2, 4).values, (Row{1, 0.75F, 0.25F, 0, 0, 0.25F, 0.75F, 1}));
}

}  // namespace
}  // namespace faceforge::lab
