#include "packs/graph_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/file.h"

namespace faceforge::packs {
namespace {

constexpr size_t kModelLimit_bytes = size_t{8} << 20;
constexpr size_t kNodeLimit = 20'000;
constexpr size_t kInputLimit = 100'000;  // of all nodes together
constexpr size_t kNameLimit_bytes = 1'000;

template <typename... Args>
Unexpected malformed(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::InvalidInput, "graph_model_malformed", "the graph model {}",
              fmt::format(format, std::forward<Args>(args)...));
}

/// source: RFC 4648, section 4
std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char letter : text) {
    const size_t value = kAlphabet.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    decoded.push_back(static_cast<char>((bits >> bit_count) & 0xFF));
  }
  return decoded;
}

/// protobuf's JSON has 64-bit integers as text, and small ones now and then as numbers.
std::optional<int64_t> as_integer(const json::value& from) {
  if (from.is_int64()) return from.as_int64();
  if (!from.is_string()) return std::nullopt;
  const std::string_view text = from.as_string();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> as_real(const json::value& from) {
  if (from.is_double()) return from.as_double();
  if (from.is_int64()) return static_cast<double>(from.as_int64());
  return std::nullopt;
}

std::optional<bool> as_flag(const json::value& from) {
  return from.is_bool() ? std::optional(from.as_bool()) : std::nullopt;
}

std::optional<std::string> as_text(const json::value& from) {
  return from.is_string() ? decode_base64(from.as_string()) : std::nullopt;
}

Unexpected wrong_type(const GraphNode& node, std::string_view attribute) {
  return malformed("has the attribute {} of {} in another form than its operator's", attribute,
                   node.name);
}

/// What an attribute holds under its type's letter (`i`, `f`, `b`, `s`), converted.
template <typename Convert, typename T>
Result<T> single(const GraphNode& node, std::string_view attribute, std::string_view letter,
                 Convert convert, T otherwise) {
  const json::value* found = node.attributes.if_contains(attribute);
  if (found == nullptr) return otherwise;
  const json::object* holder = found->if_object();
  const json::value* held = holder != nullptr ? holder->if_contains(letter) : nullptr;
  if (held == nullptr) return wrong_type(node, attribute);
  auto value = convert(*held);
  if (!value) return wrong_type(node, attribute);
  return *std::move(value);
}

/// A list's members under their type's letter. Empty lists are written without it.
template <typename T, typename Convert>
Result<std::vector<T>> members(const GraphNode& node, std::string_view attribute,
                               std::string_view letter, Convert convert, std::vector<T> otherwise) {
  const json::value* found = node.attributes.if_contains(attribute);
  if (found == nullptr) return otherwise;
  const json::object* holder = found->if_object();
  const json::value* list = holder != nullptr ? holder->if_contains("list") : nullptr;
  if (list == nullptr || !list->is_object()) return wrong_type(node, attribute);
  std::vector<T> values;
  const json::value* array = list->as_object().if_contains(letter);
  if (array == nullptr) return values;
  if (!array->is_array()) return wrong_type(node, attribute);
  for (const json::value& member : array->as_array()) {
    auto value = convert(member);
    if (!value) return wrong_type(node, attribute);
    values.push_back(*std::move(value));
  }
  return values;
}

Unexpected too_large(std::string_view what, size_t found, size_t limit) {
  return fail(ErrorCode::TooLarge, "graph_model_too_large",
              "the graph model has {} {}; the limit is {}", found, what, limit);
}

/// in: `inputs_left` how many inputs this node and those after it may have. It goes down.
Result<GraphNode> parse_node(const json::value& from, size_t node_index, size_t& inputs_left) {
  const json::object* object = from.if_object();
  if (object == nullptr) return malformed("has as node {} no object", node_index);
  const auto name = json::string_field(*object, "name");
  const auto op = json::string_field(*object, "op");
  if (!name || name->empty() || !op) {
    return malformed("has a node {} without name or operator", node_index);
  }
  // Errors name them, and the ONNX file repeats them.
  if (std::max(name->size(), op->size()) > kNameLimit_bytes) {
    return malformed("has at node {} a name or an operator of more than {} bytes", node_index,
                     kNameLimit_bytes);
  }
  GraphNode node{.name = *name, .op = *op, .inputs = {}};
  if (const json::value* inputs = object->if_contains("input")) {
    if (!inputs->is_array()) return malformed("has a node {} whose inputs are no list", node.name);
    const size_t count = inputs->as_array().size();
    if (count > inputs_left) {
      return too_large("inputs of nodes or more", kInputLimit - inputs_left + count, kInputLimit);
    }
    inputs_left -= count;
    for (const json::value& input : inputs->as_array()) {
      if (!input.is_string()) return malformed("has a node {} with a nameless input", node.name);
      const std::string_view text = input.as_string();
      if (!text.starts_with('^')) node.inputs.push_back(TRY(parse_graph_tensor(text)));
    }
  }
  if (const json::value* attributes = object->if_contains("attr")) {
    if (!attributes->is_object()) {
      return malformed("has a node {} whose attributes are no object", node.name);
    }
    node.attributes = attributes->as_object();
  }
  return node;
}

struct Document {
  GraphModel model;  ///< without tensors
  json::value manifest;
};

/// A graph of a SavedModel may call functions; TensorFlow.js keeps them apart.
bool has_functions(const json::object& topology) {
  const json::value* library = topology.if_contains("library");
  if (library == nullptr || !library->is_object()) return false;
  const json::value* functions = library->as_object().if_contains("function");
  return functions != nullptr && functions->is_array() && !functions->as_array().empty();
}

Result<Document> parse_document(std::string_view text) {
  if (text.size() > kModelLimit_bytes) {
    return fail(ErrorCode::TooLarge, "graph_model_too_large",
                "the graph model's JSON has {} bytes; the limit is {}", text.size(),
                kModelLimit_bytes);
  }
  const auto parsed = json::parse(text, kModelLimit_bytes);
  if (!parsed) return malformed("cannot be read: {}", parsed.error().message);
  const json::object* object = parsed->if_object();
  if (object == nullptr) return malformed("is no object");
  if (json::has_field(*object, "format")) {
    const auto format = json::string_field(*object, "format");
    if (!format || *format != "graph-model") {
      return fail(ErrorCode::Unsupported, "graph_model_format",
                  "this TensorFlow.js model is no graph model: its format is {}",
                  format.value_or("no text"));
    }
  }
  const json::value* topology = object->if_contains("modelTopology");
  const json::value* manifest = object->if_contains("weightsManifest");
  if (topology == nullptr || !topology->is_object() || manifest == nullptr) {
    return malformed("lacks modelTopology or weightsManifest");
  }
  if (has_functions(topology->as_object())) {
    return fail(ErrorCode::Unsupported, "graph_model_format",
                "the graph model has functions of its own, which are not supported");
  }
  const auto nodes = json::array_field(topology->as_object(), "node");
  if (!nodes || nodes->empty()) return malformed("has no nodes");
  if (nodes->size() > kNodeLimit) {
    return too_large("nodes", nodes->size(), kNodeLimit);
  }
  Document document{.model = {}, .manifest = *manifest};
  size_t inputs_left = kInputLimit;
  for (size_t index = 0; index < nodes->size(); ++index) {
    GraphNode node = TRY(parse_node((*nodes)[index], index, inputs_left));
    if (!document.model.index_by_name.emplace(node.name, index).second) {
      return malformed("has two nodes {}", node.name);
    }
    document.model.nodes.push_back(std::move(node));
  }
  return document;
}

}  // namespace

