#include "train/pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/nn/functional/conv.h>
#include <torch/nn/functional/vision.h>
#include <torch/utils.h>

namespace faceforge::train {
namespace {

namespace F = torch::nn::functional;
using torch::Tensor;

constexpr float kMiddle = 127.5F;

// How far the changes go.
constexpr float kMaxShift = 0.06F;    // of the side, in each direction
constexpr float kLeastScale = 0.85F;  // of the part that is seen, by its side
constexpr float kMaxScale = 1.1F;
constexpr float kMaxTurn_rad = 0.14F;    // 8 degrees
constexpr float kMaxBrightness = 0.25F;  // of the range's half
constexpr float kMaxContrast = 0.3F;
constexpr float kMaxSaturation = 0.5F;
constexpr float kLeastBlur = 0.008F;  // sigma, of the side
constexpr float kMaxBlur = 0.03F;
constexpr float kLeastResolution = 0.2F;  // of the side
constexpr float kMaxResolution = 0.6F;
constexpr float kLeastHidden = 0.15F;  // of the side
constexpr float kMaxHidden = 0.45F;

Tensor to_device(const std::vector<float>& numbers, const Tensor& like) {
  return torch::tensor(numbers, torch::kFloat).to(like.device());
}

/// One number for each picture, as [N, 1, 1, 1].
Tensor drawn_for_each(const Tensor& pictures, const std::function<float()>& draw) {
  std::vector<float> numbers(static_cast<size_t>(pictures.size(0)));
  for (float& number : numbers) number = draw();
  return to_device(numbers, pictures).view({-1, 1, 1, 1});
}

/// The places of the pictures that something of this probability happens to; often none.
std::vector<int64_t> chosen(int64_t count, float probability, Random& random) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) {
    if (random.happens(probability)) places.push_back(i);
  }
  return places;
}

/// Changes some of the pictures and leaves the others as they are.
Tensor change_some(const Tensor& pictures, float probability, Random& random,
                   const std::function<Tensor(const Tensor&)>& change) {
  const auto places = chosen(pictures.size(0), probability, random);
  if (places.empty()) return pictures;
  const Tensor index = torch::tensor(places, torch::kLong).to(pictures.device());
  return pictures.index_copy(0, index, change(pictures.index_select(0, index)));
}

/// Mirrors, moves, scales and turns in one sampling of the pictures.
Tensor warp(const Tensor& pictures, const AugmentationSettings& settings, Random& random) {
  std::vector<float> matrices;
  for (int64_t i = 0; i < pictures.size(0); ++i) {
    const float mirror = random.happens(settings.flip) ? -1.0F : 1.0F;
    float scale = 1;
    float turn_rad = 0;
    std::array<float, 2> shift{};
    if (random.happens(settings.crop)) {
      scale = random.between(kLeastScale, kMaxScale);
      turn_rad = random.between(-kMaxTurn_rad, kMaxTurn_rad);
      for (float& along : shift) along = random.between(-2 * kMaxShift, 2 * kMaxShift);
    }
    const float cosine = scale * std::cos(turn_rad);
    const float sine = scale * std::sin(turn_rad);
    matrices.insert(matrices.end(),
                    {mirror * cosine, -sine, shift[0], mirror * sine, cosine, shift[1]});
  }
  const Tensor grid = F::affine_grid(to_device(matrices, pictures).view({-1, 2, 3}),
                                     pictures.sizes(), /*align_corners=*/false);
  return F::grid_sample(pictures, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kReflection)
                            .align_corners(false));
}

Tensor colour(const Tensor& pictures, Random& random) {
  const auto around_one = [&](float most) {
    return drawn_for_each(pictures, [&random, most] { return 1 + random.between(-most, most); });
  };
  const Tensor brightness = drawn_for_each(
      pictures, [&random] { return random.between(-kMaxBrightness, kMaxBrightness); });
  const Tensor contrast = around_one(kMaxContrast);
  const Tensor saturation = around_one(kMaxSaturation);
  const Tensor mean = pictures.mean({1, 2, 3}, true);
  const Tensor contrasted = (pictures - mean) * contrast + mean + brightness;
  const Tensor grey = contrasted.mean(1, true);
  return ((contrasted - grey) * saturation + grey).clamp(-1, 1);
}

