#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"

namespace faceforge::nn {

/// What a model file may ask for. Checked before anything of that size is allocated.
struct LoadLimits {
  size_t file_bytes = size_t{1} << 30;           ///< the ONNX file
  size_t node_count = 20'000;                    ///< operators of the graph
  size_t elements_per_tensor = size_t{1} << 28;  ///< one weight or one activation (1 GiB of floats)
  size_t weight_bytes = size_t{1} << 30;         ///< all weights, and what is computed from them
  size_t activation_bytes = size_t{2} << 30;     ///< all activations of one thread, and all outputs
};

struct RunOptions {
  int thread_count = 1;  ///< threads that share this one run, the caller's among them; 1 to 256
};

/// A neural network read from an ONNX file and compiled, at the first run of each input shape, to
/// oneDNN primitives: batch norms folded into convolutions, activations and residual sums fused,
/// activations kept in oneDNN's blocked layouts between them.
///
/// Immutable after load. Copies are cheap and share the weights and the compiled programs. Every
/// member may be called from any number of threads at once.
///
/// source: ONNX operators, opsets 9 to 17, of domain `ai.onnx`, 32-bit floats. Sizes that a model
///         computes from its input's shape (Shape, Gather, Cast, Concat, ...) are folded at compile
///         time.
class Network {
 public:
  /// Reads and checks a model; compiles nothing yet. Every failure of loading and running it names
  /// the file, without its folder.
  ///
  /// in:    `file` an ONNX model, with all its weights inside
  /// fails: not_found/model_file_missing; too_large/model_file_too_large;
  ///        exhausted/out_of_memory; and as `parse`
  /// cost:  reads the file once and keeps its weights in memory as 32-bit floats
  [[nodiscard]] static Result<Network> load(const std::filesystem::path& file,
                                            const LoadLimits& limits = {});

  /// Reads a model from memory.
  ///
  /// fails: unsupported/operator_unsupported naming operator and node (also for an attribute value
  ///        that is not implemented); unsupported/opset_unsupported outside 9 to 17;
  ///        unsupported/tensor_type_unsupported for weights that are not float, double, float16 or
  ///        an integer; unsupported/external_data_unsupported for a weight in a file of its own;
  ///        corrupt/model_malformed when the bytes are no ONNX model, or a name is used before or
  ///        without being made (cycles included), or is made twice;
  ///        corrupt/tensor_outside_file when a weight's bytes are fewer than its shape says;
  ///        corrupt/tensor_shape for negative dimensions; corrupt/weight_not_finite;
  ///        too_large/model_file_too_large, graph_too_large (nodes; 300 000 messages, strings and
  ///        lists; 8 MiB beside the weights), weights_too_large or tensor_too_large
  [[nodiscard]] static Result<Network> parse(std::span<const std::byte> bytes,
                                             const LoadLimits& limits = {});

  /// The inputs that a caller provides (weights are not among them), in the model's order.
  [[nodiscard]] const std::vector<PortInfo>& inputs() const;
  [[nodiscard]] const std::vector<PortInfo>& outputs() const;

  /// Runs a network with one input.
  ///
  /// in:    any batch size; any height and width that the model leaves open. Where the file fixes
  ///        the batch at 1, the pictures of a larger one run one by one, and each output is theirs
  ///        joined along its first dimension, picture after picture. Where it leaves it open, and
  ///        every operator keeps pictures apart, they run one by one, too, or a few at a time if
  ///        there are many weights: that is faster than all at once, whose activations no cache
  ///        holds. Several threads then compute different pictures.
  /// out:   one tensor an output, in the model's order
  /// fails: invalid_input/input_count when the model wants another number of inputs;
  ///        invalid_input/input_shape naming the wanted and the given shape;
  ///        invalid_input/shape_mismatch naming the node whose operands do not fit;
  ///        too_large/activations_too_large; too_large/weights_too_large where the forms in which
  ///        convolutions take their weights pass `LoadLimits::weight_bytes`;
  ///        invalid_input/thread_count;
  ///        exhausted/out_of_memory; internal/engine_failed with oneDNN's words.
  ///        oneDNN 2.6 does not check its own allocations: memory that runs out while it makes a
  ///        primitive, so in `prepare` and the first run of a shape and thread count only, ends the
  ///        program. Whoever knows a shape beforehand prepares it while nobody waits.
  /// cost:  the first run of a shape and thread count compiles a program (some 10 to 100 ms); the
  ///        32 programs used last are kept, and for activations as much memory as that of them
  ///        that takes most, once for each of the runs at a time, at most 256 MB. Later
  ///        runs allocate the outputs, and oneDNN some hundred bytes a primitive for its arguments
  ///        and a megabyte for a product of matrices.
  [[nodiscard]] Result<std::vector<Tensor>> run(const Tensor& input,
                                                const RunOptions& options = {}) const;

  /// Runs a network with several inputs, in the model's order. Fails and costs as above.
  [[nodiscard]] Result<std::vector<Tensor>> run(std::span<const Tensor> inputs,
                                                const RunOptions& options = {}) const;

  /// As above, into outputs of the caller's: those of a run before of the same shapes are written
  /// over without an allocation. After a failure they hold anything.
  [[nodiscard]] Result<void> run_into(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                                      const RunOptions& options = {}) const;

  /// Compiles the programs for a shape of the only input, which its first run would otherwise do.
  ///
  /// fails: as `run`
  [[nodiscard]] Result<void> prepare(std::span<const int64_t> input_shape,
                                     const RunOptions& options = {}) const;

  /// Memory that the weights of convolutions and matrices take: once as in the file until the first
  /// program is compiled, from then on once for each layout that a program wanted.
  [[nodiscard]] size_t weight_bytes() const;

  /// Names the kernel behind every step of the program for an input shape, or for the first part of
  /// the batch that it is, as
  /// `node_name: kernel`, the kernel being oneDNN's `impl_info_str` or `faceforge:...` for our own.
  /// A kernel named `ref...` is a hundred times slower than it should be.
  ///
  /// fails: as `run`
  [[nodiscard]] Result<std::vector<std::string>> implementations(
      std::span<const int64_t> input_shape, const RunOptions& options = {}) const;

 private:
  struct State;
  explicit Network(std::shared_ptr<const State> state);

  static Result<Network> parse_named(std::string file_name, std::span<const std::byte> bytes,
                                     const LoadLimits& limits);
  Result<void> run_unnamed(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                           const RunOptions& options) const;
  Result<void> prepare_unnamed(std::span<const int64_t> input_shape,
                               const RunOptions& options) const;

  std::shared_ptr<const State> state_;
};

}  // namespace faceforge::nn
