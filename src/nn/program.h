#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/arena_pool.h"
#include "nn/graph.h"
#include "nn/layout.h"
#include "nn/network.h"
#include "nn/weight_store.h"

namespace faceforge::nn {

/// A piece of memory that steps read and write: an input of the caller, or a part of the arena
/// that it shares with pieces of other times.
struct Storage {
  size_t bytes = 0;
  int input_index = -1;  ///< the caller's input, never written; -1 in the arena
  size_t offset = 0;     ///< in the arena
};

/// What a step reads or writes: a storage, or a weight.
struct Operand {
  Layout layout;
  int storage = -1;     ///< -1 for a weight
  dnnl::memory weight;  ///< empty for a storage
};

/// One thing a program does: a oneDNN primitive, or one of our kernels.
struct Step {
  std::string name;            ///< of the graph's node
  std::string implementation;  ///< of the kernel behind it
  dnnl::primitive primitive;
  std::vector<std::pair<int, Operand>> arguments;  ///< of the primitive
  std::function<void(std::span<float* const>)> kernel;
  std::vector<Operand> operands;  ///< of the kernel: what it reads, then what it writes
};

/// A result of the whole program: row-major floats in a storage or a weight.
struct ProgramOutput {
  Shape shape;
  Operand from;
};

/// A graph compiled for fixed input shapes and a number of threads. Thread safe.
class Program {
 public:
  /// fails: as `Network::run`; oneDNN 2.6 crashes where memory runs out in dnnl_primitive_create
  [[nodiscard]] static Result<std::shared_ptr<const Program>> compile(
      const Graph& graph, std::span<const Shape> input_shapes, int thread_count,
      const LoadLimits& limits, WeightStore& weights, ArenaPool& arenas);

  /// `arenas` outlives the program.
  Program(std::vector<Step> steps, std::vector<Storage> storages,
          std::vector<ProgramOutput> outputs, int thread_count, ArenaPool& arenas);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Which pictures of those that inputs and outputs hold one behind the other a run is for. By
  /// default it is for all that there are.
  struct Part {
    size_t first = 0;
    size_t count = 1;  ///< that the program takes
    size_t total = 1;  ///< that inputs and outputs hold
  };

  /// Makes outputs as many and as large as they are for all parts.
  ///
  /// fails: invalid_input/input_shape for an output without a dimension to hold parts;
  ///        too_large/activations_too_large for outputs beyond the limits; exhausted/out_of_memory
  /// cost:  allocates where they have no room yet
  [[nodiscard]] Result<void> size(std::vector<Tensor>& outputs, Part part,
                                  const LoadLimits& limits) const;

  /// Runs on one part of inputs that are larger than it was compiled for. Parts may run at once.
  ///
  /// in:    `outputs` of the size that `size` gives them; this part is filled in
  /// fails: exhausted/out_of_memory; internal/engine_failed
  /// cost:  allocates nothing of its own; oneDNN some hundred bytes a primitive, for its arguments
  [[nodiscard]] Result<void> run_part(std::span<const Tensor> inputs, Part part,
                                      std::span<Tensor> outputs) const;

  /// Runs on inputs of the shapes it was compiled for. Fails and costs as `size` and `run_part`.
  [[nodiscard]] Result<void> run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                                 const LoadLimits& limits) const;

  /// `node: kernel`, step by step.
  [[nodiscard]] std::vector<std::string> implementations() const;

 private:
  struct Workspace;
  std::unique_ptr<Workspace> borrow_workspace() const;
  std::unique_ptr<Workspace> make_workspace() const;
  void point_at(Arena arena, Workspace& workspace) const;
  void point_at(std::span<const Tensor> inputs, Part part, Workspace& workspace) const;
  void write_outputs(const Workspace& workspace, Part part, std::span<Tensor> outputs) const;
  void give_back(std::unique_ptr<Workspace> workspace) const;

  std::vector<Step> steps_;
  std::vector<Storage> storages_;
  std::vector<ProgramOutput> outputs_;
  int thread_count_;
  size_t arena_bytes_;
  ArenaPool& arenas_;
  mutable std::mutex idle_mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_;
};

/// Gives every storage in the arena a place such that two share memory only when no step needs
/// both; returns the arena's size. `last_step` keeps the results alive.
[[nodiscard]] size_t plan_arena(std::span<const Step> steps, std::span<const ProgramOutput> outputs,
                                std::vector<Storage>& storages);

}  // namespace faceforge::nn
