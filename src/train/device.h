#pragma once

#include <string>

#include <torch/types.h>

#include "base/result.h"
#include "train/trainer.h"

namespace faceforge::train {

/// fails: unsupported/no_cuda when a GPU is asked for that LibTorch cannot use
[[nodiscard]] Result<torch::Device> choose_device(const Compute& compute);

[[nodiscard]] std::string describe(torch::Device device);

/// While it lives, convolutions and products on a GPU take bfloat16; on a CPU nothing changes.
class MixedPrecision {
 public:
  explicit MixedPrecision(torch::Device device);
  ~MixedPrecision();
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

 private:
  bool on_gpu_;
};

/// LibTorch throws; this calls `work` and makes an error of that.
///
/// fails: as `work`; exhausted/out_of_memory, of the device too; internal/libtorch with its words
template <typename Work>
[[nodiscard]] auto without_torch_throwing(const Work& work) -> decltype(work());

/// Whether an error of LibTorch's says that memory is used up.
[[nodiscard]] bool is_out_of_memory(const c10::Error& error);

template <typename Work>
auto without_torch_throwing(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for this");
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) {
      return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for this");
    }
    return fail(ErrorCode::Internal, "libtorch", "{}", error.what_without_backtrace());
  } catch (const std::exception& error) {  // Gloo's own, when another process has gone
    return fail(ErrorCode::Internal, "libtorch", "{}", error.what());
  }
}

}  // namespace faceforge::train
