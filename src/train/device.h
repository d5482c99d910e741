#pragma once

#include <string>
#include <string_view>

#include <torch/types.h>

#include "base/result.h"
#include "train/trainer.h"

namespace faceforge::train {

/// fails: unsupported/no_cuda when a GPU is asked for that LibTorch cannot use
[[nodiscard]] Result<torch::Device> choose_device(const Compute& compute);

/// What is asked for, or what is usual on a device: Float or BFloat16.
[[nodiscard]] Precision precision_on(torch::Device device, Precision asked);

/// in: `precision` as precision_on gives it
[[nodiscard]] std::string describe(torch::Device device, Precision precision);

/// While it lives, convolutions and products of its thread take the numbers of `precision`.
///
/// source: Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training": no scaling of
///         the loss is needed, for bfloat16 has the range of a float
class MixedPrecision {
 public:
  /// in: `precision` as precision_on gives it
  MixedPrecision(torch::Device device, Precision precision);
  ~MixedPrecision();
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
  torch::Device device_;
  bool is_on_;
};

/// LibTorch throws; this calls `work` and makes an error of that.
///
/// fails: as `work`; exhausted/out_of_memory, of the device too; internal/libtorch with its words
template <typename Work>
[[nodiscard]] auto without_torch_throwing(const Work& work) -> decltype(work());

/// Whether the words of an error, LibTorch's or of a library below it, say that memory is used up.
[[nodiscard]] bool is_out_of_memory(std::string_view words);

template <typename Work>
auto without_torch_throwing(const Work& work) -> decltype(work()) {
  std::string words;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    words = "out of memory";
  } catch (const c10::Error& error) {
    words = error.what_without_backtrace();
  } catch (const std::exception& error) {  // Gloo's own, say, when another process has gone
    words = error.what();
  }
  if (is_out_of_memory(words)) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for this");
  }
  return fail(ErrorCode::Internal, "libtorch", "{}", words);
}

}  // namespace faceforge::train
