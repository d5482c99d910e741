#pragma once

#include <array>
#include <cstdint>

#include "train/settings.h"

// The shapes of the networks: shared by the code that learns their weights and the code that writes
// them as ONNX.
namespace faceforge::train {

/// How many blocks each of the four stages of a ResNet has.
using BlockCounts = std::array<int64_t, 4>;

inline constexpr int64_t kResNetWidth = 64;     ///< channels of the first stage; each next: twice
inline constexpr int64_t kResNetExpansion = 4;  ///< of a bottleneck's last convolution

inline constexpr std::array<int64_t, 4> kIResNetWidths{64, 128, 256, 512};

/// out:    zeros for a network that is no ResNet
/// source: He et al. 2016, table 1; InsightFace's iresnet.py
[[nodiscard]] constexpr BlockCounts block_counts_of(NetworkKind kind) {
  switch (kind) {
    case NetworkKind::IResNet18:
      return {2, 2, 2, 2};
    case NetworkKind::ResNet50:
    case NetworkKind::IResNet34:
      return {3, 4, 6, 3};
    case NetworkKind::IResNet50:
      return {3, 4, 14, 3};
    case NetworkKind::IResNet100:
      return {3, 13, 30, 3};
    case NetworkKind::MobileFaceNet:
      break;
  }
  return {};
}

/// A row of MobileFaceNet's table: `count` inverted bottlenecks, the first with the stride.
struct MobileStage {
  int64_t expansion;
  int64_t out;
  int64_t count;
  int64_t stride;
};

inline constexpr int64_t kMobileWidth = 64;       ///< of the first layers
inline constexpr int64_t kMobileLastWidth = 512;  ///< before the global depthwise convolution
inline constexpr int64_t kMobileHalvings = 4;     ///< 112 px come out as 7 x 7 positions

/// source: Chen et al. 2018, "MobileFaceNets", table 1, rows 3 to 7
inline constexpr std::array<MobileStage, 5> kMobileStages{
    {{2, 64, 5, 2}, {4, 128, 1, 2}, {2, 128, 6, 1}, {4, 128, 1, 2}, {2, 128, 2, 1}}};

/// How far apart a batch norm's variance is kept from zero: PyTorch's own.
inline constexpr float kBatchNormEpsilon = 1e-5F;

}  // namespace faceforge::train
