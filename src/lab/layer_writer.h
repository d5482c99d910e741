#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "nn/writer.h"

namespace faceforge::lab {

/// Gives a tensor of a network's state by its name. Fails where it has none of that name and shape.
using WeightSource =
    std::function<Result<nn::Tensor>(const std::string& name, const std::vector<int64_t>& shape)>;

/// Square feature maps [N, channels, side, side] on their way through the graph being written.
struct FeatureMaps {
  std::string value;  ///< the tensor's name
  int64_t channels = 0;
  int64_t side = 0;
};

/// As PyTorch's Conv2d has it, square and without a bias.
struct ConvolutionShape {
  int64_t out = 0;
  int64_t side = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t groups = 1;
};

/// Writes a network layer by layer, as ONNX. Each layer has the name that it has in the network's
/// state, where its weights are found under that name; it fails as the source of weights.
class LayerWriter {
 public:
  /// in: `weights` outlives the writer
  LayerWriter(std::string graph_name, const WeightSource& weights);

  /// The input `input`, of pictures in [-1, 1], brought to another size where the two differ.
  FeatureMaps pictures(int64_t side_px, int64_t network_side_px);

  Result<FeatureMaps> convolution(const std::string& name, const FeatureMaps& maps,
                                  const ConvolutionShape& shape);
  Result<FeatureMaps> batch_norm(const std::string& name, const FeatureMaps& maps);
  Result<FeatureMaps> prelu(const std::string& name, const FeatureMaps& maps);
  FeatureMaps relu(const FeatureMaps& maps);
  FeatureMaps add(const FeatureMaps& one, const FeatureMaps& other);
  FeatureMaps max_pool(const std::string& name, const FeatureMaps& maps, int64_t side,
                       int64_t stride);
  FeatureMaps channel_means(const FeatureMaps& maps);

  /// A fully connected layer over all numbers of the maps; what comes out has a side of 1.
  Result<FeatureMaps> linear(const std::string& name, const FeatureMaps& maps, int64_t out);

  /// Flattens to [N, channels] and names the result `embedding`: the graph's output.
  ///
  /// in:    maps of a side of 1
  /// fails: as nn::GraphBuilder::serialize
  Result<std::vector<std::byte>> finish(const FeatureMaps& maps);

 private:
  std::string node(const std::string& op_type, const std::vector<std::string>& inputs,
                   const std::string& output,
                   std::map<std::string, nn::AttributeValue> attributes = {});

  /// Takes a tensor of the state in; the constant has its name.
  Result<std::string> constant(const std::string& name, const std::vector<int64_t>& shape);

  nn::GraphBuilder graph_;
  const WeightSource& weights_;
};

}  // namespace faceforge::lab
