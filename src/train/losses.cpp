#include "train/losses.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <torch/nn/functional/loss.h>

namespace faceforge::train {
namespace {

using torch::Tensor;

constexpr double kAlpha = 2;
constexpr double kBeta = 50;
constexpr double kLambda = 0.5;
constexpr double kEpsilon = 0.1;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct PairMasks {
  Tensor genuine;   ///< [N, N], true where two different rows have one label
  Tensor impostor;  ///< [N, N], true where labels differ
};

PairMasks masks_of(const Tensor& labels) {
  const Tensor same = labels.unsqueeze(0) == labels.unsqueeze(1);
  const Tensor itself = torch::eye(labels.size(0), same.options());
  return {.genuine = same.logical_and(itself.logical_not()), .impostor = same.logical_not()};
}

Tensor nothing_of(const Tensor& rows) {
  return rows.sum() * 0;  // a zero that still leads back to the rows
}

/// The mean where `mask` is; zero where it is nowhere.
Tensor mean_where(const Tensor& mask, const Tensor& values) {
  const Tensor kept = torch::where(mask, values, torch::zeros_like(values));
  return kept.sum() / mask.sum().clamp_min(1);
}

/// h of the violation d_ap - d_an.
Tensor hinge(const Tensor& violation, const LossSettings& settings) {
  if (settings.margin_kind == MarginKind::Soft) return torch::softplus(violation);
  return torch::relu(violation + settings.margin);
}

Tensor is_active(const Tensor& violation, const LossSettings& settings) {
  return violation > (settings.margin_kind == MarginKind::Soft ? 0.0 : -settings.margin);
}

LossValue hard_triplets(const Tensor& distances, const PairMasks& masks,
                        const LossSettings& settings) {
  const Tensor farthest_genuine =
      distances.masked_fill(masks.genuine.logical_not(), -kInfinity).amax(1);
  const Tensor nearest_impostor =
      distances.masked_fill(masks.impostor.logical_not(), kInfinity).amin(1);
  const Tensor is_anchor = masks.genuine.any(1).logical_and(masks.impostor.any(1));
  const Tensor violation = (farthest_genuine - nearest_impostor).masked_select(is_anchor);
  const auto count = violation.numel();
  if (count == 0) return {nothing_of(distances), torch::zeros({}, torch::kLong), 0};
  return {.loss = hinge(violation, settings).mean(),
          .active = is_active(violation, settings).sum(),
          .candidate_count = count};
}

/// All pairs (a, p), as rows of indices, and each with all its negatives: [pairs, N].
struct GenuinePairs {
  Tensor distance;          ///< d_ap [pairs, 1]
  Tensor distances_to_all;  ///< d_an [pairs, N]
  Tensor is_impostor;       ///< [pairs, N]
};

GenuinePairs genuine_pairs(const Tensor& distances, const PairMasks& masks) {
  const Tensor pairs = masks.genuine.nonzero();  // in the order of rows: the same on every run
  const Tensor anchors = pairs.select(1, 0);
  return {.distance = distances.masked_select(masks.genuine).unsqueeze(1),
          .distances_to_all = distances.index_select(0, anchors),
          .is_impostor = masks.impostor.index_select(0, anchors)};
}

LossValue all_triplets(const Tensor& distances, const PairMasks& masks,
                       const LossSettings& settings) {
  const GenuinePairs pairs = genuine_pairs(distances, masks);
  const Tensor violation = pairs.distance - pairs.distances_to_all;
  const Tensor active = is_active(violation, settings).logical_and(pairs.is_impostor);
  const bool never_zero = settings.margin_kind == MarginKind::Soft;
  return {.loss = mean_where(never_zero ? pairs.is_impostor : active, hinge(violation, settings)),
          .active = active.sum(),
          .candidate_count = pairs.is_impostor.sum().item<int64_t>()};
}

LossValue semi_hard_triplets(const Tensor& distances, const PairMasks& masks,
                             const LossSettings& settings) {
  const GenuinePairs pairs = genuine_pairs(distances, masks);
  const Tensor farther = pairs.is_impostor.logical_and(pairs.distances_to_all > pairs.distance);
  const Tensor nearest_farther =
      pairs.distances_to_all.masked_fill(farther.logical_not(), kInfinity).amin(1);
  const Tensor farthest =
      pairs.distances_to_all.masked_fill(pairs.is_impostor.logical_not(), -kInfinity).amax(1);
  const Tensor negative = torch::where(farther.any(1), nearest_farther, farthest);
  const Tensor has_negative = pairs.is_impostor.any(1);
  const Tensor violation = (pairs.distance.squeeze(1) - negative).masked_select(has_negative);
  const auto count = violation.numel();
  if (count == 0) return {nothing_of(distances), torch::zeros({}, torch::kLong), 0};
  return {.loss = hinge(violation, settings).mean(),
          .active = is_active(violation, settings).sum(),
          .candidate_count = count};
}

/// The cosines with `own` in the places of the rows' own classes.
Tensor with_own(const Tensor& cosines, const Tensor& labels, const Tensor& own) {
  return cosines.scatter(1, labels.unsqueeze(1), own);
}

Tensor own_of(const Tensor& cosines, const Tensor& labels) {
  return cosines.gather(1, labels.unsqueeze(1));
}

}  // namespace

Tensor pairwise_distances(const Tensor& rows, Distance distance) {
  const Tensor products = rows.matmul(rows.t());
  const Tensor lengths = products.diagonal();
  // Rounding makes squares slightly negative; clamping also stops the gradient of the root there.
  const Tensor squares =
      (lengths.unsqueeze(0) + lengths.unsqueeze(1) - 2 * products).clamp_min(1e-12);
  return distance == Distance::SquaredEuclidean ? squares : squares.sqrt();
}

LossValue triplet_loss(const Tensor& rows, const Tensor& labels, const LossSettings& settings) {
  const Tensor distances = pairwise_distances(rows, settings.distance);
  const PairMasks masks = masks_of(labels);
  switch (settings.mining) {
    case Mining::All:
      return all_triplets(distances, masks, settings);
    case Mining::Hard:
      return hard_triplets(distances, masks, settings);
    case Mining::SemiHard:
      return semi_hard_triplets(distances, masks, settings);
  }
  return {};
}

LossValue contrastive_loss(const Tensor& rows, const Tensor& labels, double margin) {
  const PairMasks masks = masks_of(labels);
  const Tensor squares = pairwise_distances(rows, Distance::SquaredEuclidean);
  const Tensor shortfall = torch::relu(margin - squares.sqrt());
  return {.loss = 0.5 * mean_where(masks.genuine, squares) +
                  0.5 * mean_where(masks.impostor, shortfall.square()),
          .active = masks.impostor.logical_and(shortfall > 0).sum(),
          .candidate_count = masks.impostor.sum().item<int64_t>()};
}

LossValue multi_similarity_loss(const Tensor& unit_rows, const Tensor& labels) {
  const PairMasks masks = masks_of(labels);
  const Tensor similarities = unit_rows.matmul(unit_rows.t());
  const Tensor least_genuine =
      similarities.masked_fill(masks.genuine.logical_not(), kInfinity).amin(1, true);
  const Tensor most_impostor =
      similarities.masked_fill(masks.impostor.logical_not(), -kInfinity).amax(1, true);
  const Tensor impostors = masks.impostor.logical_and(similarities > least_genuine - kEpsilon);
  const Tensor genuines = masks.genuine.logical_and(similarities < most_impostor + kEpsilon);
  const auto sum_over = [&](const Tensor& kept, double factor) {
    const Tensor exponent = factor * (similarities - kLambda);
    return torch::where(kept, exponent.exp(), torch::zeros_like(exponent)).sum(1).log1p();
  };
  const Tensor loss = sum_over(genuines, -kAlpha) / kAlpha + sum_over(impostors, kBeta) / kBeta;
  return {.loss = loss.mean(),
          .active = genuines.sum() + impostors.sum(),
          .candidate_count = labels.size(0) * (labels.size(0) - 1)};
}

Tensor arcface_logits(const Tensor& cosines, const Tensor& labels, double margin, double scale) {
  const Tensor cosine = own_of(cosines, labels);
  // The root's gradient is infinite at 1: a row that lies on its centre needs none.
  const Tensor sine = (1 - cosine.square()).clamp_min(1e-12).sqrt();
  const Tensor turned = cosine * std::cos(margin) - sine * std::sin(margin);
  const Tensor continued = cosine - margin * std::sin(margin);
  const Tensor own = torch::where(cosine > std::cos(std::numbers::pi - margin), turned, continued);
  return scale * with_own(cosines, labels, own);
}

Tensor cosface_logits(const Tensor& cosines, const Tensor& labels, double margin, double scale) {
  return scale * with_own(cosines, labels, own_of(cosines, labels) - margin);
}

LossValue class_loss(const Tensor& logits, const Tensor& labels) {
  return {.loss = torch::nn::functional::cross_entropy(logits, labels),
          .active = (logits.argmax(1) != labels).sum(),
          .candidate_count = labels.size(0)};
}

}  // namespace faceforge::train
