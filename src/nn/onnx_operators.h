#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/graph.h"

namespace onnx {
class NodeProto;
}

namespace faceforge::nn {

inline constexpr int64_t kFirstOpset = 9;
inline constexpr int64_t kLastOpset = 17;

/// Reads what a node does from its type and attributes, as the opset defines them.
///
/// fails: unsupported/operator_unsupported naming operator and node, for a type or an attribute
///        value that is not implemented; corrupt/model_malformed for an attribute of a wrong type,
///        a wrong number of operands, or numbers that no window can have
[[nodiscard]] Result<Operation> read_operation(const onnx::NodeProto& node, int64_t opset);

/// The types that `read_operation` knows, sorted; `Constant` is none of them, as it is no
/// operation.
[[nodiscard]] std::vector<std::string> operator_types();

}  // namespace faceforge::nn
