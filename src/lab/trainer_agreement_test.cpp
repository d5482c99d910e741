// What the graph that is exported answers, in our engine and in ONNX Runtime, against LibTorch's
// network, for every network that can be trained.

#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "base/file.h"
#include "lab/checkpoint.h"
#include "lab/network_graph.h"
#include "nn/network.h"
#include "support/onnx_runtime.h"
#include "train/networks.h"
#include "train/pictures.h"
#include "train/synthetic_crops_test_support.h"
#include "train/weights.h"

namespace faceforge::lab {
namespace {

using torch::Tensor;

constexpr double kTolerance = 1e-4;  // of the largest number
constexpr uint32_t kCropSide_px = 112;

/// Statistics and slopes as after some training: away from zeros and ones.
void disturb(torch::nn::Module& network) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : train::state_of(network)) {
    if (tensor.dim() ==
        4) {  // a hundred layers that each enlarge their numbers pass a float's range
      const double fan_in =
          static_cast<double>(tensor.numel()) / static_cast<double>(tensor.size(0));
      Tensor(tensor).div_(tensor.std() * std::sqrt(fan_in));
    }
    if (tensor.dim() != 1) continue;
    const Tensor drawn = torch::rand_like(tensor);
    if (name.ends_with("running_var")) {
      Tensor(tensor).copy_(0.5 + drawn);
    } else if (name.ends_with("weight")) {
      Tensor(tensor).mul_(0.8 + 0.4 * drawn);
    } else {
      Tensor(tensor).add_(0.2 * drawn - 0.1);
    }
  }
}

nn::Tensor to_tensor(const Tensor& numbers) {
  const Tensor flat = numbers.contiguous();
  nn::Tensor tensor{.shape = flat.sizes().vec(), .values = {}};
  tensor.values.assign(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  return tensor;
}

class Agreement : public testing::TestWithParam<train::NetworkSettings> {
 protected:
  /// The network of the parameter: LibTorch's, and as a file that was exported.
  void make() {
    const train::NetworkSettings& settings = GetParam();
    network_ = train::make_network(settings, 1);
    disturb(*network_);
    network_->eval();
    train::TensorCollection tensors;
    tensors.add(train::kNetworkPrefix, train::state_of(*network_));
    train::CheckpointState state;
    state.settings.network = settings;
    state.crop_shape = crops::CropShape{.width_px = kCropSide_px, .height_px = kCropSide_px};
    state.trained_people = crops::TrainedPeople({}, std::vector<std::string>{"ada"});
    std::vector<train::StoredTensor> stored = to_tensors(state);
    stored.insert(stored.end(), tensors.tensors().begin(), tensors.tensors().end());
    const auto path = folder_.path() / "checkpoint.safetensors";
    ASSERT_TRUE(write_tensor_file(path, stored, to_metadata(state)));
    const auto checkpoint = Checkpoint::read(path);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    const auto onnx = write_network(settings, kCropSide_px, checkpoint->weights());
    ASSERT_TRUE(onnx) << onnx.error().message;
    ASSERT_TRUE(write_file_atomically(onnx_file_, *onnx));
  }

  /// in: `crops` at their own size, `pictures` as LibTorch brings them to the network's
  void expect_agreement(const nn::Tensor& crops, const Tensor& pictures, const char* what) {
    const torch::NoGradGuard no_gradient;
    const std::vector<nn::Tensor> theirs{to_tensor(network_->forward(pictures).embedding)};
    const auto network = nn::Network::load(onnx_file_);
    ASSERT_TRUE(network) << network.error().message;
    const auto ours = network->run(crops);
    ASSERT_TRUE(ours) << ours.error().message;
    const double engine = test::largest_difference(*ours, theirs);
    EXPECT_LE(engine, kTolerance);
    fmt::print("{} {} px, {}: {:.1e}", train::to_string(GetParam().kind), GetParam().input_side_px,
               what, engine);
    if (std::filesystem::is_directory(test::onnx_runtime_folder() / "node_modules")) {
      const double runtime =
          test::largest_difference(test::onnx_runtime(onnx_file_, crops), theirs);
      EXPECT_LE(runtime, kTolerance);
      fmt::print(", ONNX Runtime {:.1e}", runtime);
    }
    fmt::print("\n");
  }

  test::TemporaryFolder folder_;
  std::filesystem::path onnx_file_ = folder_.path() / "network.onnx";
  std::shared_ptr<train::EmbeddingNetwork> network_;
};

TEST_P(Agreement, OfEngineAndOnnxRuntimeWithLibTorch) {
  make();
  if (HasFatalFailure()) return;
  const auto crops_file = folder_.path() / "crops.ffd";
  train::write_synthetic_crops(crops_file, {2, 1}, kCropSide_px);
  const auto crops = crops::CropFile::open(crops_file);
  ASSERT_TRUE(crops);
  const std::vector<size_t> all{0, 1, 2};
  const auto side = GetParam().input_side_px;
  expect_agreement(to_tensor(train::read_pictures(*crops, all, kCropSide_px, torch::kCPU)),
                   train::read_pictures(*crops, all, side, torch::kCPU), "crops");

  const nn::Tensor noise = test::noise({2, 3, kCropSide_px, kCropSide_px}, -1, 1);
  Tensor pictures = torch::from_blob(const_cast<float*>(noise.values.data()), noise.shape).clone();
  if (side < kCropSide_px) pictures = torch::adaptive_avg_pool2d(pictures, {side, side});
  if (side > kCropSide_px) {
    const std::vector<int64_t> size{side, side};
    pictures = torch::upsample_bilinear2d(pictures, torch::IntArrayRef(size), false);
  }
  expect_agreement(noise, pictures, "noise");
}

using train::NetworkKind;

INSTANTIATE_TEST_SUITE_P(
    OfEveryNetwork, Agreement,
    testing::Values(
        train::NetworkSettings{.kind = NetworkKind::ResNet50},
        train::NetworkSettings{.kind = NetworkKind::ResNet50, .input_side_px = 64},
        train::NetworkSettings{
            .kind = NetworkKind::ResNet50, .embedding_length = 64, .neck = train::Neck::BatchNorm},
        train::NetworkSettings{.kind = NetworkKind::IResNet18, .input_side_px = 64},
        train::NetworkSettings{.kind = NetworkKind::IResNet34, .embedding_length = 128},
        train::NetworkSettings{.kind = NetworkKind::IResNet50},
        train::NetworkSettings{.kind = NetworkKind::IResNet100},
        train::NetworkSettings{.kind = NetworkKind::MobileFaceNet},
        train::NetworkSettings{.kind = NetworkKind::MobileFaceNet, .input_side_px = 128},
        train::NetworkSettings{.kind = NetworkKind::MobileFaceNet,
                               .embedding_length = 128,
                               .input_side_px = 50,
                               .neck = train::Neck::BatchNorm}));

}  // namespace
}  // namespace faceforge::lab
