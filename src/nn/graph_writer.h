#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/graph.h"
#include "nn/writer.h"

namespace faceforge::nn {

/// The opset that graphs are written in: the first whose weights have a scale for each channel.
inline constexpr int64_t kWrittenOpset = 13;

/// Writes the node that stands at `node_index` of a graph itself, instead of as it is.
///
/// out:  false when the node is to be written as it is
using WriteNode = std::function<bool(size_t node_index, std::span<const std::string> value_names,
                                     GraphBuilder& builder)>;

/// The attributes of a convolution.
[[nodiscard]] std::map<std::string, AttributeValue> conv_attributes(const Conv& conv);

/// Writes a graph as an ONNX model; constants that no written node names are left out.
///
/// in:    `shapes` of all values, for operators whose meaning changed between opsets
/// fails: unsupported/operator_unsupported for what opset 13 cannot say; as
///        `GraphBuilder::serialize`
[[nodiscard]] Result<std::vector<std::byte>> write_graph(const Graph& graph,
                                                         std::span<const Shape> shapes,
                                                         const WriteNode& write_node);

}  // namespace faceforge::nn