Result<GraphTensor> parse_graph_tensor(std::string_view text) {
  GraphTensor tensor{.node = std::string(text)};
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), tensor.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || tensor.port > kPortLimit) {
      return malformed("names a tensor {}", text);
    }
    tensor.node = text.substr(0, colon);
  }
  if (tensor.node.empty()) return malformed("names a tensor without a node");
  return tensor;
}

Result<int64_t> GraphNode::integer(std::string_view attribute, int64_t otherwise) const {
  return single(*this, attribute, "i", as_integer, otherwise);
}

Result<double> GraphNode::real(std::string_view attribute, double otherwise) const {
  return single(*this, attribute, "f", as_real, otherwise);
}

Result<bool> GraphNode::flag(std::string_view attribute, bool otherwise) const {
  return single(*this, attribute, "b", as_flag, otherwise);
}

Result<std::string> GraphNode::text(std::string_view attribute, std::string otherwise) const {
  return single(*this, attribute, "s", as_text, std::move(otherwise));
}

Result<std::vector<int64_t>> GraphNode::integers(std::string_view attribute,
                                                 std::vector<int64_t> otherwise) const {
  return members<int64_t>(*this, attribute, "i", as_integer, std::move(otherwise));
}

Result<std::vector<std::string>> GraphNode::texts(std::string_view attribute) const {
  return members<std::string>(*this, attribute, "s", as_text, {});
}

Result<std::optional<std::vector<int64_t>>> GraphNode::shape(std::string_view attribute) const {
  const json::value* found = attributes.if_contains(attribute);
  if (found == nullptr) return std::nullopt;
  const json::object* holder = found->if_object();
  const json::value* held = holder != nullptr ? holder->if_contains("shape") : nullptr;
  if (held == nullptr || !held->is_object()) return wrong_type(*this, attribute);
  const json::value* unknown = held->as_object().if_contains("unknownRank");
  if (unknown != nullptr && unknown->is_bool() && unknown->as_bool()) return std::nullopt;
  std::vector<int64_t> dimensions;
  const json::value* list = held->as_object().if_contains("dim");
  if (list == nullptr) return dimensions;
  if (!list->is_array()) return wrong_type(*this, attribute);
  for (const json::value& dimension : list->as_array()) {
    if (!dimension.is_object()) return wrong_type(*this, attribute);
    const json::value* size = dimension.as_object().if_contains("size");
    const auto length = size != nullptr ? as_integer(*size) : std::optional<int64_t>(0);
    if (!length) return wrong_type(*this, attribute);
    dimensions.push_back(*length);
  }
  return dimensions;
}

Result<GraphModel> parse_graph_model(std::string_view text, std::span<const std::byte> bytes) {
  Document document = TRY(parse_document(text));
  document.model.tensors = TRY(parse_npm_tensors(document.manifest, bytes));
  return std::move(document.model);
}

Result<GraphModel> read_graph_model(const std::filesystem::path& file) {
  const auto text = read_text_file(file, kModelLimit_bytes);
  if (!text && text.error().code == ErrorCode::TooLarge) {
    return fail(ErrorCode::TooLarge, "graph_model_too_large", "{}", text.error().message);
  }
  if (!text) return Unexpected(text.error());
  Document document = TRY(parse_document(*text));
  document.model.tensors = TRY(read_npm_tensors(document.manifest, file.parent_path()));
  return std::move(document.model);
}

}  // namespace faceforge::packs
