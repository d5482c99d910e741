#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lab/network_graph.h"
#include "train/checkpoint.h"

namespace faceforge::lab {

/// The weights that tests/train/network_golden.py fills in: functions of their names, as the
/// backbone has them, and places.
inline nn::Tensor wave_weights(const std::string& full_name, const std::vector<int64_t>& shape) {
  const std::string name = full_name.starts_with(train::kBackbonePrefix)
                               ? full_name.substr(train::kBackbonePrefix.size())
                               : full_name;
  nn::Tensor tensor{.shape = shape, .values = {}};
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  const double spread =
      std::sqrt(4.0 / (static_cast<double>(count) / static_cast<double>(shape[0])));
  for (size_t place = 0; place < count; ++place) {
    const double wave =
        std::sin(static_cast<double>(place) * 0.7 + static_cast<double>(name.size()));
    double value = 0.1 * wave;
    if (name.ends_with("running_var")) {
      value = 1 + 0.5 * wave;
    } else if (shape.size() > 1) {
      value = spread * wave;
    } else if (name.ends_with("weight")) {
      value = 0.6 + 0.2 * wave;
    }
    tensor.values.push_back(static_cast<float>(value));
  }
  return tensor;
}

inline Result<nn::Tensor> waves(const std::string& name, const std::vector<int64_t>& shape) {
  return wave_weights(name, shape);
}

/// Named tensors on their way into a checkpoint.
class WrittenCheckpoint {
 public:
  /// Of a network with the weights above, under `prefix`.
  WrittenCheckpoint(const train::NetworkSettings& network, uint32_t crop_side_px,
                    std::string_view prefix = train::kNetworkPrefix) {
    state.step = 3;
    state.settings.network = network;
    state.crop_shape = crops::CropShape{.width_px = crop_side_px, .height_px = crop_side_px};
    const std::vector<std::string> people{"Ann", "Bob"};
    state.trained_people = crops::TrainedPeople(crops::PersonSalt{std::byte{7}}, people);
    add(prefix);
  }

  /// All of the network's tensors under another prefix, too.
  void add(std::string_view prefix, float factor = 1) {
    const WeightSource recorder = [&](const std::string& name,
                                      const std::vector<int64_t>& shape) -> Result<nn::Tensor> {
      nn::Tensor tensor = wave_weights(name, shape);
      for (float& value : tensor.values) value *= factor;
      tensors.emplace_back(std::string(prefix) + name, tensor);
      return tensor;
    };
    EXPECT_TRUE(write_network(state.settings.network, state.crop_shape->width_px, recorder));
  }

  void write(const std::filesystem::path& path) const {
    std::vector<train::StoredTensor> stored = train::to_tensors(state);
    for (const auto& [name, tensor] : tensors) {
      stored.push_back({.name = name,
                        .type = train::ElementType::F32,
                        .shape = tensor.shape,
                        .bytes = std::as_bytes(std::span(tensor.values))});
    }
    ASSERT_TRUE(train::write_tensor_file(path, stored, train::to_metadata(state)));
  }

  train::CheckpointState state;
  std::vector<std::pair<std::string, nn::Tensor>> tensors;
};

}  // namespace faceforge::lab
