#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/test_graph.h"

/// Small graphs for the test that compares the conversion of each operator with TensorFlow.js.
namespace faceforge::packs::test_support {

enum class Numbers { AnySign, Positive };

struct OperatorInput {
  std::string name = "x";
  std::vector<int64_t> shape = {};  ///< without the batch
};

struct OperatorCase {
  std::string name;  ///< letters, digits and underscores, used once
  test::TestGraph graph;
  std::vector<OperatorInput> inputs;
  std::vector<std::string> outputs = {"y"};
  bool is_picture = true;  ///< outputs of rank 4 are [batch, row, column, channel] in TensorFlow
  Numbers numbers = Numbers::AnySign;  ///< that the network is asked with
};

/// The numbers of an input or a weight: not regular, and the same every time.
std::vector<float> scattered(size_t count, unsigned seed, Numbers numbers = Numbers::AnySign);

std::vector<OperatorCase> layer_cases();
std::vector<OperatorCase> elementwise_cases();
std::vector<OperatorCase> movement_cases();

}  // namespace faceforge::packs::test_support
