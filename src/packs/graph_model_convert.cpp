#include "packs/graph_model_convert.h"

#include <memory>
#include <utility>

#include "packs/internal/graph_operators.h"
#include "packs/internal/graph_writer.h"

namespace faceforge::packs {
namespace {

/// Twice what a manifest may hold: each number once by way of an Identity, and once where it is
/// used.
constexpr size_t kTakenLimit_bytes = size_t{512} << 20;

class GraphConverter {
 public:
  GraphConverter(const GraphModel& model, const std::string& name)
      : model_(model), writer_(name), values_(model.nodes.size()), states_(model.nodes.size()) {}

  Result<std::vector<std::byte>> run(const std::vector<GraphOutput>& outputs) {
    std::vector<GraphTensor> wanted;
    for (const GraphOutput& output : outputs) {
      wanted.push_back(TRY(parse_graph_tensor(output.tensor)));
      if (!model_.index_by_name.contains(wanted.back().node)) return output_missing(output);
      writer_.reserve(output.name);
    }
    for (const GraphTensor& tensor : wanted) {
      TRY(order_from(model_.index_by_name.find(tensor.node)->second));
    }
    TRY(note_inputs());
    for (const size_t index : order_) values_[index] = TRY(convert(model_.nodes[index]));
    for (size_t index = 0; index < outputs.size(); ++index) {
      const auto& made = values_[model_.index_by_name.find(wanted[index].node)->second];
      if (wanted[index].port >= made.size()) return output_missing(outputs[index]);
      const GraphValue& value = made[wanted[index].port];
      if (value.is_known()) {
        return fail(ErrorCode::Unsupported, "graph_operator_unsupported",
                    "the output {} does not depend on the network's input", outputs[index].tensor);
      }
      writer_.output(value, outputs[index].name);
    }
    return writer_.serialize();
  }

 private:
  enum class State : unsigned char { New, Entered, Left };

  static Unexpected output_missing(const GraphOutput& output) {
    return fail(ErrorCode::NotFound, "graph_output_missing", "the graph has no tensor {}",
                output.tensor);
  }

  /// Appends what a node needs, and then the node, without recursion: graphs may be deep.
  Result<void> order_from(size_t wanted) {
    std::vector<size_t> open{wanted};
    while (!open.empty()) {
      const size_t index = open.back();
      if (states_[index] != State::New) {
        open.pop_back();
        if (states_[index] == State::Entered) order_.push_back(index);
        states_[index] = State::Left;
        continue;
      }
      states_[index] = State::Entered;
      const GraphNode& node = model_.nodes[index];
      for (const GraphTensor& input : node.inputs) {
        const auto found = model_.index_by_name.find(input.node);
        if (found == model_.index_by_name.end()) {
          return fail(ErrorCode::InvalidInput, "graph_node_missing",
                      "operator {} of node {} needs the node {}, which the graph does not have",
                      node.op, node.name, input.node);
        }
        if (states_[found->second] == State::Entered) {
          return fail(ErrorCode::InvalidInput, "graph_cyclic",
                      "operator {} of node {} needs its own result, by way of {}", node.op,
                      node.name, input.node);
        }
        if (states_[found->second] == State::New) open.push_back(found->second);
      }
    }
    return {};
  }

  /// Counts the inputs that are needed, and sees whether the graph was made for one picture.
  Result<void> note_inputs() {
    for (const size_t index : order_) {
      const GraphNode& node = model_.nodes[index];
      if (node.op != "Placeholder") continue;
      ++input_count_;
      const auto shape = TRY(node.shape("shape"));
      if (shape && !shape->empty() && shape->front() == 1) is_for_one_picture_ = true;
    }
    return {};
  }

  Converted convert(const GraphNode& node) {
    OperatorCall call{
        .node = node, .inputs = {}, .writer = writer_, .is_for_one_picture = is_for_one_picture_};
    if (node.op == "Placeholder") return placeholder(call);
    if (node.op == "Const") return constant(call);
    for (const GraphTensor& input : node.inputs) {
      const auto& made = values_[model_.index_by_name.find(input.node)->second];
      if (input.port >= made.size()) {
        return call.malformed("{} has no output {}", input.node, input.port);
      }
      call.inputs.push_back(made[input.port]);
    }
    TRY(count_taken(call));
    for (const OperatorTable* table :
         {&layer_operators(), &elementwise_operators(), &movement_operators()}) {
      if (const auto found = table->find(node.op); found != table->end()) {
        return found->second(call);
      }
    }
    return call.unsupported("not implemented");
  }

  /// Counts the known numbers that an operator is about to take: it may copy them.
  Result<void> count_taken(const OperatorCall& call) {
    for (const GraphValue& input : call.inputs) {
      if (input.floats) taken_bytes_ += input.floats->values.size() * sizeof(float);
      if (input.integers) taken_bytes_ += input.integers->values.size() * sizeof(int64_t);
      if (taken_bytes_ <= kTakenLimit_bytes) continue;
      return fail(ErrorCode::TooLarge, "graph_model_too_large",
                  "operator {} of node {}: the operators so far take {} bytes of constants; the "
                  "limit is {}",
                  call.node.op, call.node.name, taken_bytes_, kTakenLimit_bytes);
    }
    return {};
  }

  Converted placeholder(const OperatorCall& call) {
    auto shape = TRY(call.node.shape("shape"));
    if (!shape || shape->empty() || shape->size() > nn::kMaxRank) {
      return call.unsupported("an input without a batch, or of unknown dimensions");
    }
    if (shape->front() != 1 && shape->front() != -1) {
      return call.unsupported("an input for {} pictures", shape->front());
    }
    shape->front() = kBatch;
    for (size_t axis = 1; axis < shape->size(); ++axis) {
      if ((*shape)[axis] == -1) return call.unsupported("an input whose sides are open");
    }
    // Its sizes are checked before it is added.
    TRY(one_result(call, {}, *shape, Layout::Plain));
    const std::string name = input_count_ == 1 ? "input" : call.node.name;
    return std::vector<GraphValue>{writer_.input(name, *shape)};
  }

  Converted constant(const OperatorCall& call) {
    GraphValue value;
    const auto floats = model_.tensors.floats.find(call.node.name);
    const auto integers = model_.tensors.integers.find(call.node.name);
    if (floats != model_.tensors.floats.end()) {
      value.shape = floats->second.shape;
      // The model outlives the conversion: no copy.
      value.floats = {std::shared_ptr<const void>(), &floats->second};
    } else if (integers != model_.tensors.integers.end()) {
      value.shape = integers->second.shape;
      value.integers = {std::shared_ptr<const void>(), &integers->second};
    } else {
      return fail(ErrorCode::Corrupt, "weight_missing", "the weights have no tensor {}",
                  call.node.name);
    }
    return std::vector<GraphValue>{std::move(value)};
  }

  const GraphModel& model_;
  GraphWriter writer_;
  std::vector<std::vector<GraphValue>> values_;  ///< by node: its outputs
  std::vector<State> states_;                    ///< by node
  std::vector<size_t> order_;                    ///< in which nodes can run
  size_t input_count_ = 0;
  size_t taken_bytes_ = 0;
  bool is_for_one_picture_ = false;
};

}  // namespace

Result<std::vector<std::byte>> convert_graph_model(const GraphModel& model, const std::string& name,
                                                   const std::vector<GraphOutput>& outputs) {
  return GraphConverter(model, name).run(outputs);
}

}  // namespace faceforge::packs
