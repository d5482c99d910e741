#include "train/process_group.h"

#include <chrono>
#include <utility>

#include <torch/utils.h>

#include "train/device.h"

// LibTorch says what it was built with; the headers of what it was built with are packages of their
// own.
#if defined(USE_C10D_GLOO) && __has_include(<gloo/algorithm.h>)
#define FACEFORGE_HAS_GLOO
#endif
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#define FACEFORGE_HAS_NCCL
#endif
#if defined(FACEFORGE_HAS_GLOO) || defined(FACEFORGE_HAS_NCCL)
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#endif
#ifdef FACEFORGE_HAS_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef FACEFORGE_HAS_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace faceforge::train {

torch::Tensor ProcessGroup::gather_rows(const torch::Tensor& rows) {
  std::vector<torch::Tensor> all = gather(rows.detach().contiguous());
  all[static_cast<size_t>(rank())] = rows;
  return torch::cat(all);
}

void ProcessGroup::sum_gradients(const std::vector<torch::Tensor>& parameters) {
  const torch::NoGradGuard no_gradient;
  std::vector<torch::Tensor> gradients;
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    gradients.push_back(parameter.grad());
    flat.push_back(gradients.back().reshape(-1));
  }
  if (gradients.empty()) return;
  torch::Tensor message = torch::cat(flat);
  sum(message);
  int64_t at = 0;
  for (torch::Tensor& gradient : gradients) {
    gradient.copy_(message.narrow(0, at, gradient.numel()).view(gradient.sizes()));
    at += gradient.numel();
  }
}

bool ProcessGroup::any(bool here, torch::Device device) {
  torch::Tensor count =
      torch::full({1}, here ? 1.0 : 0.0, torch::TensorOptions().dtype(torch::kFloat)).to(device);
  sum(count);
  return count.item<float>() > 0;
}

namespace {

using Joined = Result<c10::intrusive_ptr<ProcessGroup>>;

#if defined(FACEFORGE_HAS_GLOO) || defined(FACEFORGE_HAS_NCCL)
/// Longer than the largest measurement, which the first process makes alone. That one has ended is
/// not learnt by waiting: whoever starts the processes watches them.
constexpr std::chrono::hours kPatience{24};

/// A group by one of c10d's backends.
template <typename Backend>
class BackendGroup final : public ProcessGroup {
 public:
  explicit BackendGroup(c10::intrusive_ptr<Backend> backend) : backend_(std::move(backend)) {}

  [[nodiscard]] int rank() const override { return backend_->getRank(); }
  [[nodiscard]] int size() const override { return backend_->getSize(); }

  void sum(torch::Tensor& tensor) override {
    std::vector<torch::Tensor> tensors{tensor};
    backend_->allreduce(tensors)->wait();
  }

 protected:
  std::vector<torch::Tensor> gather(torch::Tensor rows) override {
    std::vector<std::vector<torch::Tensor>> all(1);
    for (int i = 0; i < size(); ++i) all[0].push_back(torch::empty_like(rows));
    std::vector<torch::Tensor> own{std::move(rows)};
    backend_->allgather(all, own)->wait();
    return std::move(all[0]);
  }

 private:
  c10::intrusive_ptr<Backend> backend_;
};

c10::intrusive_ptr<c10d::Store> rendezvous(const ProcessPlace& place) {
  c10::intrusive_ptr<c10d::Store> store =
      c10::make_intrusive<c10d::FileStore>(place.rendezvous.string(), place.count);
  store->setTimeout(kPatience);
  return store;
}
#endif

/// Processes of this machine's CPU, which speak over the loopback interface.
Joined join_gloo([[maybe_unused]] const ProcessPlace& place) {
#ifdef FACEFORGE_HAS_GLOO
  using Gloo = c10d::ProcessGroupGloo;
  auto options = Gloo::Options::create(kPatience);
  options->devices.push_back(Gloo::createDeviceForHostname("127.0.0.1"));
  return c10::make_intrusive<BackendGroup<Gloo>>(
      c10::make_intrusive<Gloo>(rendezvous(place), place.rank, place.count, options));
#else
  return fail(ErrorCode::Unsupported, "no_process_groups",
              "FaceForge was built without Gloo (libgloo-dev): a run on the CPU has one process");
#endif
}

/// Processes of one GPU each.
Joined join_nccl([[maybe_unused]] const ProcessPlace& place) {
#ifdef FACEFORGE_HAS_NCCL
  using Nccl = c10d::ProcessGroupNCCL;
  auto options = Nccl::Options::create();
  options->timeout = kPatience;
  return c10::make_intrusive<BackendGroup<Nccl>>(
      c10::make_intrusive<Nccl>(rendezvous(place), place.rank, place.count, options));
#else
  return fail(ErrorCode::Unsupported, "no_process_groups",
              "FaceForge was built without NCCL (nccl.h): a run on a GPU has one process");
#endif
}

}  // namespace

Joined ProcessGroup::join(const ProcessPlace& place, torch::Device device) {
  return without_torch_throwing(
      [&]() -> Joined { return device.is_cuda() ? join_nccl(place) : join_gloo(place); });
}

}  // namespace faceforge::train
