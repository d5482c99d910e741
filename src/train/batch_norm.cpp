#include "train/batch_norm.h"

#include <vector>

#include <ATen/Context.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/utils.h>

namespace faceforge::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMomentum = 0.1;
constexpr double kEpsilon = 1e-5;

/// All dimensions but that of the channels.
std::vector<int64_t> dimensions_to_sum(const Tensor& pictures) {
  std::vector<int64_t> dimensions{0};
  for (int64_t i = 2; i < pictures.dim(); ++i) dimensions.push_back(i);
  return dimensions;
}

/// Numbers of the channels, as they are multiplied with pictures.
Tensor beside(const Tensor& of_channels, const Tensor& pictures) {
  std::vector<int64_t> shape(static_cast<size_t>(pictures.dim()), 1);
  shape[1] = -1;
  return of_channels.view(shape);
}

/// Over the pictures of all processes.
struct Statistics {
  Tensor mean;      ///< [C]
  Tensor variance;  ///< [C], of the pictures there are (not the estimate)
  double count = 0;
};

/// The mean first, then what differs from it: a difference of two large sums would lose digits.
Statistics statistics_of(const Tensor& pictures, ProcessGroup& group) {
  const torch::NoGradGuard no_gradient;
  const auto summed = dimensions_to_sum(pictures);
  Statistics result;
  result.count = static_cast<double>(pictures.numel() / pictures.size(1)) * group.size();
  result.mean = pictures.sum(summed);
  group.sum(result.mean);
  result.mean /= result.count;
  result.variance = (pictures - beside(result.mean, pictures)).square().sum(summed);
  group.sum(result.variance);
  result.variance /= result.count;
  return result;
}

/// y = (x - mean) / deviation x weight + bias, where mean and deviation are those of all processes.
/// What comes back to x is what the single process's batch norm would give it, provided that each
/// process counts the one loss of all as its own; weight and bias get their own process's part.
class Normalize : public torch::autograd::Function<Normalize> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& pictures, const Tensor& weight,
                        const Tensor& bias, const Statistics& statistics,
                        const c10::intrusive_ptr<ProcessGroup>& group) {
    const Tensor inverse_deviation = (statistics.variance + kEpsilon).rsqrt();
    context->save_for_backward({pictures, weight, statistics.mean, inverse_deviation});
    context->saved_data["count"] = statistics.count;
    context->saved_data["group"] = c10::IValue::make_capsule(
        c10::static_intrusive_pointer_cast<torch::CustomClassHolder>(group));
    const Tensor scale = inverse_deviation * weight;
    return pictures * beside(scale, pictures) + beside(bias - statistics.mean * scale, pictures);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &pictures = saved[0], &weight = saved[1], &inverse_deviation = saved[3];
    const Tensor& gradient = gradients[0];
    const auto summed = dimensions_to_sum(pictures);
    const Tensor normal =
        (pictures - beside(saved[2], pictures)) * beside(inverse_deviation, pictures);
    const Tensor of_bias = gradient.sum(summed);
    const Tensor of_weight = (gradient * normal).sum(summed);
    Tensor means = torch::stack({of_bias, of_weight});
    auto group =
        c10::static_intrusive_pointer_cast<ProcessGroup>(context->saved_data["group"].toCapsule());
    group->sum(means);
    means /= context->saved_data["count"].toDouble();
    const Tensor of_pictures =
        beside(weight * inverse_deviation, pictures) *
        (gradient - beside(means[0], pictures) - normal * beside(means[1], pictures));
    return {of_pictures, of_weight, of_bias, Tensor(), Tensor()};
  }
};

}  // namespace

BatchNormImpl::BatchNormImpl(int64_t channel_count)
    : weight(register_parameter("weight", torch::ones({channel_count}))),
      bias(register_parameter("bias", torch::zeros({channel_count}))),
      running_mean(register_buffer("running_mean", torch::zeros({channel_count}))),
      running_var(register_buffer("running_var", torch::ones({channel_count}))),
      num_batches_tracked(
          register_buffer("num_batches_tracked", torch::tensor(0, torch::dtype(torch::kLong)))) {}

Tensor BatchNormImpl::forward(const Tensor& pictures) {
  if (is_training()) num_batches_tracked += 1;
  if (group_ && is_training()) return forward_shared(pictures);
  return torch::batch_norm(pictures, weight, bias, running_mean, running_var, is_training(),
                           kMomentum, kEpsilon, at::globalContext().userEnabledCuDNN());
}

Tensor BatchNormImpl::forward_shared(const Tensor& pictures) {
  const Tensor numbers = pictures.to(weight.scalar_type());
  const Statistics statistics = statistics_of(numbers, *group_);
  {
    const torch::NoGradGuard no_gradient;
    const double estimate = statistics.count / (statistics.count - 1);
    running_mean.lerp_(statistics.mean, kMomentum);
    running_var.lerp_(statistics.variance * estimate, kMomentum);
  }
  return Normalize::apply(numbers, weight, bias, statistics, group_).to(pictures.scalar_type());
}

void share_statistics(torch::nn::Module& network, const c10::intrusive_ptr<ProcessGroup>& group) {
  for (const auto& module : network.modules()) {
    if (auto* layer = module->as<BatchNormImpl>()) layer->share_with(group);
  }
}

}  // namespace faceforge::train
