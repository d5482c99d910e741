#include "nn/network.h"

#include <algorithm>
#include <fstream>
#include <list>
#include <mutex>
#include <new>

#include "nn/onnx_import.h"
#include "nn/onnx_names.h"
#include "nn/passes.h"
#include "nn/program.h"

namespace faceforge::nn {
namespace {

/// Programs kept, by input shapes and thread count. Detectors meet pictures of many sizes.
constexpr size_t kProgramLimit = 32;
constexpr int kThreadLimit = 256;

struct ProgramKey {
  std::vector<Shape> input_shapes;
  int thread_count = 1;
  bool operator==(const ProgramKey&) const = default;
};

struct CachedProgram {
  ProgramKey key;
  std::shared_ptr<const Program> program;
};

enum class Batch { Together, OneByOne };

/// How a batch goes through a network: picture by picture where its file fixes the batch at 1, so
/// that its arithmetic (a Reshape to [1, 512], say) would fail on more or, worse, mix pictures.
Batch batch_of(std::span<const PortInfo> ports, size_t input_count,
               std::span<const int64_t> shape) {
  const bool is_fixed = ports.size() == 1 && input_count == 1 && ports[0].shape.size() > 1 &&
                        ports[0].shape[0] == 1 && !shape.empty() && shape[0] > 1;
  return is_fixed ? Batch::OneByOne : Batch::Together;
}

/// Whether `one` is the shape of one picture of `batch`.
bool is_one_of(std::span<const int64_t> one, std::span<const int64_t> batch) {
  return one.size() == batch.size() && !one.empty() && one[0] == 1 &&
         std::ranges::equal(one.subspan(1), batch.subspan(1));
}

/// Convolutions and matrices, which read their second operand through the weight store alone.
bool takes_weights(const Operation& operation) {
  return std::holds_alternative<Conv>(operation) || std::holds_alternative<Gemm>(operation) ||
         std::holds_alternative<MatMul>(operation) ||
         std::holds_alternative<QuantizedConv>(operation) ||
         std::holds_alternative<QuantizedGemm>(operation);
}

/// Moves the weights that nothing else reads into the store.
void adopt_weights(Graph& graph, WeightStore& store) {
  std::vector<bool> is_weight(graph.values.size(), false), is_read(graph.values.size(), false);
  for (const Node& node : graph.nodes) {
    for (size_t position = 0; position < node.inputs.size(); ++position) {
      if (!node.has_input(position)) continue;
      const bool is_own = position == 1 && takes_weights(node.operation);
      (is_own ? is_weight : is_read)[static_cast<size_t>(node.inputs[position])] = true;
    }
  }
  for (const ValueIndex output : graph.output_values) is_read[static_cast<size_t>(output)] = true;
  for (size_t index = 0; index < graph.values.size(); ++index) {
    ConstantPtr& constant = graph.values[index].constant;
    const bool is_integer = constant && constant->kind == ElementKind::Integer;
    if (!constant || is_integer || !is_weight[index] || is_read[index]) continue;
    constant = store.adopt(std::move(constant));
  }
}

}  // namespace

struct Network::State {
  std::string file_name;  ///< empty when it came from memory
  Graph graph;
  LoadLimits limits;
  mutable WeightStore weights;
  mutable ArenaPool arenas{kIdleLimit_bytes};  ///< before `programs`, which borrow from it
  mutable std::mutex programs_mutex;
  mutable std::list<CachedProgram> programs;  ///< the one used last in front

  /// The same failure, with the file that it is of.
  Unexpected named(Error error) const {
    if (!file_name.empty()) error.message = file_name + ": " + error.message;
    return Unexpected(std::move(error));
  }

  template <typename Fits>
  std::shared_ptr<const Program> find_if(Fits&& fits) const {
    const std::scoped_lock lock(programs_mutex);
    const auto found = std::ranges::find_if(programs, fits, &CachedProgram::key);
    if (found == programs.end()) return nullptr;
    programs.splice(programs.begin(), programs, found);
    return found->program;
  }

  /// The program for inputs, when there is one; with `Batch::OneByOne`, that for one picture.
  std::shared_ptr<const Program> find(std::span<const Tensor> inputs, Batch batch,
                                      int thread_count) const {
    return find_if([&](const ProgramKey& key) {
      if (key.thread_count != thread_count) return false;
      if (batch == Batch::OneByOne) return is_one_of(key.input_shapes[0], inputs[0].shape);
      return std::ranges::equal(inputs, key.input_shapes, {}, &Tensor::shape);
    });
  }

  /// Keeps a program, unless another thread has made the same meanwhile: then that one counts, so
  /// that a shape new to many threads at once takes one place and not as many as they are.
  std::shared_ptr<const Program> keep(const ProgramKey& key,
                                      std::shared_ptr<const Program> program) const {
    const std::scoped_lock lock(programs_mutex);
    const auto known = std::ranges::find(programs, key, &CachedProgram::key);
    if (known != programs.end()) return known->program;
    programs.push_front({key, program});
    if (programs.size() > kProgramLimit) programs.pop_back();
    return program;
  }

  Result<std::shared_ptr<const Program>> program(std::vector<Shape> input_shapes,
                                                 const RunOptions& options) const {
    TRY(check_shapes(input_shapes));
    if (options.thread_count < 1 || options.thread_count > kThreadLimit) {
      return fail(ErrorCode::InvalidInput, "thread_count", "{} threads; the limits are 1 and {}",
                  options.thread_count, kThreadLimit);
    }
    const ProgramKey key{std::move(input_shapes), options.thread_count};
    if (auto found = find_if([&](const ProgramKey& known) { return known == key; })) return found;
    // Two threads may compile the same program at once; that costs time, once, and nothing else.
    auto compiled =
        TRY(Program::compile(graph, key.input_shapes, key.thread_count, limits, weights, arenas));
    return keep(key, std::move(compiled));
  }

