#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace faceforge::nn {

/// What an ONNX file holds, counted before any message of it is built: parsed, an empty message
/// takes up to a hundred and fifty times its two bytes in the file.
struct ModelSize {
  size_t node_count = 0;       ///< of the graph
  size_t part_count = 0;       ///< messages, strings and lists, wherever they stand
  size_t structure_bytes = 0;  ///< in the file, of all but the numbers of weights
  size_t weight_bytes = 0;     ///< of the numbers of weights, once parsed
};

/// Walks the wire format of a model. What stands in fields that are not looked into is counted as
/// if it were messages, for it may be.
///
/// out:  nothing when the bytes are no protobuf message
/// cost: one pass over tags and lengths, no allocation
[[nodiscard]] std::optional<ModelSize> measure_model(std::span<const std::byte> bytes);

}  // namespace faceforge::nn
