#include "nn/network.h"

#include <algorithm>
#include <fstream>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "nn/batch.h"
#include "nn/onnx_import.h"
#include "nn/onnx_names.h"
#include "nn/passes.h"
#include "nn/program.h"
#include "nn/thread_team.h"

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

Result<void> check_threads(const RunOptions& options) {
  if (options.thread_count >= 1 && options.thread_count <= kThreadLimit) return {};
  return fail(ErrorCode::InvalidInput, "thread_count", "{} threads; the limits are 1 and {}",
              options.thread_count, kThreadLimit);
}

/// Whether a batch must go through a network picture by picture, because its file fixes the batch
/// at 1, so that its arithmetic (a Reshape to [1, 512], say) would fail on more or, worse, mix
/// pictures.
bool takes_one_picture(std::span<const PortInfo> ports) {
  return ports.size() == 1 && ports[0].shape.size() > 1 && ports[0].shape[0] == 1;
}

/// Whether `shape` is that of so many pictures of `batch`.
bool is_part_of(std::span<const int64_t> shape, std::span<const int64_t> batch,
                size_t picture_count) {
  return shape.size() == batch.size() && !shape.empty() &&
         shape[0] == static_cast<int64_t>(picture_count) &&
         std::ranges::equal(shape.subspan(1), batch.subspan(1));
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
  size_t weight_bytes = 0;  ///< as in the file
  mutable WeightStore weights;
  mutable ArenaPool arenas{kIdleLimit_bytes};  ///< before `programs`, which borrow from it
  mutable std::mutex programs_mutex;
  mutable std::list<CachedProgram> programs;  ///< the one used last in front
  struct Apart {
    Shape picture;
    bool is_apart;
  };
  mutable std::list<Apart> apart;  ///< what is known of pictures' shapes, the last in front

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
    TRY(check_threads(options));
    const ProgramKey key{std::move(input_shapes), options.thread_count};
    if (auto found = find_if([&](const ProgramKey& known) { return known == key; })) return found;
    // Two threads may compile the same program at once; that costs time, once, and nothing else.
    auto compiled =
        TRY(Program::compile(graph, key.input_shapes, key.thread_count, limits, weights, arenas));
    return keep(key, std::move(compiled));
  }

  /// The program for so many pictures of a batch, which is the shape of the only input.
  Result<std::shared_ptr<const Program>> program_of(std::span<const int64_t> batch,
                                                    size_t picture_count,
                                                    const RunOptions& options) const {
    auto found = find_if([&](const ProgramKey& key) {
      return key.thread_count == options.thread_count && key.input_shapes.size() == 1 &&
             is_part_of(key.input_shapes[0], batch, picture_count);
    });
    if (found) return found;
    std::vector<Shape> shapes{Shape(batch.begin(), batch.end())};
    if (!shapes[0].empty()) shapes[0][0] = static_cast<int64_t>(picture_count);
    return program(std::move(shapes), options);
  }

  /// Whether a batch of this shape, the only input's, may go through the network in parts.
  bool goes_in_parts(std::span<const int64_t> batch) const {
    if (graph.inputs.size() != 1 || batch.size() < 2 || batch[0] < 2) return false;
    if (takes_one_picture(graph.inputs)) return true;
    // What takes another number of pictures takes no fewer.
    if (graph.inputs[0].shape.empty() || graph.inputs[0].shape[0] >= 0) return false;
    {
      const std::scoped_lock lock(programs_mutex);
      const auto known = std::ranges::find_if(
          apart, [&](const Apart& other) { return is_part_of(other.picture, batch, 1); });
      if (known != apart.end()) return known->is_apart;
    }
    Shape picture(batch.begin(), batch.end());
    picture[0] = 1;
    const bool is_apart = keeps_pictures_apart(graph, picture, limits);
    const std::scoped_lock lock(programs_mutex);
    apart.push_front({std::move(picture), is_apart});
    if (apart.size() > kProgramLimit) apart.pop_back();
    return is_apart;
  }

  /// How a batch of this shape, the only input's, is divided. A network that takes one picture gets
  /// one at a time, whatever its weights are.
  BatchShares shares_of(std::span<const int64_t> batch, int thread_count) const {
    return share_batch(static_cast<size_t>(batch[0]), static_cast<size_t>(thread_count),
                       takes_one_picture(graph.inputs) ? 0 : weight_bytes);
  }

  /// How many of the pictures left over all threads compute at once.
  size_t left_over_at_once(const BatchShares& shares) const {
    return takes_one_picture(graph.inputs) ? 1 : shares.left_over;
  }

  /// Calls `visit(first, count, threads)` for what is left over, which all threads compute
  /// together.
  template <typename Visit>
  Result<void> visit_left_over(const BatchShares& shares, size_t total, int thread_count,
                               Visit&& visit) const {
    const size_t step = left_over_at_once(shares);
    for (size_t first = total - shares.left_over; first < total; first += step) {
      TRY(visit(first, step, thread_count));
    }
    return {};
  }

  Result<void> run_in_parts(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                            const RunOptions& options) const {
    const Shape& batch = inputs[0].shape;
    const auto total = static_cast<size_t>(batch[0]);
    const BatchShares shares = shares_of(batch, options.thread_count);
    bool are_sized = false;
    const auto run = [&](size_t first, size_t count, int thread_count) -> Result<void> {
      const auto program = TRY(program_of(batch, count, {.thread_count = thread_count}));
      const Program::Part part{first, count, total};
      if (!std::exchange(are_sized, true)) TRY(program->size(outputs, part, limits));
      return program->run_part(inputs, part, outputs);
    };
    TRY(visit_left_over(shares, total, options.thread_count, run));
    if (shares.pictures_each == 0) return {};
    return run_side_by_side(inputs, outputs, shares, options.thread_count);
  }

  /// Runs the parts that a thread computes by itself, whichever is free.
  Result<void> run_side_by_side(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                                const BatchShares& shares, int thread_count) const {
    const Shape& batch = inputs[0].shape;
    const auto total = static_cast<size_t>(batch[0]);
    // Parts are of two sizes at most; one program for each, made before the threads need it.
    const auto larger = TRY(program_of(batch, shares.part(0).count, {}));
    const auto smaller = TRY(program_of(batch, shares.part(shares.parts_each - 1).count, {}));
    TRY(larger->size(outputs, {0, shares.part(0).count, total}, limits));
    const auto part_count = static_cast<int64_t>(shares.parts_each) * thread_count;
    std::optional<Error> error;
    bool has_thrown = false;  // nothing may leave the threads' region
    const ThreadPlaces places(thread_count);
#pragma omp parallel for schedule(dynamic) num_threads(thread_count)
    for (int64_t index = 0; index < part_count; ++index) {
      try {
        const auto share = static_cast<size_t>(index) / shares.parts_each;
        const auto part = shares.part(static_cast<size_t>(index) % shares.parts_each);
        const auto& program = part.count == shares.part(0).count ? larger : smaller;
        auto done = program->run_part(
            inputs, {share * shares.pictures_each + part.first, part.count, total}, outputs);
        if (done) continue;
#pragma omp critical(faceforge_batch_error)
        error = std::move(done).error();
      } catch (...) {
#pragma omp atomic write
        has_thrown = true;
      }
    }
    if (error) return Unexpected(*std::move(error));
    if (has_thrown) {
      return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to run a network");
    }
    return {};
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
  state->weight_bytes = bytes_of_weights(state->graph);
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
  if (inputs.size() == 1 && state_->goes_in_parts(inputs[0].shape)) {
    TRY(check_threads(options));
    return state_->run_in_parts(inputs, outputs, options);
  }
  auto program = state_->find_if([&](const ProgramKey& key) {
    return key.thread_count == options.thread_count &&
           std::ranges::equal(inputs, key.input_shapes, {}, &Tensor::shape);
  });
  if (!program) {
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) shapes.push_back(input.shape);
    program = TRY(state_->program(std::move(shapes), options));
  }
  return program->run(inputs, outputs, state_->limits);
}

