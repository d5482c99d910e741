#include "nn/network.h"

#include <algorithm>
#include <atomic>
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

/// Activation memory that all programs of a network together keep between runs.
constexpr size_t kIdleLimit_bytes = size_t{256} << 20;

struct ProgramKey {
  std::vector<Shape> input_shapes;
  int thread_count = 1;
  bool operator==(const ProgramKey&) const = default;
};

struct CachedProgram {
  ProgramKey key;
  std::shared_ptr<const Program> program;
};

}  // namespace

struct Network::State {
  std::string file_name;  ///< empty when it came from memory
  Graph graph;
  LoadLimits limits;
  mutable WeightStore weights;
  mutable std::atomic<size_t> idle_bytes = 0;  ///< before `programs`, which count on it
  mutable std::mutex programs_mutex;
  mutable std::list<CachedProgram> programs;  ///< the one used last in front

  /// The same failure, with the file that it is of.
  Unexpected named(Error error) const {
    if (!file_name.empty()) error.message = file_name + ": " + error.message;
    return Unexpected(std::move(error));
  }

  std::shared_ptr<const Program> find(const ProgramKey& key) const {
    const std::scoped_lock lock(programs_mutex);
    const auto found = std::ranges::find(programs, key, &CachedProgram::key);
    if (found == programs.end()) return nullptr;
    programs.splice(programs.begin(), programs, found);
    return found->program;
  }

  void keep(const ProgramKey& key, const std::shared_ptr<const Program>& program) const {
    const std::scoped_lock lock(programs_mutex);
    programs.push_front({key, program});
    if (programs.size() > kProgramLimit) programs.pop_back();
  }

  Result<std::shared_ptr<const Program>> program(std::vector<Shape> input_shapes,
                                                 const RunOptions& options) const {
    TRY(check_shapes(input_shapes));
    if (options.thread_count < 1 || options.thread_count > kThreadLimit) {
      return fail(ErrorCode::InvalidInput, "thread_count", "{} threads; the limits are 1 and {}",
                  options.thread_count, kThreadLimit);
    }
    const ProgramKey key{std::move(input_shapes), options.thread_count};
    if (auto found = find(key)) return found;
    // Two threads may compile the same program at once; that costs time, once, and nothing else.
    const auto compiled = TRY(
        Program::compile(graph, key.input_shapes, key.thread_count, limits, weights, idle_bytes));
    keep(key, compiled);
    return compiled;
  }

  /// Runs a program, then frees memory of the programs used longest ago while too much is kept.
  Result<std::vector<Tensor>> run(const Program& program, std::span<const Tensor> inputs) const {
    auto outputs = program.run(inputs);
    if (idle_bytes > kIdleLimit_bytes) {
      const std::scoped_lock lock(programs_mutex);
      for (auto old = programs.rbegin(); old != programs.rend(); ++old) {
        if (idle_bytes <= kIdleLimit_bytes) break;
        old->program->drop_idle();
      }
    }
    return outputs;
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

namespace {

/// Whether a batch must go through a network picture by picture: its file fixes the batch at 1, so
/// that its arithmetic (a Reshape to [1, 512], say) would fail on more or, worse, mix pictures.
bool goes_one_by_one(std::span<const PortInfo> ports, std::span<const Shape> shapes) {
  return ports.size() == 1 && shapes.size() == 1 && ports[0].shape.size() > 1 &&
         ports[0].shape[0] == 1 && !shapes[0].empty() && shapes[0][0] > 1;
}

/// Appends the results of one picture along the first dimension.
Result<void> append(std::vector<Tensor>& all, std::vector<Tensor> one) {
  if (all.empty()) {
    all = std::move(one);
    return {};
  }
  for (size_t index = 0; index < all.size(); ++index) {
    if (one[index].shape.empty()) {
      return fail(ErrorCode::InvalidInput, "input_shape",
                  "a batch, though the model's output {} has no dimension to hold it", index);
    }
    all[index].shape[0] += one[index].shape[0];
    all[index].values.insert(all[index].values.end(), one[index].values.begin(),
                             one[index].values.end());
  }
  return {};
}

}  // namespace

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
  auto outputs = run_unnamed(inputs, options);
  if (!outputs) return state_->named(std::move(outputs).error());
  return outputs;
}

Result<std::vector<Tensor>> Network::run_unnamed(std::span<const Tensor> inputs,
                                                 const RunOptions& options) const {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) {
    const auto count = checked_element_count(input.shape, state_->limits.elements_per_tensor);
    if (!count || *count != input.values.size()) {
      return fail(ErrorCode::InvalidInput, "input_shape", "an input of shape {} has {} values",
                  to_string(input.shape), input.values.size());
    }
    shapes.push_back(input.shape);
  }
  if (!goes_one_by_one(this->inputs(), shapes)) {
    const auto program = TRY(state_->program(std::move(shapes), options));
    return state_->run(*program, inputs);
  }
  const auto count = static_cast<size_t>(shapes[0][0]);
  shapes[0][0] = 1;
  const auto program = TRY(state_->program(shapes, options));
  const size_t picture_size = inputs[0].values.size() / count;
  std::vector<Tensor> results;
  for (size_t index = 0; index < count; ++index) {
    const auto first = inputs[0].values.begin() + static_cast<std::ptrdiff_t>(index * picture_size);
    const Tensor picture{shapes[0], {first, first + static_cast<std::ptrdiff_t>(picture_size)}};
    auto outputs = TRY(state_->run(*program, std::span(&picture, 1)));
    TRY(append(results, std::move(outputs)));
  }
  return results;
}

Result<std::vector<std::string>> Network::implementations(std::span<const int64_t> input_shape,
                                                          const RunOptions& options) const {
  std::vector<Shape> shapes{Shape(input_shape.begin(), input_shape.end())};
  if (goes_one_by_one(inputs(), shapes)) shapes[0][0] = 1;
  const auto program = TRY(state_->program(std::move(shapes), options));
  return program->implementations();
}

}  // namespace faceforge::nn
