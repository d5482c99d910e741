#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/network.h"
#include "nn/tensor.h"

namespace faceforge::evaluate {

/// What is taken from answers before their directions are compared.
enum class AnswerCentre {
  Zero,  ///< nothing
  Mean,  ///< the mean answer: where all lie in one direction, their cosines say nothing
};

/// What a network answers to examples, for others that should answer the same. Every core works on
/// an example of its own.
class NetworkAnswers {
 public:
  /// Asks the network of floats.
  ///
  /// in:    inputs of one picture each
  /// fails: as `nn::Network::run`
  [[nodiscard]] static Result<NetworkAnswers> of(const nn::Network& network,
                                                 std::vector<nn::Tensor> inputs,
                                                 AnswerCentre centre);

  /// The same with a known centre of the only output, which has one number a value of it.
  [[nodiscard]] static Result<NetworkAnswers> of(const nn::Network& network,
                                                 std::vector<nn::Tensor> inputs,
                                                 std::vector<float> centre);

  [[nodiscard]] size_t example_count() const { return examples_.size(); }

  /// Compares another network with it.
  ///
  /// in:    a network of the same inputs and outputs; at most the first `example_limit` examples
  /// out:   the mean, over examples and outputs, of the cosine between both answers less the
  ///        centre; 1 where both are all zero
  /// fails: as `nn::Network::parse` and `run`; corrupt/network_shape for other outputs
  [[nodiscard]] Result<double> mean_cosine(std::span<const std::byte> onnx,
                                           size_t example_limit) const;

 private:
  struct Example {
    nn::Tensor input;
    std::vector<nn::Tensor> answers;
  };

  std::vector<Example> examples_;
  std::vector<std::vector<float>> centres_;  ///< one an output; empty: zero
};

}  // namespace faceforge::evaluate
