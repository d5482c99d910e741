// Whole networks, of the data folder and of the pack made from npm packages, against ONNX Runtime,
// which node runs in tests/onnxruntime.

#include <cctype>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/shape.h"
#include "support/onnx_runtime.h"
#include "support/test_data.h"

namespace faceforge::nn {
namespace {

/// Relative to the largest number of an output: sums in another order differ by this much less.
constexpr double kTolerance = 1e-4;

struct Case {
  const char* file;
  std::vector<int64_t> batches;
  std::vector<std::pair<int64_t, int64_t>> sizes;  ///< rows and columns
  float low, high;
};

// A batch of one where the file itself fixes it: ONNX Runtime refuses more.
const Case kCases[] = {
    {"packs/retinaface-mbf/mbf_512.onnx", {1, 2, 5}, {{112, 112}}, -1, 1},
    {"packs/scrfd-mbf/w600k_mbf.onnx", {1, 2, 5}, {{112, 112}}, -1, 1},
    {"packs/scrfd-mbf/scrfd_2.5g_bnkps.onnx", {1}, {{640, 640}, {256, 320}, {64, 96}}, -1, 1},
    {"packs/scrfd500-mbf/det_500m.onnx", {1}, {{640, 640}, {256, 320}, {64, 96}}, -1, 1},
    {"packs/retinaface-mbf/retinaface_mnet025.onnx",
     {1, 2, 5},
     {{256, 256}, {250, 250}, {320, 96}},
     -120,
     140},
    {"packs/yunet-mbf/yunet_n.onnx", {1, 2, 5}, {{256, 256}, {160, 320}, {640, 640}}, 0, 255},
    {"packs/yunet-mbf/minifasnet_v2_2.7.onnx", {1}, {{80, 80}}, 0, 255},
    {"packs/yunet-mbf/minifasnet_v1se_4.0.onnx", {1}, {{80, 80}}, 0, 255},
    {"odd/scrfd_2.5g_static640.onnx", {1}, {{640, 640}}, -1, 1},
    {"odd/scrfd_500m_shape_nodes.onnx", {1}, {{640, 640}}, -1, 1},
};

// Of the pack that is made from npm packages.
const Case kNpmCases[] = {
    {"face_landmark_68.onnx", {1, 2, 5}, {{112, 112}}, -0.5F, 0.6F},
    {"face_recognition.onnx", {1, 2, 5}, {{150, 150}}, -0.5F, 0.6F},
    {"faceres.onnx", {1, 2, 5}, {{224, 224}}, -124, 152},
    {"blazeface.onnx", {1, 2}, {{256, 256}}, -1, 1},
};

std::string name_of(const testing::TestParamInfo<Case>& tested) {
  std::string name = tested.param.file;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

class WholeNetwork : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { SKIP_WITHOUT_ONNX_RUNTIME(); }
};
class NpmNetwork : public WholeNetwork {};

void expect_what_onnx_runtime_gives(const std::filesystem::path& model, const Case& tested) {
  const auto network = Network::load(model);
  ASSERT_TRUE(network) << network.error().message;
  for (const auto& [rows, columns] : tested.sizes) {
    for (const int64_t batch : tested.batches) {
      const Tensor input = test::noise({batch, 3, rows, columns}, tested.low, tested.high);
      const auto theirs = test::onnx_runtime(model, input);
      ASSERT_FALSE(theirs.empty()) << "ONNX Runtime refuses " << to_string(input.shape);
      for (const int thread_count : {1, 2}) {
        const auto ours = network->run(input, {.thread_count = thread_count});
        ASSERT_TRUE(ours) << ours.error().message;
        const double difference = test::largest_difference(*ours, theirs);
        fmt::print("{} {}: {:.1e}\n", tested.file, to_string(input.shape), difference);
        EXPECT_LE(difference, kTolerance) << to_string(input.shape);
      }
    }
  }
}

TEST_P(WholeNetwork, GivesWhatOnnxRuntimeGives) {
  SKIP_WITHOUT_TEST_DATA(data);
  expect_what_onnx_runtime_gives(data / GetParam().file, GetParam());
}

TEST_P(NpmNetwork, GivesWhatOnnxRuntimeGives) {
  const char* pack = std::getenv("FACEFORGE_TEST_NPM_PACK");
  if (pack == nullptr || !std::filesystem::is_directory(pack)) {
    GTEST_SKIP() << "FACEFORGE_TEST_NPM_PACK names no folder with the npm pack";
  }
  const auto model = std::filesystem::path(pack) / GetParam().file;
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "the npm pack has no " << GetParam().file;
  expect_what_onnx_runtime_gives(model, GetParam());
}

INSTANTIATE_TEST_SUITE_P(OfTheDataFolder, WholeNetwork, testing::ValuesIn(kCases), name_of);
INSTANTIATE_TEST_SUITE_P(OfTheNpmPack, NpmNetwork, testing::ValuesIn(kNpmCases), name_of);

}  // namespace
}  // namespace faceforge::nn
