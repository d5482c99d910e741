#include "train/device.h"

#include <string_view>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/cuda.h>
#include <torch/version.h>

namespace faceforge::train {
namespace {

void set_autocast(bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_enabled(at::kCUDA, on);
  at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
#else
  at::autocast::set_enabled(on);
  at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
#endif
  if (!on) at::autocast::clear_cache();
}

}  // namespace

Result<torch::Device> choose_device(const Compute& compute) {
  TORCH_INTERNAL_ASSERT(compute.thread_count >= 0);
  if (compute.thread_count > 0) at::set_num_threads(compute.thread_count);
  // Numbers too small to be normal cost a hundred times an addition and change nothing.
  at::globalContext().setFlushDenormal(true);
  const bool has_cuda = torch::cuda::is_available();
  if (compute.device == DeviceChoice::Cuda && !has_cuda) {
    return fail(ErrorCode::Unsupported, "no_cuda",
                "this LibTorch ({}) finds no GPU that it can use", TORCH_VERSION);
  }
  if (compute.device == DeviceChoice::Cpu || !has_cuda) return torch::Device(torch::kCPU);
  at::globalContext().setBenchmarkCuDNN(true);  // the pictures have one size throughout
  at::globalContext().setAllowTF32CuDNN(true);
  at::globalContext().setAllowTF32CuBLAS(true);
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(
                                         static_cast<size_t>(compute.place.rank) %
                                         static_cast<size_t>(torch::cuda::device_count())));
}

std::string describe(torch::Device device) {
  if (device.is_cpu()) return fmt::format("cpu, {} threads", at::get_num_threads());
  return device.str() + " (bf16)";
}

MixedPrecision::MixedPrecision(torch::Device device) : on_gpu_(device.is_cuda()) {
  if (on_gpu_) set_autocast(true);
}

MixedPrecision::~MixedPrecision() {
  if (on_gpu_) set_autocast(false);
}

bool is_out_of_memory(const c10::Error& error) {
  const std::string_view words = error.what_without_backtrace();
  return words.find("out of memory") != std::string_view::npos ||
         words.find("can't allocate memory") != std::string_view::npos;
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace faceforge::train
