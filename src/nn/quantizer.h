#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/network.h"
#include "nn/tensor.h"

namespace faceforge::nn {

/// How the range that 8 bits cover follows from the numbers seen.
enum class RangeMethod {
  MinimumMaximum,  ///< all of them
  Percentile,      ///< all but one in 20 000 at each end
  Entropy,         ///< what keeps the most information: the least Kullback-Leibler divergence
  SquaredError,    ///< what is nearest to the numbers: the least sum of squared differences
};

/// A convolution or matrix that can run on bytes.
struct QuantizableLayer {
  std::string name;
  std::string op_type;
  int64_t weight_count = 0;
  // For the first example observed; 0 before.
  int64_t multiplication_count = 0;
  int64_t number_count = 0;  ///< read and written, without the weights
};

/// Post-training quantization of a network of floats: weights to signed bytes with a scale for each
/// output channel, activations to unsigned bytes with a scale and zero point for each tensor, whose
/// ranges come from what example inputs make of them. What rounding takes from the weights is given
/// back to the biases in the mean (Nagel et al. 2019, section 4.2). The result is ONNX with
/// QuantizeLinear/DequantizeLinear pairs (opset 13), which other runtimes read too.
///
/// Not thread safe.
///
/// source: Jacob et al. 2018 (affine quantization); Migacz 2017, "8-bit Inference with TensorRT"
///         (entropy), here with a zero point, so that both ends are clipped
class Quantizer {
 public:
  /// fails: as `Network::load`; invalid_input/already_quantized for a network on bytes
  [[nodiscard]] static Result<Quantizer> load(const std::filesystem::path& file,
                                              const LoadLimits& limits = {});
  /// As `load`, from memory.
  [[nodiscard]] static Result<Quantizer> parse(std::span<const std::byte> bytes,
                                               const LoadLimits& limits = {});
  ~Quantizer();
  Quantizer(Quantizer&&) noexcept;
  Quantizer& operator=(Quantizer&&) noexcept;

  /// What `write` can put on bytes, in running order.
  [[nodiscard]] const std::vector<QuantizableLayer>& layers() const;

  /// Runs the network on one example and takes the numbers before every layer into account.
  ///
  /// in:    as `Network::run`, one picture; of several examples of a shape the thread count of the
  ///        first counts
  /// fails: as `Network::run`; invalid_input/activation_not_finite
  /// cost:  the first example of a shape compiles a program; eight are kept
  [[nodiscard]] Result<void> observe(const Tensor& input, const RunOptions& options = {});

  /// Rescales channels by what was observed (`equalize_channels`), so that one scale fits those of
  /// a tensor better. What was observed is forgotten: observe again.
  ///
  /// out:   how many tensors were rescaled
  /// fails: invalid_input/nothing_observed
  /// cost:  for a moment one layer's weights twice
  [[nodiscard]] Result<size_t> equalize();

  /// Writes the network with some layers on bytes.
  ///
  /// in:    one flag a layer; at least one observation before
  /// fails: invalid_input/nothing_observed; invalid_input/layer_count; as `write_graph`
  [[nodiscard]] Result<std::vector<std::byte>> write(RangeMethod method,
                                                     const std::vector<bool>& on_bytes) const;

 private:
  struct State;
  explicit Quantizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// `minimum_maximum`, `percentile`, `entropy`, `squared_error`
[[nodiscard]] std::string_view to_string(RangeMethod method);
/// Nothing for any other name.
[[nodiscard]] std::optional<RangeMethod> range_method_from(std::string_view name);

}  // namespace faceforge::nn
