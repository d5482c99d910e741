#include "train/objective.h"

#include <torch/nn/functional/normalization.h>

namespace faceforge::train {
namespace {

constexpr double kCentreDeviation = 0.01;

torch::Tensor unit_rows(const torch::Tensor& rows) {
  namespace F = torch::nn::functional;
  return F::normalize(rows, F::NormalizeFuncOptions().p(2).dim(1));
}

}  // namespace

Objective::Objective(const LossSettings& settings, int64_t embedding_length, int64_t class_count)
    : settings_(settings) {
  if (settings.kind != LossKind::ArcFace && settings.kind != LossKind::CosFace) return;
  centres_ = register_parameter("centres",
                                torch::randn({class_count, embedding_length}) * kCentreDeviation);
}

LossValue Objective::forward(const NetworkOutput& output, const torch::Tensor& labels) {
  const auto cosines = [&] { return unit_rows(output.embedding).matmul(unit_rows(centres_).t()); };
  switch (settings_.kind) {
    case LossKind::Triplet:
      return triplet_loss(unit_rows(output.features), labels, settings_);
    case LossKind::Contrastive:
      return contrastive_loss(unit_rows(output.features), labels, settings_.margin);
    case LossKind::MultiSimilarity:
      return multi_similarity_loss(unit_rows(output.features), labels);
    case LossKind::ArcFace:
      return class_loss(arcface_logits(cosines(), labels, settings_.margin, settings_.scale),
                        labels);
    case LossKind::CosFace:
      return class_loss(cosface_logits(cosines(), labels, settings_.margin, settings_.scale),
                        labels);
  }
  return {};
}

}  // namespace faceforge::train
