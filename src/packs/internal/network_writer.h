#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "nn/writer.h"
#include "packs/npm_weights.h"

namespace faceforge::packs {

/// A square feature map on its way through the graph being written.
struct Feature {
  std::string name;
  int64_t channels = 0;
  int64_t side = 0;
};

enum class Padding {
  Same,   ///< TensorFlow's: what is odd goes below and to the right
  Valid,  ///< none
};

enum class Activation {
  None,
  Relu,
  Relu6,
  LeakyRelu,  ///< of slope 0.1
};

struct ConvolutionOptions {
  int64_t kernel = 3;
  int64_t stride = 1;
  Padding padding = Padding::Same;
  Activation activation = Activation::None;
};

/// A depthwise filter [height, width, channels, 1] has its inputs and outputs the other way round.
enum class FilterKind { Ordinary, Depthwise };

/// TensorFlow's layout [height, width, in, out] to ONNX's [out, in, height, width].
[[nodiscard]] nn::Tensor to_onnx_filter(const nn::Tensor& filter, FilterKind kind);

/// Multiplies each output channel of an ONNX filter by its factor.
void scale_output_channels(nn::Tensor& filter, std::span<const float> factors);

/// One network on its way from named weights to an ONNX graph.
class NetworkWriter {
 public:
  /// `weights` must outlive the writer.
  NetworkWriter(std::string name, const NpmWeights& weights);

  [[nodiscard]] nn::GraphBuilder& graph() { return graph_; }

  /// Adds the input `input` [N, 3, side, side].
  Feature input(int64_t side);

  /// fails: corrupt/weight_missing or weight_shape naming the tensor
  [[nodiscard]] Result<nn::Tensor> weight(const std::string& name,
                                          const std::vector<int64_t>& shape) const;

  /// Adds an operator with one output and returns the output's name.
  std::string node(const std::string& op_type, const std::vector<std::string>& inputs,
                   const std::string& output,
                   std::map<std::string, nn::AttributeValue> attributes = {});

  std::string activate(const std::string& input, Activation activation);

  /// in: `filter` as ONNX lays it out, with fewer inputs than `input` when it is grouped; `bias`
  ///     one value an output channel, or none
  Feature convolution(const std::string& name, const Feature& input, const nn::Tensor& filter,
                      const nn::Tensor& bias, const ConvolutionOptions& options);

  /// A depthwise convolution of 3x3 and a pointwise one with bias, nothing between them: the
  /// weights `name`/depthwise_filter, pointwise_filter and bias.
  ///
  /// fails: as weight
  Result<Feature> separable(const std::string& name, const Feature& input, int64_t out_channels,
                            int64_t stride);

  /// The largest of each 2x2, with TensorFlow's SAME borders.
  Feature max_pool(const std::string& name, const Feature& input, int64_t stride);

  Feature add(const std::string& name, const Feature& a, const Feature& b);

  /// Appends zeros below, to the right, and behind the last channel.
  Feature pad(const Feature& input, int64_t side, int64_t channels);

  /// Flattens a feature map to its mean a channel, [N, channels].
  std::string channel_means(const Feature& input);

 private:
  nn::GraphBuilder graph_;
  const NpmWeights& weights_;
  bool has_relu6_bounds_ = false;
};

}  // namespace faceforge::packs
