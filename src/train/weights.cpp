#include "train/weights.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <torch/utils.h>

namespace faceforge::train {
namespace {

constexpr std::string_view kTorchvisionHead = "fc.";
// Of ImageNet's photos, in [0, 1]: torchvision.transforms.Normalize as its models are documented.
constexpr std::array<float, 3> kTorchvisionMean{0.485F, 0.456F, 0.406F};
constexpr std::array<float, 3> kTorchvisionDeviation{0.229F, 0.224F, 0.225F};
constexpr std::string_view kBatchCounter = "num_batches_tracked";  // older states lack it

ElementType element_type(torch::ScalarType type) {
  switch (type) {
    case torch::kDouble:
      return ElementType::F64;
    case torch::kLong:
      return ElementType::I64;
    default:
      TORCH_INTERNAL_ASSERT(type == torch::kFloat);  // our modules hold nothing else
      return ElementType::F32;
  }
}

torch::ScalarType scalar_type(ElementType type) {
  switch (type) {
    case ElementType::F64:
      return torch::kDouble;
    case ElementType::F32:
      return torch::kFloat;
    case ElementType::F16:
      return torch::kHalf;
    case ElementType::BF16:
      return torch::kBFloat16;
    case ElementType::I64:
      return torch::kLong;
    case ElementType::I32:
      return torch::kInt;
    case ElementType::U8:
      return torch::kByte;
  }
  return torch::kFloat;
}

Result<void> load_tensor(const StoredTensor& stored, torch::Tensor into) {
  if (into.sizes() != torch::IntArrayRef(stored.shape)) {
    return fail(ErrorCode::InvalidInput, "weights_do_not_fit",
                "{}: a shape of [{}]; the network has [{}]", stored.name,
                fmt::join(stored.shape, ", "), fmt::join(into.sizes().vec(), ", "));
  }
  const torch::ScalarType type = scalar_type(stored.type);
  if (torch::isFloatingType(type) != into.is_floating_point()) {
    return fail(ErrorCode::InvalidInput, "weights_do_not_fit", "{}: {}", stored.name,
                into.is_floating_point() ? "whole numbers in place of floats"
                                         : "floats in place of whole numbers");
  }
  torch::Tensor copy = torch::empty(stored.shape, torch::dtype(type));
  if (!stored.bytes.empty()) {
    std::memcpy(copy.data_ptr(), stored.bytes.data(), stored.bytes.size());
  }
  const torch::NoGradGuard no_gradient;
  into.copy_(copy);
  return {};
}

/// Without the head, and without counters that the file lacks.
NamedTensors torchvision_part(const NamedTensors& state, const TensorFile& file) {
  NamedTensors part;
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with(kBackbonePrefix)) continue;
    std::string theirs = name.substr(kBackbonePrefix.size());
    if (theirs.starts_with(kTorchvisionHead)) continue;
    if (theirs.ends_with(kBatchCounter) && file.find(theirs) == nullptr) continue;
    part.emplace_back(std::move(theirs), tensor);
  }
  return part;
}

bool has_prefix(const TensorFile& file, std::string_view prefix) {
  for (const StoredTensor& tensor : file.tensors()) {
    if (tensor.name.starts_with(prefix)) return true;
  }
  return false;
}

/// Lets the first layers, which were made for torchvision's pictures t, take ours: with
/// t = x * 0.5 / deviation + (0.5 - mean) / deviation, the factor goes into the convolution and
/// what the rest adds to each of its outputs is taken off what the batch norm subtracts. Exact but
/// at the border, where the convolution's padding stands for grey now and for the mean there.
void take_our_pictures(const NamedTensors& network) {
  const auto of = [&](std::string_view name) {
    const std::string full_name = std::string(kBackbonePrefix).append(name);
    const auto found = std::ranges::find(network, full_name, &NamedTensors::value_type::first);
    TORCH_INTERNAL_ASSERT(found != network.end());
    return found->second;
  };
  const torch::NoGradGuard no_gradient;
  const torch::Tensor weights = of("conv1.weight");
  const auto channels = [&](const std::array<float, 3>& values) {
    return torch::tensor(torch::ArrayRef<float>(values)).view({1, 3, 1, 1});
  };
  const torch::Tensor deviation = channels(kTorchvisionDeviation);
  const torch::Tensor shift = (0.5 - channels(kTorchvisionMean)) / deviation;
  of("bn1.running_mean").sub_((weights * shift).sum({1, 2, 3}));
  weights.mul_(0.5 / deviation);
}

}  // namespace

NamedTensors state_of(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.emplace_back(item.key(), item.value());
  return state;
}

void TensorCollection::add(std::string_view prefix, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& kept = kept_.emplace_back(tensor.detach().to(torch::kCPU).contiguous());
    stored_.push_back({.name = std::string(prefix) + name,
                       .type = element_type(kept.scalar_type()),
                       .shape = kept.sizes().vec(),
                       .bytes = {static_cast<const std::byte*>(kept.data_ptr()),
                                 static_cast<size_t>(kept.nbytes())}});
  }
}

Result<void> load_tensors(const TensorFile& file, std::string_view prefix,
                          const NamedTensors& into) {
  for (const auto& [name, tensor] : into) {
    const std::string wanted = std::string(prefix) + name;
    const StoredTensor* stored = file.find(wanted);
    if (stored == nullptr) {
      return fail(ErrorCode::InvalidInput, "weights_do_not_fit", "{} is missing", wanted);
    }
    TRY(load_tensor(*stored, tensor));
  }
  return {};
}

Result<void> load_initial_weights(EmbeddingNetwork& network, const std::filesystem::path& path) {
  const TensorFile file = TRY(TensorFile::read(path));
  const NamedTensors state = state_of(network);
  for (const std::string_view prefix : {kAveragePrefix, kNetworkPrefix}) {
    if (has_prefix(file, prefix)) return load_tensors(file, prefix, state);
  }
  TRY(load_tensors(file, "", torchvision_part(state, file)));
  take_our_pictures(state);
  return {};
}

}  // namespace faceforge::train
