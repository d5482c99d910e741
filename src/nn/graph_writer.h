#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/graph.h"
#include "nn/writer.h"

namespace faceforge::nn {

/// The opset that graphs are written in: the first whose weights have a scale for each channel.
inline constexpr int64_t kWrittenOpset = 13;

/// Names of which no two in a model are equal.
class UniqueNames {
 public:
  /// The name itself, or one like it that is not taken yet.
  std::string fresh(std::string name) {
    while (!taken_.insert(name).second) name += "_";
    return name;
  }

 private:
  std::set<std::string> taken_;
};

/// Writes the node that stands at `node_index` of a graph itself, instead of as it is.
///
/// in:   `names` for what it adds
/// out:  false when the node is to be written as it is
using WriteNode = std::function<bool(size_t node_index, std::span<const std::string> value_names,
                                     UniqueNames& names, GraphBuilder& builder)>;

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
