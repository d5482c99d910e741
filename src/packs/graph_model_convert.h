#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "packs/graph_model.h"

namespace faceforge::packs {

/// An output that is wanted of a graph.
struct GraphOutput {
  std::string tensor;  ///< in the TensorFlow graph: `global_pooling/Mean`, `Identity:0`
  std::string name;    ///< in the ONNX file
};

/// Rewrites a graph model as ONNX; what the wanted outputs do not need is left out.
///
/// in:    `name` the ONNX graph's; the graph's inputs have a batch that is open or 1 and fixed
/// other
///        dimensions
/// out:   an ONNX model with an open batch. Its input is named `input`, or as in the graph where
///        several are needed. What TensorFlow has as [batch, row, column, channel] is
///        [batch, channel, row, column], inputs and outputs too; every other tensor is as it was.
///        The same graph gives the same bytes.
/// fails: not_found/graph_output_missing naming the output;
///        unsupported/graph_operator_unsupported naming operator and node, also for attributes and
///        shapes that are not implemented, and for what mixes the pictures of a batch;
///        invalid_input/graph_model_malformed naming the node, for operands that do not fit it;
///        invalid_input/graph_cyclic and graph_node_missing; corrupt/weight_missing;
///        too_large/graph_tensor_too_large, and graph_model_too_large when the numbers that
///        operators take, counted once for each, are more than 512 MB: small files could else ask
///        for any number of copies; as nn::GraphBuilder::serialize
/// source: TensorFlow's operators, as TensorFlow.js runs them
[[nodiscard]] Result<std::vector<std::byte>> convert_graph_model(
    const GraphModel& model, const std::string& name, const std::vector<GraphOutput>& outputs);

}  // namespace faceforge::packs
