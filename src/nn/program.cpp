#include "nn/program.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "nn/lowering.h"
#include "nn/thread_team.h"

namespace faceforge::nn {
namespace {

/// Workspaces that a program keeps for its next runs: as many as a server has cores to run it on.
constexpr size_t kIdleWorkspaces = 16;

size_t rounded_up(size_t bytes) {
  constexpr size_t kUnit = Arena::kAlignment_bytes;
  return (bytes + kUnit - 1) / kUnit * kUnit;
}

}  // namespace

size_t plan_arena(std::span<const Step> steps, std::span<const ProgramOutput> outputs,
                  std::vector<Storage>& storages) {
  struct Life {
    size_t first = std::numeric_limits<size_t>::max(), last = 0;
  };
  std::vector<Life> lives(storages.size());
  const auto touch = [&](const Operand& operand, size_t step) {
    if (operand.storage < 0) return;
    Life& life = lives[static_cast<size_t>(operand.storage)];
    life.first = std::min(life.first, step);
    life.last = std::max(life.last, step);
  };
  for (size_t step = 0; step < steps.size(); ++step) {
    for (const auto& [_, operand] : steps[step].arguments) touch(operand, step);
    for (const Operand& operand : steps[step].operands) touch(operand, step);
  }
  for (const ProgramOutput& output : outputs) touch(output.from, steps.size());

  std::vector<size_t> order;
  for (size_t index = 0; index < storages.size(); ++index) {
    if (storages[index].input_index < 0 && lives[index].first <= lives[index].last) {
      order.push_back(index);
    }
  }
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return storages[a].bytes > storages[b].bytes; });
  // Largest first, each at the lowest place that is free during its life.
  size_t arena_bytes = 0;
  std::vector<size_t> placed;  // by offset
  for (const size_t index : order) {
    const size_t bytes = rounded_up(storages[index].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      const bool at_same_time =
          lives[other].first <= lives[index].last && lives[index].first <= lives[other].last;
      if (!at_same_time) continue;
      if (offset + bytes <= storages[other].offset) break;
      offset = std::max(offset, storages[other].offset + rounded_up(storages[other].bytes));
    }
    storages[index].offset = offset;
    arena_bytes = std::max(arena_bytes, offset + bytes);
    const auto place = std::ranges::upper_bound(
        placed, offset, {}, [&](size_t other) { return storages[other].offset; });
    placed.insert(place, index);
  }
  return arena_bytes;
}

/// What one run works on: the arena, during the run alone, and oneDNN's views of it.
struct Program::Workspace {
  Arena arena;
  std::byte* arena_place = nullptr;  ///< that all points at, also after the arena was given back
  dnnl::stream stream{cpu()};
  std::vector<float*> storages;
  std::vector<dnnl::memory> views;                      ///< that `arguments` name
  std::vector<std::vector<dnnl_exec_arg_t>> arguments;  ///< one list a step
  std::vector<std::vector<float*>> operands;            ///< one list a step
  struct View {
    dnnl::memory memory;
    int storage;
  };
  struct Pointer {
    size_t step, operand;
    int storage;
  };
  /// Those of storages, which lie elsewhere in another run.
  struct Movable {
    std::vector<View> views;
    std::vector<Pointer> pointers;
  };
  Movable inputs, activations;

  void follow(const Movable& moved) {
    for (const View& view : moved.views) {
      view.memory.set_data_handle(storages[static_cast<size_t>(view.storage)]);
    }
    for (const Pointer& pointer : moved.pointers) {
      operands[pointer.step][pointer.operand] = storages[static_cast<size_t>(pointer.storage)];
    }
  }
};

Program::Program(std::vector<Step> steps, std::vector<Storage> storages,
                 std::vector<ProgramOutput> outputs, int thread_count, ArenaPool& arenas)
    : steps_(std::move(steps)),
      storages_(std::move(storages)),
      outputs_(std::move(outputs)),
      thread_count_(thread_count),
      arena_bytes_(plan_arena(steps_, outputs_, storages_)),
      arenas_(arenas) {
  idle_.reserve(kIdleWorkspaces);
}

Program::~Program() = default;

Result<std::shared_ptr<const Program>> Program::compile(const Graph& graph,
                                                        std::span<const Shape> input_shapes,
                                                        int thread_count, const LoadLimits& limits,
                                                        WeightStore& weights, ArenaPool& arenas) {
  try {
    // oneDNN plans for the number of threads that it sees when a primitive is made.
    const ThreadCount threads(thread_count);
    auto lowered = TRY(lower(graph, input_shapes, limits, weights));
    return std::make_shared<const Program>(std::move(lowered.steps), std::move(lowered.storages),
                                           std::move(lowered.outputs), thread_count, arenas);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to compile a network");
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) {
      return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to compile a network");
    }
    return fail(ErrorCode::Internal, "engine_failed", "oneDNN could not compile the network: {}",
                error.what());
  }
}

