#include "train/device.h"

#include <algorithm>
#include <array>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/cuda.h>
#include <torch/version.h>

namespace faceforge::train {
namespace {

void set_autocast(torch::Device device, bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_enabled(device.type(), on);
  at::autocast::set_autocast_dtype(device.type(), at::kBFloat16);
#else
  if (device.is_cuda()) {
    at::autocast::set_enabled(on);
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
  } else {
    at::autocast::set_cpu_enabled(on);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  }
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

Precision precision_on(torch::Device device, Precision asked) {
  if (asked != Precision::Auto) return asked;
  return device.is_cuda() ? Precision::BFloat16 : Precision::Float;
}

std::string describe(torch::Device device, Precision precision) {
  std::string words =
      device.is_cpu() ? fmt::format("cpu, {} threads", at::get_num_threads()) : device.str();
  if (precision == Precision::BFloat16) words += ", bf16";
  return words;
}

MixedPrecision::MixedPrecision(torch::Device device, Precision precision)
    : device_(device), is_on_(precision == Precision::BFloat16) {
  if (is_on_) set_autocast(device_, true);
}

MixedPrecision::~MixedPrecision() {
  if (is_on_) set_autocast(device_, false);
}

bool is_out_of_memory(std::string_view words) {
  // CUDA's allocator and driver; LibTorch's allocator on the CPU; cuBLAS and cuDNN.
  constexpr std::array<std::string_view, 3> kSaid{"out of memory", "can't allocate memory",
                                                  "_STATUS_ALLOC_FAILED"};
  return std::ranges::any_of(
      kSaid, [&](std::string_view said) { return words.find(said) != std::string_view::npos; });
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace faceforge::train
