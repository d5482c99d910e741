#include "nn/batch.h"

#include <algorithm>
#include <type_traits>

#include "nn/facts.h"

namespace faceforge::nn {
namespace {

/// Weights that stay in the last cache from one picture to the next.
constexpr size_t kCachedWeights_bytes = size_t{16} << 20;
/// More pictures at once than this made no network faster.
constexpr size_t kMostAtOnce = 4;

/// Follows a graph for one picture and for two.
class Pictures {
 public:
  Pictures(const Graph& graph, std::vector<Fact> one, std::vector<Fact> two)
      : graph_(graph), one_(std::move(one)), two_(std::move(two)) {}

  bool are_apart() {
    for (const Node& node : graph_.nodes) {
      const bool is_known = std::ranges::all_of(
          node.outputs, [&](ValueIndex value) { return one(value).constant != nullptr; });
      if (is_known) continue;
      node_ = &node;
      if (!std::ranges::all_of(node.outputs, [&](ValueIndex value) { return has_both(value); }) ||
          !std::visit([&](const auto& operation) { return keeps_apart(operation); },
                      node.operation)) {
        return false;
      }
    }
    return std::ranges::all_of(graph_.output_values,
                               [&](ValueIndex value) { return has_both(value); });
  }

 private:
  const Fact& one(ValueIndex value) const { return one_[static_cast<size_t>(value)]; }

  /// Whether a value holds what belongs to each picture, picture by picture.
  bool has_both(ValueIndex value) const {
    const Fact &one = this->one(value), &two = two_[static_cast<size_t>(value)];
    return !one.constant && !two.constant && !one.shape.empty() && one.shape[0] == 1 &&
           two.shape.size() == one.shape.size() && two.shape[0] == 2 &&
           std::equal(one.shape.begin() + 1, one.shape.end(), two.shape.begin() + 1);
  }

  bool has_both_at(size_t position) const {
    return node_->has_input(position) && has_both(node_->inputs[position]);
  }

  /// Whether an operand is the same for every picture and every number of them.
  bool is_shared(size_t position) const {
    if (!node_->has_input(position)) return true;
    const auto value = static_cast<size_t>(node_->inputs[position]);
    return graph_.values[value].constant != nullptr;
  }

  bool reads_pictures_and_weights() const { return has_both_at(0) && is_shared(1) && is_shared(2); }

  size_t rank() const { return one(node_->outputs[0]).shape.size(); }

  bool is_behind_pictures(int64_t axis) const {
    const auto index = checked_axis(axis, rank());
    return index && *index > 0;
  }

  // What works on each number, or on each picture, by itself.
  template <typename Operation>
  requires(std::is_same_v<Operation, Conv> || std::is_same_v<Operation, QuantizedConv> ||
           std::is_same_v<Operation, QuantizedGemm> || std::is_same_v<Operation, Pool> ||
           std::is_same_v<Operation, GlobalPool> || std::is_same_v<Operation, BatchNorm> ||
           std::is_same_v<Operation, Unary> || std::is_same_v<Operation, RoundTrip> ||
           std::is_same_v<Operation, Identity>) bool keeps_apart(const Operation&) const {
    return reads_pictures_and_weights();
  }

  // What leaves the numbers in their order, of which each picture's come one after the other.
  template <typename Operation>
  requires(std::is_same_v<Operation, Reshape> || std::is_same_v<Operation, Flatten> ||
           std::is_same_v<Operation, Squeeze> ||
           std::is_same_v<Operation, Unsqueeze>) bool keeps_apart(const Operation&) const {
    return has_both_at(0);
  }

  bool keeps_apart(const Resize&) const { return has_both_at(0); }
  bool keeps_apart(const Gemm& gemm) const {
    return !gemm.transpose_a && reads_pictures_and_weights() && has_no_rows(2);
  }
  bool keeps_apart(const MatMul&) const { return rank() == 2 && reads_pictures_and_weights(); }
  bool keeps_apart(const Binary&) const {
    return (has_both_of_full_rank(0) || has_no_rows(0)) &&
           (has_both_of_full_rank(1) || has_no_rows(1));
  }
  bool keeps_apart(const Softmax& softmax) const {
    return has_both_at(0) && is_behind_pictures(softmax.axis);
  }
  bool keeps_apart(const Concat& concat) const {
    if (!is_behind_pictures(concat.axis)) return false;
    for (size_t position = 0; position < node_->inputs.size(); ++position) {
      if (!has_both_at(position)) return false;
    }
    return true;
  }
  bool keeps_apart(const Transpose& transpose) const {
    return has_both_at(0) && !transpose.permutation.empty() && transpose.permutation[0] == 0;
  }
  /// Nothing of the kind was met in a network for faces.
  template <typename Operation>
  bool keeps_apart(const Operation&) const {
    return false;
  }

  bool has_both_of_full_rank(size_t position) const {
    return has_both_at(position) && one(node_->inputs[position]).shape.size() == rank();
  }

  /// Whether an operand is shared, and by broadcasting says the same of every picture.
  bool has_no_rows(size_t position) const {
    if (!node_->has_input(position)) return true;
    if (!is_shared(position)) return false;
    const Shape& shape = one(node_->inputs[position]).shape;
    return shape.size() < rank() || shape[0] == 1;
  }

  const Graph& graph_;
  std::vector<Fact> one_, two_;
  const Node* node_ = nullptr;
};

}  // namespace

bool keeps_pictures_apart(const Graph& graph, std::span<const int64_t> picture,
                          const LoadLimits& limits) {
  if (graph.input_values.size() != 1 || picture.empty() || picture[0] != 1) return false;
  Shape shape(picture.begin(), picture.end());
  auto one = infer(graph, std::span(&shape, 1), limits);
  shape[0] = 2;
  auto two = infer(graph, std::span(&shape, 1), limits);
  return one && two && Pictures(graph, *std::move(one), *std::move(two)).are_apart();
}

size_t bytes_of_weights(const Graph& graph) {
  size_t bytes = 0;
  for (const Value& value : graph.values) {
    if (!value.constant || value.constant->kind == ElementKind::Integer) continue;
    bytes += static_cast<size_t>(element_count(value.constant->shape)) *
             bytes_each_of(value.constant->kind);
  }
  return bytes;
}

BatchShares::Part BatchShares::part(size_t index) const {
  const size_t least = pictures_each / parts_each, larger = pictures_each % parts_each;
  return {index * least + std::min(index, larger), least + (index < larger ? 1 : 0)};
}

BatchShares share_batch(size_t picture_count, size_t thread_count, size_t weight_bytes) {
  const size_t most = std::clamp<size_t>(
      (weight_bytes + kCachedWeights_bytes - 1) / kCachedWeights_bytes, 1, kMostAtOnce);
  const size_t each = picture_count / thread_count;
  return {.pictures_each = each,
          .parts_each = (each + most - 1) / most,
          .left_over = picture_count % thread_count};
}

}  // namespace faceforge::nn