  /// The program for a shape of the only input.
  Result<std::shared_ptr<const Program>> program_of(std::span<const int64_t> input_shape,
                                                    const RunOptions& options) const {
    std::vector<Shape> shapes{Shape(input_shape.begin(), input_shape.end())};
    if (batch_of(graph.inputs, 1, input_shape) == Batch::OneByOne) shapes[0][0] = 1;
    return program(std::move(shapes), options);
  }

  Result<void> check_shapes(std::span<const Shape> shapes) const {
    if (shapes.size() != graph.inputs.size()) {
      return fail(ErrorCode::InvalidInput, "input_count", "{} inputs; the model has {}",
                  shapes.size(), graph.inputs.size());
    }
    for (size_t index = 0; index < shapes.size(); ++index) {
      const PortInfo& port = graph.inputs[index];
      bool fits = shapes[index].size() == port.shape.size();
      for (size_t axis = 0; fits && axis < port.shape.size(); ++axis) {
        const int64_t given = shapes[index][axis];
        fits = given >= 1 && (port.shape[axis] < 0 || given == port.shape[axis]);
      }
      if (!fits) {
        return fail(ErrorCode::InvalidInput, "input_shape",
                    "input {} has shape {}; the model "
                    "wants {}",
                    quoted_name(port.name), to_string(shapes[index]), to_string(port.shape));
      }
    }
    return {};
  }
};

Network::Network(std::shared_ptr<const State> state) : state_(std::move(state)) {}

namespace {

Result<std::vector<std::byte>> read_model(const std::filesystem::path& file, size_t limit_bytes) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) {
    return fail(ErrorCode::NotFound, "model_file_missing", "{}: {}", file.filename().string(),
                error.message());
  }
  if (size > limit_bytes) {
    return fail(ErrorCode::TooLarge, "model_file_too_large", "{}: {} bytes; the limit is {}",
                file.filename().string(), size, limit_bytes);
  }
  std::vector<std::byte> bytes(size);
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return fail(ErrorCode::NotFound, "model_file_missing", "{} cannot be read",
                file.filename().string());
  }
  return bytes;
}

}  // namespace

Result<Network> Network::load(const std::filesystem::path& file, const LoadLimits& limits) {
  try {
    return parse_named(file.filename().string(), TRY(read_model(file, limits.file_bytes)), limits);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "{}: no memory to load a model",
                file.filename().string());
  }
}

Result<Network> Network::parse(std::span<const std::byte> bytes, const LoadLimits& limits) {
  try {
    return parse_named({}, bytes, limits);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to load a model");
  }
}

Result<Network> Network::parse_named(std::string file_name, std::span<const std::byte> bytes,
                                     const LoadLimits& limits) {
  auto state = std::make_shared<State>();
  state->file_name = std::move(file_name);
  state->limits = limits;
  ByteBudget budget(limits.weight_bytes);
  auto graph = import_onnx(bytes, limits, budget);
  if (!graph) return state->named(std::move(graph).error());
  state->graph = *std::move(graph);
  auto simplified = simplify(state->graph, limits, budget);
  if (!simplified) return state->named(std::move(simplified).error());
  adopt_weights(state->graph, state->weights);
  return Network(std::move(state));
}

const std::vector<PortInfo>& Network::inputs() const {
  return state_->graph.inputs;
}
const std::vector<PortInfo>& Network::outputs() const {
  return state_->graph.outputs;
}

Result<std::vector<Tensor>> Network::run(const Tensor& input, const RunOptions& options) const {
  return run(std::span(&input, 1), options);
}

Result<std::vector<Tensor>> Network::run(std::span<const Tensor> inputs,
                                         const RunOptions& options) const {
  std::vector<Tensor> outputs;
  TRY(run_into(inputs, outputs, options));
  return outputs;
}

Result<void> Network::run_into(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                               const RunOptions& options) const {
  auto done = run_unnamed(inputs, outputs, options);
  if (!done) return state_->named(std::move(done).error());
  return {};
}

Result<void> Network::run_unnamed(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                                  const RunOptions& options) const {
  for (const Tensor& input : inputs) {
    const auto count = checked_element_count(input.shape, state_->limits.elements_per_tensor);
    if (!count || *count != input.values.size()) {
      return fail(ErrorCode::InvalidInput, "input_shape", "an input of shape {} has {} values",
                  to_string(input.shape), input.values.size());
    }
  }
  const Shape none;
  const Shape& first = inputs.empty() ? none : inputs[0].shape;
  const Batch batch = batch_of(this->inputs(), inputs.size(), first);
  auto program = state_->find(inputs, batch, options.thread_count);
  if (!program) {
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape);
    if (batch == Batch::OneByOne) shapes[0][0] = 1;
    program = TRY(state_->program(std::move(shapes), options));
  }
  const size_t part_count = batch == Batch::OneByOne ? static_cast<size_t>(first[0]) : 1;
  for (size_t index = 0; index < part_count; ++index) {
    TRY(program->run(inputs, {index, part_count}, outputs));
  }
  return {};
}

Result<void> Network::prepare(std::span<const int64_t> input_shape,
                              const RunOptions& options) const {
  auto prepared = state_->program_of(input_shape, options);
  if (!prepared) return state_->named(std::move(prepared).error());
  return {};
}

size_t Network::weight_bytes() const {
  return state_->weights.adopted_bytes();
}

Result<std::vector<std::string>> Network::implementations(std::span<const int64_t> input_shape,
                                                          const RunOptions& options) const {
  const auto program = TRY(state_->program_of(input_shape, options));
  return program->implementations();
}

}  // namespace faceforge::nn
