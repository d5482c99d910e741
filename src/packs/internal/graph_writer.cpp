#include "packs/internal/graph_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace faceforge::packs {
namespace {

/// The shape in a layout of what TensorFlow has as `shape`.
nn::Shape laid_out(const nn::Shape& shape, Layout layout) {
  if (layout == Layout::Plain) return shape;
  return {shape[0], shape[3], shape[1], shape[2]};
}

}  // namespace

nn::Tensor channels_first(const nn::Tensor& tensor) {
  const int64_t area = tensor.shape[1] * tensor.shape[2];
  const int64_t channels = tensor.shape[3];
  nn::Tensor result{.shape = {1, channels, tensor.shape[1], tensor.shape[2]}, .values = {}};
  result.values.reserve(tensor.values.size());
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t place = 0; place < area; ++place) {
      result.values.push_back(tensor.values[static_cast<size_t>(place * channels + channel)]);
    }
  }
  return result;
}

std::string GraphWriter::fresh(const std::string& wanted) {
  if (names_.insert(wanted).second) return wanted;
  // Counted on: names are never given back, and one by one from 1 a thousand would take a million
  // looks.
  size_t& number = last_number_[wanted];
  for (;;) {
    std::string name = fmt::format("{}/{}", wanted, ++number);
    if (names_.insert(name).second) return name;
  }
}

GraphValue GraphWriter::input(const std::string& name, const nn::Shape& shape) {
  const Layout layout = shape.size() == 4 ? Layout::Picture : Layout::Plain;
  inputs_.push_back({.name = fresh(name), .shape = laid_out(shape, layout)});
  return {.name = inputs_.back().name, .shape = shape, .layout = layout};
}

std::vector<std::string> GraphWriter::node(const std::string& op_type,
                                           std::vector<std::string> inputs,
                                           const std::string& wanted,
                                           std::map<std::string, nn::AttributeValue> attributes,
                                           size_t output_count) {
  nn::NodeSpec made{.op_type = op_type,
                    .inputs = std::move(inputs),
                    .outputs = {},
                    .attributes = std::move(attributes)};
  for (size_t index = 0; index < output_count; ++index) {
    made.outputs.push_back(fresh(wanted));
    maker_.emplace(made.outputs.back(), nodes_.size());
  }
  nodes_.push_back(std::move(made));
  return nodes_.back().outputs;
}

std::string GraphWriter::node(const std::string& op_type, std::vector<std::string> inputs,
                              const std::string& wanted,
                              std::map<std::string, nn::AttributeValue> attributes) {
  return node(op_type, std::move(inputs), wanted, std::move(attributes), 1).front();
}

std::string GraphWriter::constant(nn::Tensor tensor, const std::string& wanted) {
  std::string name = fresh(wanted);
  floats_.emplace(name, std::move(tensor));
  return name;
}

std::string GraphWriter::constant(std::vector<int64_t> numbers, const std::string& wanted) {
  std::string name = fresh(wanted);
  const auto count = static_cast<int64_t>(numbers.size());
  integers_.emplace(name, nn::IntegerTensor{.shape = {count}, .values = std::move(numbers)});
  return name;
}

std::string GraphWriter::scalar(float value, const std::string& wanted) {
  return constant(nn::Tensor{.shape = {}, .values = {value}}, wanted);
}

GraphValue GraphWriter::in_layout(const GraphValue& value, Layout layout) {
  if (value.layout == layout) return value;
  const bool to_picture = layout == Layout::Picture;
  GraphValue turned = value;
  turned.layout = layout;
  const std::string wanted = value.name + (to_picture ? "/nchw" : "/nhwc");
  if (value.shape[3] == 1 || (value.shape[1] == 1 && value.shape[2] == 1)) {
    // The numbers lie in the same order either way.
    nn::Shape shape = laid_out(value.shape, layout);
    shape[0] = 0;
    turned.name = node("Reshape", {value.name, constant(shape, wanted + "/shape")}, wanted);
    return turned;
  }
  const std::vector<int64_t> order =
      to_picture ? std::vector<int64_t>{0, 3, 1, 2} : std::vector<int64_t>{0, 2, 3, 1};
  turned.name = node("Transpose", {value.name}, wanted, {{"perm", order}});
  return turned;
}

const nn::NodeSpec* GraphWriter::maker(const std::string& name) const {
  const auto found = maker_.find(name);
  return found == maker_.end() ? nullptr : &nodes_[found->second];
}

const nn::Tensor* GraphWriter::numbers(const std::string& name) const {
  const auto found = floats_.find(name);
  return found == floats_.end() ? nullptr : &found->second;
}

void GraphWriter::output(const GraphValue& value, const std::string& name) {
  nodes_.push_back(
      {.op_type = "Identity", .inputs = {value.name}, .outputs = {name}, .attributes = {}});
  maker_.emplace(name, nodes_.size() - 1);
  outputs_.push_back({.name = name, .shape = laid_out(value.shape, value.layout)});
}

Result<std::vector<std::byte>> GraphWriter::serialize() const {
  std::set<std::string_view> needed;
  for (const nn::PortInfo& port : outputs_) needed.insert(port.name);
  std::vector<bool> is_kept(nodes_.size(), false);
  for (size_t index = nodes_.size(); index-- > 0;) {
    is_kept[index] = std::ranges::any_of(
        nodes_[index].outputs, [&](const std::string& name) { return needed.contains(name); });
    if (is_kept[index]) needed.insert(nodes_[index].inputs.begin(), nodes_[index].inputs.end());
  }
  nn::GraphBuilder graph(name_);
  for (const nn::PortInfo& port : inputs_) {
    if (needed.contains(port.name)) graph.add_input(port);
  }
  for (const auto& [name, tensor] : floats_) {
    if (needed.contains(name)) graph.add_initializer(name, tensor);
  }
  for (const auto& [name, tensor] : integers_) {
    if (needed.contains(name)) graph.add_initializer(name, tensor);
  }
  for (size_t index = 0; index < nodes_.size(); ++index) {
    if (is_kept[index]) graph.add_node(nodes_[index]);
  }
  for (const nn::PortInfo& port : outputs_) graph.add_output(port);
  return graph.serialize();
}

}  // namespace faceforge::packs