/// One sigma for all: a convolution with a picture's own kernel would be a group for each picture.
Tensor blur(const Tensor& pictures, Random& random) {
  const auto side = static_cast<float>(pictures.size(3));
  const float sigma = side * random.between(kLeastBlur, kMaxBlur);
  const auto radius = static_cast<int64_t>(std::ceil(2 * sigma));
  const Tensor places = torch::arange(-radius, radius + 1, pictures.options().dtype(torch::kFloat));
  Tensor kernel = (-(places / sigma).square() / 2).exp();
  kernel = kernel / kernel.sum();
  const std::vector<int64_t> border{radius, radius, radius, radius};
  const Tensor wide = torch::replication_pad2d(pictures, border);
  const auto of_each_channel = F::Conv2dFuncOptions().groups(3);
  const Tensor across =
      F::conv2d(wide, kernel.view({1, 1, 1, -1}).repeat({3, 1, 1, 1}), of_each_channel);
  return F::conv2d(across, kernel.view({1, 1, -1, 1}).repeat({3, 1, 1, 1}), of_each_channel);
}

Tensor interpolated(const Tensor& pictures, int64_t side_px) {
  const std::vector<int64_t> size{side_px, side_px};
  return torch::upsample_bilinear2d(pictures, torch::IntArrayRef(size), /*align_corners=*/false);
}

Tensor lower_resolution(const Tensor& pictures, Random& random) {
  const auto side = static_cast<float>(pictures.size(3));
  const int64_t drawn = std::lround(side * random.between(kLeastResolution, kMaxResolution));
  const int64_t small = std::max<int64_t>(drawn, 4);
  return interpolated(torch::adaptive_avg_pool2d(pictures, {small, small}), pictures.size(3));
}

/// Hides a rectangle of each picture behind one colour.
Tensor hide(const Tensor& pictures, Random& random) {
  const auto along = [&](int64_t length, std::vector<int64_t> view) {
    const Tensor places =
        (torch::arange(length, pictures.options()) + 0.5) / static_cast<double>(length);
    const Tensor extent =
        drawn_for_each(pictures, [&random] { return random.between(kLeastHidden, kMaxHidden); });
    const Tensor centre = drawn_for_each(pictures, [&random] { return random.between(0, 1); });
    return ((places.view(view) - centre).abs() * 2 < extent);
  };
  const Tensor hidden =
      along(pictures.size(2), {1, 1, -1, 1}).logical_and(along(pictures.size(3), {1, 1, 1, -1}));
  const Tensor grey = drawn_for_each(pictures, [&random] { return random.between(-1, 1); });
  return torch::where(hidden, grey, pictures);
}

}  // namespace

Tensor read_pictures(const crops::CropFile& crops, std::span<const size_t> crop_indices,
                     int64_t side_px, torch::Device device) {
  const crops::CropShape shape = crops.shape();
  const auto count = static_cast<int64_t>(crop_indices.size());
  Tensor bytes =
      torch::empty({count, shape.height_px, shape.width_px, 3},
                   torch::TensorOptions().dtype(torch::kUInt8).pinned_memory(device.is_cuda()));
  auto* next = bytes.data_ptr<uint8_t>();
  at::parallel_for(0, count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto pixels = crops.pixels(crop_indices[static_cast<size_t>(i)]);
      std::memcpy(next + static_cast<size_t>(i) * shape.bytes(), pixels.data(), pixels.size());
    }
  });
  Tensor pictures = bytes.to(device, /*non_blocking=*/true).permute({0, 3, 1, 2});
  pictures = pictures.to(torch::kFloat).sub_(kMiddle).div_(kMiddle);
  if (shape.width_px == side_px && shape.height_px == side_px) return pictures;
  if (shape.width_px > side_px && shape.height_px > side_px) {
    return torch::adaptive_avg_pool2d(pictures, {side_px, side_px});
  }
  return interpolated(pictures, side_px);
}

Tensor augment(Tensor pictures, const AugmentationSettings& settings, Random& random) {
  const torch::NoGradGuard no_gradient;
  if (settings.flip > 0 || settings.crop > 0) pictures = warp(pictures, settings, random);
  pictures = change_some(pictures, settings.colour, random,
                         [&](const Tensor& some) { return colour(some, random); });
  pictures = change_some(pictures, settings.blur, random,
                         [&](const Tensor& some) { return blur(some, random); });
  pictures = change_some(pictures, settings.low_resolution, random,
                         [&](const Tensor& some) { return lower_resolution(some, random); });
  pictures = change_some(pictures, settings.occlusion, random,
                         [&](const Tensor& some) { return hide(some, random); });
  return pictures.contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace faceforge::train
