#include "train/optimizer.h"

#include <cmath>

#include <torch/utils.h>

namespace faceforge::train {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

std::vector<torch::Tensor> gradients_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : parameters) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad()
                                                   : torch::zeros_like(parameter));
  }
  return gradients;
}

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, const NamedTensors& parameters)
    : settings_(settings) {
  decayed_.weight_decay = settings.weight_decay;
  for (const auto& [name, parameter] : parameters) {
    if (!parameter.requires_grad()) continue;
    Group& group = parameter.dim() > 1 ? decayed_ : undecayed_;
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    group.first_moments.push_back(torch::zeros_like(parameter.detach()));
    if (settings.kind == OptimizerKind::AdamW) {
      group.second_moments.push_back(torch::zeros_like(parameter.detach()));
    }
  }
}

void Optimizer::clear_gradients() {
  for (Group* group : {&decayed_, &undecayed_}) {
    for (auto& parameter : group->parameters) parameter.mutable_grad().reset();
  }
}

torch::Tensor Optimizer::clip_gradients() {
  const torch::NoGradGuard no_gradient;
  auto gradients = gradients_of(decayed_.parameters);
  for (const auto& gradient : gradients_of(undecayed_.parameters)) gradients.push_back(gradient);
  const auto norms = at::_foreach_norm(gradients, 2);
  const auto norm = torch::stack(norms).norm(2);
  if (settings_.max_gradient_norm > 0) {
    const auto factor = (settings_.max_gradient_norm / (norm + 1e-6)).clamp_max(1.0);
    for (auto& gradient : gradients) gradient.mul_(factor);
  }
  return norm;
}

void Optimizer::step(double learning_rate) {
  const torch::NoGradGuard no_gradient;
  ++step_count_;
  for (Group* group : {&decayed_, &undecayed_}) {
    if (group->parameters.empty()) continue;
    const auto gradients = gradients_of(group->parameters);
    if (settings_.kind == OptimizerKind::AdamW) {
      step_adamw(*group, gradients, learning_rate);
    } else {
      step_sgd(*group, gradients, learning_rate);
    }
  }
}

void Optimizer::step_adamw(Group& group, const std::vector<torch::Tensor>& gradients,
                           double learning_rate) {
  const auto t = static_cast<double>(step_count_);
  const double correction1 = 1 - std::pow(kBeta1, t);
  const double correction2 = 1 - std::pow(kBeta2, t);
  if (group.weight_decay > 0) {
    at::_foreach_mul_(group.parameters, 1 - learning_rate * group.weight_decay);
  }
  at::_foreach_mul_(group.first_moments, kBeta1);
  at::_foreach_add_(group.first_moments, gradients, 1 - kBeta1);
  at::_foreach_mul_(group.second_moments, kBeta2);
  at::_foreach_addcmul_(group.second_moments, gradients, gradients, 1 - kBeta2);
  auto roots = at::_foreach_sqrt(group.second_moments);
  at::_foreach_div_(roots, std::sqrt(correction2));
  at::_foreach_add_(roots, kEpsilon);
  at::_foreach_addcdiv_(group.parameters, group.first_moments, roots, -learning_rate / correction1);
}

void Optimizer::step_sgd(Group& group, std::vector<torch::Tensor> gradients,
                         double learning_rate) const {
  if (group.weight_decay > 0) {
    gradients = at::_foreach_add(gradients, group.parameters, group.weight_decay);
  }
  at::_foreach_mul_(group.first_moments, settings_.momentum);
  at::_foreach_add_(group.first_moments, gradients, 1);
  at::_foreach_add_(group.parameters, group.first_moments, -learning_rate);
}

NamedTensors Optimizer::state() const {
  NamedTensors tensors;
  for (const Group* group : {&decayed_, &undecayed_}) {
    for (size_t i = 0; i < group->names.size(); ++i) {
      tensors.emplace_back(group->names[i] + ".first_moment", group->first_moments[i]);
      if (group->second_moments.empty()) continue;
      tensors.emplace_back(group->names[i] + ".second_moment", group->second_moments[i]);
    }
  }
  return tensors;
}

}  // namespace faceforge::train