std::unique_ptr<Program::Workspace> Program::borrow_workspace() const {
  std::unique_ptr<Workspace> workspace;
  {
    const std::scoped_lock lock(idle_mutex_);
    if (!idle_.empty()) {
      workspace = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!workspace) workspace = make_workspace();
  point_at(arenas_.borrow(arena_bytes_, workspace->arena_place), *workspace);
  return workspace;
}

std::unique_ptr<Program::Workspace> Program::make_workspace() const {
  auto workspace = std::make_unique<Workspace>();
  workspace->storages.resize(storages_.size(), nullptr);
  const auto movable = [&](int storage) -> Workspace::Movable& {
    const bool is_input = storages_[static_cast<size_t>(storage)].input_index >= 0;
    return is_input ? workspace->inputs : workspace->activations;
  };
  for (size_t step = 0; step < steps_.size(); ++step) {
    auto& arguments = workspace->arguments.emplace_back();
    for (const auto& [name, operand] : steps_[step].arguments) {
      const dnnl::memory memory =
          operand.storage < 0 ? operand.weight : dnnl::memory(operand.layout, cpu(), nullptr);
      workspace->views.push_back(memory);
      arguments.push_back({name, memory.get()});
      if (operand.storage >= 0) movable(operand.storage).views.push_back({memory, operand.storage});
    }
    auto& operands = workspace->operands.emplace_back();
    for (const Operand& operand : steps_[step].operands) {
      if (operand.storage >= 0) {
        movable(operand.storage).pointers.push_back({step, operands.size(), operand.storage});
      }
      operands.push_back(operand.storage < 0 ? static_cast<float*>(operand.weight.get_data_handle())
                                             : nullptr);
    }
  }
  return workspace;
}

void Program::give_back(std::unique_ptr<Workspace> workspace) const {
  arenas_.give_back(std::move(workspace->arena));
  const std::scoped_lock lock(idle_mutex_);
  if (idle_.size() < kIdleWorkspaces) idle_.push_back(std::move(workspace));
}

void Program::point_at(Arena arena, Workspace& workspace) const {
  workspace.arena = std::move(arena);
  std::byte* const place = workspace.arena.data();
  if (std::exchange(workspace.arena_place, place) == place) return;
  for (size_t index = 0; index < storages_.size(); ++index) {
    const Storage& storage = storages_[index];
    if (storage.input_index >= 0) continue;
    workspace.storages[index] = reinterpret_cast<float*>(place + storage.offset);
  }
  workspace.follow(workspace.activations);
}

void Program::point_at(std::span<const Tensor> inputs, Part part, Workspace& workspace) const {
  for (size_t index = 0; index < storages_.size(); ++index) {
    const Storage& storage = storages_[index];
    if (storage.input_index < 0) continue;
    // oneDNN takes sources by a pointer to non-const and does not write to them.
    workspace.storages[index] =
        const_cast<float*>(inputs[static_cast<size_t>(storage.input_index)].values.data()) +
        part.first * (storage.bytes / sizeof(float) / part.count);
  }
  workspace.follow(workspace.inputs);
}

Result<void> Program::size(std::vector<Tensor>& outputs, Part part,
                           const LoadLimits& limits) const {
  try {
    outputs.resize(outputs_.size());
    size_t bytes = 0;
    for (size_t index = 0; index < outputs_.size(); ++index) {
      const ProgramOutput& own = outputs_[index];
      Tensor& output = outputs[index];
      output.shape.assign(own.shape.begin(), own.shape.end());
      const auto count = static_cast<size_t>(element_count(own.shape));
      if (part.total != part.count) {
        if (own.shape.empty()) {
          return fail(ErrorCode::InvalidInput, "input_shape",
                      "a batch, though the model's output {} has no dimension to hold it", index);
        }
        output.shape[0] =
            output.shape[0] / static_cast<int64_t>(part.count) * static_cast<int64_t>(part.total);
      }
      const size_t total = count / part.count * part.total;
      bytes += total * sizeof(float);
      if (total > limits.elements_per_tensor || bytes > limits.activation_bytes) {
        return fail(ErrorCode::TooLarge, "activations_too_large",
                    "output {} of a batch of {} has {} numbers; the limits are {}, and {} bytes of "
                    "all outputs",
                    index, part.total, total, limits.elements_per_tensor, limits.activation_bytes);
      }
      output.values.resize(total);
    }
    return {};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory for the outputs of a network");
  }
}

void Program::write_outputs(const Workspace& workspace, Part part,
                            std::span<Tensor> outputs) const {
  for (size_t index = 0; index < outputs_.size(); ++index) {
    const ProgramOutput& own = outputs_[index];
    const auto count = static_cast<size_t>(element_count(own.shape));
    const auto* from = own.from.storage < 0
                           ? static_cast<const float*>(own.from.weight.get_data_handle())
                           : workspace.storages[static_cast<size_t>(own.from.storage)];
    std::copy_n(from, count, outputs[index].values.data() + count / part.count * part.first);
  }
}

Result<void> Program::run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                          const LoadLimits& limits) const {
  TRY(size(outputs, {}, limits));
  return run_part(inputs, {}, outputs);
}

Result<void> Program::run_part(std::span<const Tensor> inputs, Part part,
                               std::span<Tensor> outputs) const {
  try {
    const ThreadCount threads(thread_count_);
    const ThreadPlaces places(thread_count_);
    auto workspace = borrow_workspace();
    point_at(inputs, part, *workspace);
    for (size_t step = 0; step < steps_.size(); ++step) {
      if (steps_[step].kernel) {
        steps_[step].kernel(workspace->operands[step]);
      } else {
        // Not `dnnl::primitive::execute`, which makes a list of the arguments for each call.
        const auto& arguments = workspace->arguments[step];
        dnnl::error::wrap_c_api(
            dnnl_primitive_execute(steps_[step].primitive.get(), workspace->stream.get(),
                                   static_cast<int>(arguments.size()), arguments.data()),
            "a primitive failed");
      }
    }
    workspace->stream.wait();
    write_outputs(*workspace, part, outputs);
    give_back(std::move(workspace));
    return {};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory for activations of {} bytes",
                arena_bytes_);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) {
      return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to run a network");
    }
    return fail(ErrorCode::Internal, "engine_failed", "oneDNN: {}", error.what());
  }
}

std::vector<std::string> Program::implementations() const {
  std::vector<std::string> names;
  for (const Step& step : steps_) names.push_back(step.name + ": " + step.implementation);
  return names;
}

}  // namespace faceforge::nn
