#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "packs/npm_weights.h"

namespace faceforge::packs {

/// An output of a node, as graphs name it: `name`, or `name:1` for another than its first.
struct GraphTensor {
  std::string node;
  size_t port = 0;

  friend bool operator==(const GraphTensor&, const GraphTensor&) = default;
  friend auto operator<=>(const GraphTensor&, const GraphTensor&) = default;
};

/// The ports of a node are 0 to this one.
inline constexpr size_t kPortLimit = 1'000;

/// Reads `name` or `name:1`.
///
/// fails: invalid_input/graph_model_malformed for no name, or a port beyond kPortLimit
[[nodiscard]] Result<GraphTensor> parse_graph_tensor(std::string_view text);

/// One operator of a TensorFlow graph, with its attributes as TensorFlow.js writes them.
///
/// Every reader: out is `otherwise` where the node does not have the attribute; fails with
/// invalid_input/graph_model_malformed, naming node and attribute, where it has another type.
struct GraphNode {
  std::string name;
  std::string op;
  std::vector<GraphTensor> inputs;  ///< without control inputs, which only order side effects
  json::object attributes = {};

  [[nodiscard]] Result<int64_t> integer(std::string_view attribute, int64_t otherwise) const;
  [[nodiscard]] Result<double> real(std::string_view attribute, double otherwise) const;
  [[nodiscard]] Result<bool> flag(std::string_view attribute, bool otherwise) const;
  [[nodiscard]] Result<std::string> text(std::string_view attribute, std::string otherwise) const;
  [[nodiscard]] Result<std::vector<int64_t>> integers(std::string_view attribute,
                                                      std::vector<int64_t> otherwise) const;
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view attribute) const;
  /// A tensor's shape, -1 for what is open; nothing where the rank itself is.
  [[nodiscard]] Result<std::optional<std::vector<int64_t>>> shape(std::string_view attribute) const;
};

/// A TensorFlow.js graph model: what `tensorflowjs_converter` makes of a SavedModel.
struct GraphModel {
  std::vector<GraphNode> nodes;  ///< in the file's order, which need not be one to run them in
  std::map<std::string, size_t, std::less<>> index_by_name;
  NpmTensors tensors;  ///< the values of the nodes `Const`, by their names
};

/// Reads a graph model from memory.
///
/// in:    `text` the JSON of `model.json`; `bytes` the files of its manifest, joined in its order
/// fails: too_large/graph_model_too_large above 8 MB, 20 000 nodes or 100 000 inputs of nodes;
///        invalid_input/graph_model_malformed naming the node, also when a name is used twice or
///        has more than 1000 bytes;
///        unsupported/graph_model_format for a layers model or a graph with functions;
///        as parse_npm_tensors
[[nodiscard]] Result<GraphModel> parse_graph_model(std::string_view text,
                                                   std::span<const std::byte> bytes);

/// Reads `file` and the weight files beside it that it names.
///
/// fails: as parse_graph_model and read_npm_tensors; not_found/file_not_found
[[nodiscard]] Result<GraphModel> read_graph_model(const std::filesystem::path& file);

}  // namespace faceforge::packs
