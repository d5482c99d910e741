#pragma once

#include <torch/types.h>

#include "train/settings.h"

// Losses over a batch, as functions of tensors of any floating type. Labels are int64 [N], one a
// row. Nothing here normalizes: the caller hands in unit vectors where a formula speaks of them.
namespace faceforge::train {

struct LossValue {
  torch::Tensor loss;    ///< a scalar
  torch::Tensor active;  ///< how many of the candidates still teach: a scalar, int64
  int64_t candidate_count = 0;
};

/// The distance of each row to each: |x_i - x_j|, or its square.
///
/// out: [N, N]; where two rows are equal, a distance whose gradient is zero rather than infinite
[[nodiscard]] torch::Tensor pairwise_distances(const torch::Tensor& rows, Distance distance);

/// Triplet loss inside a batch. With d an anchor's distance to a positive p (same label, not
/// itself) or a negative n, margin m and h(z) = max(0, z + m), or ln(1 + e^z) for the soft margin:
///
///     all        mean of h(d_ap - d_an) over all (a, p, n) where it is above zero
///     hard       mean over a of h(max_p d_ap - min_n d_an)
///     semi-hard  mean over (a, p) of h(d_ap - d_an), n the nearest one farther than p; where there
///                is none, the farthest n
///
/// The soft margin is never zero: its mean over `all` is over all triplets.
///
/// in:     `rows` [N, D]; at least one pair of each kind (else the loss is 0 of 0 candidates)
/// out:    the candidates are the (a, p, n), a or (a, p) above; active are those with h > 0, and
///         for the soft margin those with d_ap > d_an
/// cost:   O(N^2 D + T), T = triplets for `all` and `semi-hard`: N x (K - 1) x N
/// source: Schroff et al. 2015, "FaceNet", section 3.2 and eq. 2-4 (squared distances of unit
///         vectors, semi-hard); Hermans et al. 2017, eq. 5 (hard), 7 (all) and section 2 (soft
///         margin, mean over what is not zero). FaceNet draws any semi-hard n; this takes the
///         nearest, as TensorFlow Addons' triplet_semihard_loss does
[[nodiscard]] LossValue triplet_loss(const torch::Tensor& rows, const torch::Tensor& labels,
                                     const LossSettings& settings);

/// Contrastive loss: mean over genuine pairs of d^2 / 2, plus mean over impostor pairs of
/// max(0, m - d)^2 / 2.
///
/// out:    candidates are the impostor pairs, active those closer than m
/// source: Hadsell, Chopra & LeCun 2006, eq. 4; the two kinds are averaged each for itself, for a
///         batch has far more impostor pairs
[[nodiscard]] LossValue contrastive_loss(const torch::Tensor& rows, const torch::Tensor& labels,
                                         double margin);

/// Multi-similarity loss of unit vectors with similarities S:
///
///     mean over a of ln(1 + sum_p e^(-alpha (S_ap - lambda))) / alpha
///                  + ln(1 + sum_n e^(beta (S_an - lambda))) / beta
///
/// over the pairs that its mining keeps: S_an > min_p S_ap - epsilon, S_ap < max_n S_an + epsilon.
///
/// out:    candidates are all pairs but those of a row with itself, active those that are kept
/// source: Wang et al. 2019, "Multi-Similarity Loss", eq. 11-15, with its constants of section 5.1:
///         alpha 2, beta 50, lambda 1 (their code and later work: 0.5, taken here), epsilon 0.1
[[nodiscard]] LossValue multi_similarity_loss(const torch::Tensor& unit_rows,
                                              const torch::Tensor& labels);

/// The logits of ArcFace: scale x cos(angle + margin) for a row's own class, scale x cos(angle) for
/// the others; beyond an angle of pi - margin, where that cosine would rise again,
/// scale x (cos(angle) - margin x sin(margin)).
///
/// in:     cosines [N, classes]
/// source: Deng et al. 2019, "ArcFace", eq. 3; the continuation: InsightFace's code
[[nodiscard]] torch::Tensor arcface_logits(const torch::Tensor& cosines,
                                           const torch::Tensor& labels, double margin,
                                           double scale);

/// The logits of CosFace: scale x (cos(angle) - margin) for a row's own class, scale x cos(angle)
/// for the others.
///
/// source: Wang et al. 2018, "CosFace", eq. 4
[[nodiscard]] torch::Tensor cosface_logits(const torch::Tensor& cosines,
                                           const torch::Tensor& labels, double margin,
                                           double scale);

/// Cross-entropy of logits, -mean over rows of ln softmax(logits)[label].
///
/// out: candidates are the rows, active those whose own class is not the likeliest
[[nodiscard]] LossValue class_loss(const torch::Tensor& logits, const torch::Tensor& labels);

}  // namespace faceforge::train
