#pragma once

#include <cstdint>
#include <vector>

#include "train/settings.h"

namespace faceforge::train {

/// What Python's networks answer: torchvision's own ResNet-50, InsightFace's IResNet and
/// MobileFaceNet's table written in PyTorch once more. tests/train/network_golden.py prints them.
/// Weights and picture are waves, functions of names and places.
struct NetworkGolden {
  const char* name;
  NetworkSettings settings;
  int64_t parameter_count;
  std::vector<double> first;  ///< three outputs
  double length;              ///< of the whole output
};

inline const std::vector<NetworkGolden>& network_goldens() {
  const auto of = [](NetworkKind kind, int64_t length, int64_t side_px = 112) {
    return NetworkSettings{.kind = kind, .embedding_length = length, .input_side_px = side_px};
  };
  static const std::vector<NetworkGolden> all{
      {"ResNet-50, 1000 outputs",
       of(NetworkKind::ResNet50, 1000, 64),
       25'557'032,
       {-1281474249.725747, -6195930206.489764, -5058206347.239948},
       146990315278.921417},
      {"ResNet-50, 512 outputs",
       of(NetworkKind::ResNet50, 512, 64),
       24'557'120,
       {-1281474249.725747, -6195930206.489764, -5058206347.239948},
       105108102986.938309},
      {"IResNet-18",
       of(NetworkKind::IResNet18, 512),
       24'025'088,
       {0.123691, 0.203304, 0.216232},
       3.301580},
      {"IResNet-34",
       of(NetworkKind::IResNet34, 512),
       34'138'816,
       {0.654647, 0.628358, 0.564479},
       11.008982},
      {"IResNet-50",
       of(NetworkKind::IResNet50, 512),
       43'590'336,
       {1.157747, 1.062216, 0.946771},
       19.883802},
      {"IResNet-100",
       of(NetworkKind::IResNet100, 512),
       65'155'648,
       {0.817505, 0.912476, 0.929881},
       34.813039},
      {"MobileFaceNet, 128 outputs",
       of(NetworkKind::MobileFaceNet, 128),
       1'003'136,
       {-1.253338, -2.063414, -2.447417},
       14.286973},
      {"MobileFaceNet, 512 outputs",
       of(NetworkKind::MobileFaceNet, 512),
       1'200'512,
       {-1.253338, -2.063414, -2.447417},
       28.107170}};
  return all;
}

}  // namespace faceforge::train