Result<void> Network::prepare(std::span<const int64_t> input_shape,
                              const RunOptions& options) const {
  auto prepared = prepare_unnamed(input_shape, options);
  if (!prepared) return state_->named(std::move(prepared).error());
  return {};
}

Result<void> Network::prepare_unnamed(std::span<const int64_t> input_shape,
                                      const RunOptions& options) const {
  TRY(check_threads(options));
  if (!state_->goes_in_parts(input_shape)) {
    TRY(state_->program({Shape(input_shape.begin(), input_shape.end())}, options));
    return {};
  }
  const BatchShares shares = state_->shares_of(input_shape, options.thread_count);
  const auto prepare = [&](size_t, size_t count, int thread_count) -> Result<void> {
    TRY(state_->program_of(input_shape, count, {.thread_count = thread_count}));
    return {};
  };
  TRY(state_->visit_left_over(shares, static_cast<size_t>(input_shape[0]), options.thread_count,
                              prepare));
  for (size_t index = 0; index < shares.parts_each; ++index) {
    TRY(prepare(0, shares.part(index).count, 1));
  }
  return {};
}

size_t Network::weight_bytes() const {
  return state_->weights.adopted_bytes();
}

Result<std::vector<std::string>> Network::implementations(std::span<const int64_t> input_shape,
                                                          const RunOptions& options) const {
  TRY(check_threads(options));
  Shape shape(input_shape.begin(), input_shape.end());
  RunOptions own = options;
  if (state_->goes_in_parts(input_shape)) {
    const BatchShares shares = state_->shares_of(input_shape, options.thread_count);
    if (shares.pictures_each > 0) own.thread_count = 1;
    const size_t together = state_->left_over_at_once(shares);
    shape[0] = static_cast<int64_t>(shares.pictures_each > 0 ? shares.part(0).count : together);
  }
  const auto program = TRY(state_->program({std::move(shape)}, own));
  return program->implementations();
}

}  // namespace faceforge::nn
