#include "nn/graph.h"

#include "nn/onnx_names.h"

namespace faceforge::nn {

std::string quoted_name(std::string_view name) {
  std::string text = "'";
  for (const char letter : name.substr(0, 80)) {
    const auto byte = static_cast<unsigned char>(letter);
    text += byte < 0x20 || byte == 0x7F ? '?' : letter;
  }
  return text + (name.size() > 80 ? "...'" : "'");
}

ConstantPtr widened(const ConstantPtr& constant) {
  if (!constant || constant->kind != ElementKind::Signed8) return constant;
  return std::make_shared<Constant>(
      Constant{.shape = constant->shape,
               .kind = ElementKind::Integer,
               .integers = {constant->bytes.begin(), constant->bytes.end()}});
}

std::optional<std::vector<float>> numbers_by_channel(const Constant& constant, size_t rank,
                                                     int64_t channels, int64_t room, float beyond) {
  if (constant.shape.size() > rank) return std::nullopt;
  const size_t missing = rank - constant.shape.size();
  for (size_t axis = 0; axis < constant.shape.size(); ++axis) {
    const int64_t wanted = missing + axis == 1 ? channels : 1;
    if (constant.shape[axis] != 1 && constant.shape[axis] != wanted) return std::nullopt;
  }
  if (constant.floats.empty()) return std::nullopt;
  std::vector<float> numbers(static_cast<size_t>(room), beyond);
  const bool is_single = constant.floats.size() == 1;
  for (size_t channel = 0; channel < static_cast<size_t>(channels); ++channel) {
    numbers[channel] = constant.floats[is_single ? 0 : channel];
  }
  return numbers;
}

std::string to_string(const Node& node) {
  return node.op_type + " " + quoted_name(node.name);
}

}  // namespace faceforge::nn
