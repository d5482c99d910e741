#include "train/losses.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/functional/normalization.h>

#include "train/objective.h"

// Each loss against values computed by hand, against a reference written as plainly as its formula
// (loops over doubles, nothing shared with the code), and its gradient against finite differences.
namespace faceforge::train {
namespace {

using torch::Tensor;
using Rows = std::vector<std::vector<double>>;
using Reference = std::function<double(const Rows&, const std::vector<int64_t>&)>;

Tensor tensor_of(const Rows& rows) {
  std::vector<double> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return torch::tensor(flat, torch::kDouble).view({static_cast<int64_t>(rows.size()), -1});
}

Rows rows_of(const Tensor& tensor) {
  Rows rows;
  for (int64_t i = 0; i < tensor.size(0); ++i) {
    std::vector<double> row;
    for (int64_t j = 0; j < tensor.size(1); ++j) row.push_back(tensor[i][j].item<double>());
    rows.push_back(std::move(row));
  }
  return rows;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double distance(const std::vector<double>& a, const std::vector<double>& b, Distance kind) {
  double square = 0;
  for (size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return kind == Distance::SquaredEuclidean ? square : std::sqrt(square);
}

double hinge(double violation, const LossSettings& settings) {
  if (settings.margin_kind == MarginKind::Soft) return std::log(1 + std::exp(violation));
  return std::max(0.0, violation + settings.margin);
}

/// Three people with 3, 2 and 3 photos.
const std::vector<int64_t> kLabels{0, 0, 0, 1, 1, 2, 2, 2};

Tensor drawn_rows(int64_t seed) {
  torch::manual_seed(static_cast<uint64_t>(seed));
  return torch::nn::functional::normalize(
      torch::randn({static_cast<int64_t>(kLabels.size()), 5}, torch::kDouble));
}

double triplets_plainly(const Rows& rows, const std::vector<int64_t>& labels,
                        const LossSettings& settings) {
  const size_t n = rows.size();
  const auto d = [&](size_t i, size_t j) { return distance(rows[i], rows[j], settings.distance); };
  double sum = 0;
  int count = 0;
  const auto add = [&](double violation, bool zeros_count) {
    const double value = hinge(violation, settings);
    if (value > 0 || zeros_count) ++count;
    sum += value;
  };
  for (size_t a = 0; a < n; ++a) {
    double hardest_positive = -1, hardest_negative = 1e9;
    for (size_t p = 0; p < n; ++p) {
      if (labels[p] != labels[a]) hardest_negative = std::min(hardest_negative, d(a, p));
      if (p == a || labels[p] != labels[a]) continue;
      hardest_positive = std::max(hardest_positive, d(a, p));
      double nearest_farther = 1e9, farthest = -1;
      for (size_t negative = 0; negative < n; ++negative) {
        if (labels[negative] == labels[a]) continue;
        if (settings.mining == Mining::All) add(d(a, p) - d(a, negative), false);
        farthest = std::max(farthest, d(a, negative));
        if (d(a, negative) > d(a, p)) nearest_farther = std::min(nearest_farther, d(a, negative));
      }
      if (settings.mining == Mining::SemiHard) {
        add(d(a, p) - (nearest_farther < 1e9 ? nearest_farther : farthest), true);
      }
    }
    if (settings.mining == Mining::Hard) add(hardest_positive - hardest_negative, true);
  }
  return sum / count;
}

double contrastive_plainly(const Rows& rows, const std::vector<int64_t>& labels, double margin) {
  double genuine = 0, impostor = 0;
  int genuine_count = 0, impostor_count = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      if (i == j) continue;
      const double d = distance(rows[i], rows[j], Distance::Euclidean);
      if (labels[i] == labels[j]) {
        genuine += d * d / 2;
        ++genuine_count;
      } else {
        impostor += std::pow(std::max(0.0, margin - d), 2) / 2;
        ++impostor_count;
      }
    }
  }
  return genuine / genuine_count + impostor / impostor_count;
}

double multi_similarity_plainly(const Rows& rows, const std::vector<int64_t>& labels) {
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    double least_genuine = 1e9, most_impostor = -1e9;
    for (size_t j = 0; j < rows.size(); ++j) {
      if (j == i) continue;
      const double s = dot(rows[i], rows[j]);
      if (labels[j] == labels[i]) least_genuine = std::min(least_genuine, s);
      if (labels[j] != labels[i]) most_impostor = std::max(most_impostor, s);
    }
    double genuine = 0, impostor = 0;
    for (size_t j = 0; j < rows.size(); ++j) {
      if (j == i) continue;
      const double s = dot(rows[i], rows[j]);
      if (labels[j] == labels[i] && s < most_impostor + 0.1) genuine += std::exp(-2 * (s - 0.5));
      if (labels[j] != labels[i] && s > least_genuine - 0.1) impostor += std::exp(50 * (s - 0.5));
    }
    sum += std::log(1 + genuine) / 2 + std::log(1 + impostor) / 50;
  }
  return sum / static_cast<double>(rows.size());
}

double class_loss_plainly(const Rows& logits, const std::vector<int64_t>& labels) {
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    double total = 0;
    for (const double logit : logits[i]) total += std::exp(logit);
    sum -= std::log(std::exp(logits[i][static_cast<size_t>(labels[i])]) / total);
  }
  return sum / static_cast<double>(logits.size());
}

/// The gradient of `loss` at `rows` is what differences of it say, where it is smooth.
void expect_gradient(const std::function<Tensor(const Tensor&)>& loss, const Tensor& rows) {
  Tensor at = rows.clone().set_requires_grad(true);
  loss(at).backward();
  const Tensor gradient = at.grad();
  constexpr double kStep = 1e-6;
  for (int64_t i = 0; i < rows.size(0); ++i) {
    for (int64_t j = 0; j < rows.size(1); ++j) {
      const auto moved = [&](double by) {
        Tensor other = rows.clone();
        other[i][j] += by;
        return loss(other).item<double>();
      };
      const double difference = (moved(kStep) - moved(-kStep)) / (2 * kStep);
      // Central differences err by kStep^2 and by rounding, 1e-16 / kStep.
      EXPECT_NEAR(gradient[i][j].item<double>(), difference, 1e-6) << i << ", " << j;
    }
  }
}

const Tensor& labels() {
  static const Tensor made = torch::tensor(kLabels);
  return made;
}

struct TripletCase {
  Mining mining;
  Distance distance;
  MarginKind margin_kind;
};

class TripletLoss : public testing::TestWithParam<TripletCase> {
 protected:
  static LossSettings settings() {
    const TripletCase& asked = GetParam();
    return {.mining = asked.mining,
            .distance = asked.distance,
            .margin_kind = asked.margin_kind,
            .margin = 0.3};
  }
};

TEST_P(TripletLoss, IsWhatItsFormulaSaysWrittenAsLoops) {
  const LossSettings asked = settings();
  for (int64_t seed = 0; seed < 20; ++seed) {
    const Tensor rows = drawn_rows(seed);
    const double loss = triplet_loss(rows, labels(), asked).loss.item<double>();
    const double expected = triplets_plainly(rows_of(rows), kLabels, asked);
    EXPECT_NEAR(loss, expected, 1e-9) << seed;
  }
}

TEST_P(TripletLoss, HasTheGradientOfItsDifferences) {
  expect_gradient([](const Tensor& rows) { return triplet_loss(rows, labels(), settings()).loss; },
                  drawn_rows(5));
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, TripletLoss,
    testing::Values(TripletCase{Mining::All, Distance::SquaredEuclidean, MarginKind::Hinge},
                    TripletCase{Mining::All, Distance::Euclidean, MarginKind::Hinge},
                    TripletCase{Mining::All, Distance::Euclidean, MarginKind::Soft},
                    TripletCase{Mining::Hard, Distance::SquaredEuclidean, MarginKind::Hinge},
                    TripletCase{Mining::Hard, Distance::Euclidean, MarginKind::Soft},
                    TripletCase{Mining::SemiHard, Distance::SquaredEuclidean, MarginKind::Hinge},
                    TripletCase{Mining::SemiHard, Distance::Euclidean, MarginKind::Hinge},
                    TripletCase{Mining::SemiHard, Distance::SquaredEuclidean, MarginKind::Soft}));

// On a line: person 0 at 0 and 1, person 1 at 3 and 3.5. Squared distances by hand:
//   d(0,1) = 1, d(2,3) = 0.25; 0 to 3: 9, 0 to 3.5: 12.25, 1 to 3: 4, 1 to 3.5: 6.25.
const Rows kLine{{0}, {1}, {3}, {3.5}};
const std::vector<int64_t> kLineLabels{0, 0, 1, 1};

LossValue line_loss(Mining mining, double margin) {
  return triplet_loss(tensor_of(kLine), torch::tensor(kLineLabels),
                      {.mining = mining, .margin = margin});
}

TEST(TripletByHand, AllMeansOverTheTripletsThatAreNotZero) {
  // Margin 4: 1 - 9 + 4 < 0, 1 - 12.25 + 4 < 0, 1 - 4 + 4 = 1, 1 - 6.25 + 4 < 0; anchors 3 and 3.5:
  // 0.25 - 9 + 4 < 0, 0.25 - 4 + 4 = 0.25, 0.25 - 12.25 + 4 < 0, 0.25 - 6.25 + 4 < 0.
  const LossValue value = line_loss(Mining::All, 4);
  EXPECT_NEAR(value.loss.item<double>(), (1 + 0.25) / 2, 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 2);
  EXPECT_EQ(value.candidate_count, 8);
}

TEST(TripletByHand, HardTakesTheFarthestPositiveAndTheNearestNegativeOfEachAnchor) {
  // 1 - 9 + 4 < 0; 1 - 4 + 4 = 1; 0.25 - 4 + 4 = 0.25; 0.25 - 6.25 + 4 < 0.
  const LossValue value = line_loss(Mining::Hard, 4);
  EXPECT_NEAR(value.loss.item<double>(), 1.25 / 4, 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 2);
  EXPECT_EQ(value.candidate_count, 4);
}

TEST(TripletByHand, SemiHardTakesTheNearestNegativeBeyondThePositive) {
  // Person 0 at 0 and 2, person 1 at 1 and 5: of anchor 0 with positive 4 away (squared), 1 is
  // nearer, so 25 is taken; of anchor 2, positive 4: 1 nearer, 9 taken; of anchor 1, positive 16:
  // both negatives (1, 1) are nearer, so the farthest, 1; of anchor 5, positive 16: 25 (9 nearer).
  const LossValue value = triplet_loss(tensor_of({{0}, {2}, {1}, {5}}), torch::tensor(kLineLabels),
                                       {.mining = Mining::SemiHard, .margin = 6});
  EXPECT_NEAR(value.loss.item<double>(), ((4 - 9 + 6) + (16 - 1 + 6)) / 4.0, 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 2);
  EXPECT_EQ(value.candidate_count, 4);
}

TEST(TripletByHand, TheSoftMarginIsSmoothAndNeverZero) {
  const LossValue value = triplet_loss(tensor_of(kLine), torch::tensor(kLineLabels),
                                       {.mining = Mining::Hard, .margin_kind = MarginKind::Soft});
  const double expected = (std::log1p(std::exp(1.0 - 9)) + std::log1p(std::exp(1.0 - 4)) +
                           std::log1p(std::exp(0.25 - 4)) + std::log1p(std::exp(0.25 - 6.25))) /
                          4;
  EXPECT_NEAR(value.loss.item<double>(), expected, 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 0);
}

TEST(TripletByHand, OnePersonAloneGivesZeroAndNoGradientButNumbers) {
  for (const Mining mining : {Mining::All, Mining::Hard, Mining::SemiHard}) {
    Tensor rows = tensor_of(kLine).set_requires_grad(true);
    const LossValue value = triplet_loss(rows, torch::zeros({4}, torch::kLong), {.mining = mining});
    value.loss.backward();
    EXPECT_EQ(value.loss.item<double>(), 0);
    EXPECT_EQ(value.candidate_count, 0);
    EXPECT_EQ(rows.grad().abs().max().item<double>(), 0);
  }
}

TEST(TripletByHand, TheSamePhotoTwiceHasAFiniteGradient) {
  for (const Mining mining : {Mining::All, Mining::Hard, Mining::SemiHard}) {
    Tensor rows = tensor_of({{1, 0}, {1, 0}, {0, 1}, {0, 1}}).set_requires_grad(true);
    triplet_loss(rows, torch::tensor(kLineLabels),
                 {.mining = mining, .distance = Distance::Euclidean, .margin = 9})
        .loss.backward();
    EXPECT_TRUE(rows.grad().isfinite().all().item<bool>());
  }
}

TEST(ContrastiveLoss, ByHandAndByItsFormula) {
  // Genuine squares 1 and 0.25; impostor distances 3, 3.5, 2, 2.5 against a margin of 2.75.
  const LossValue value = contrastive_loss(tensor_of(kLine), torch::tensor(kLineLabels), 2.75);
  EXPECT_NEAR(value.loss.item<double>(), (1 + 0.25) / 4 + (0.75 * 0.75 + 0.25 * 0.25) / 8, 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 4);  // each pair both ways
  EXPECT_EQ(value.candidate_count, 8);
  for (int64_t seed = 0; seed < 20; ++seed) {
    const Tensor rows = drawn_rows(seed);
    EXPECT_NEAR(contrastive_loss(rows, labels(), 1.2).loss.item<double>(),
                contrastive_plainly(rows_of(rows), kLabels, 1.2), 1e-9);
  }
  expect_gradient([](const Tensor& rows) { return contrastive_loss(rows, labels(), 1.2).loss; },
                  drawn_rows(5));
}

TEST(MultiSimilarityLoss, ByHandAndByItsFormula) {
  // Two people at right angles, both photos of each the same: S = 1 and 0. The genuine pairs are
  // easier than any impostor pair by more than epsilon, so nothing is kept: ln 1 + ln 1.
  const LossValue apart = multi_similarity_loss(tensor_of({{1, 0}, {1, 0}, {0, 1}, {0, 1}}),
                                                torch::tensor(kLineLabels));
  EXPECT_NEAR(apart.loss.item<double>(), 0, 1e-12);
  EXPECT_EQ(apart.active.item<int64_t>(), 0);
  EXPECT_EQ(apart.candidate_count, 12);
  // All four the same: every S is 1, every pair is kept.
  const LossValue together = multi_similarity_loss(tensor_of({{1, 0}, {1, 0}, {1, 0}, {1, 0}}),
                                                   torch::tensor(kLineLabels));
  EXPECT_NEAR(together.loss.item<double>(),
              std::log(1 + std::exp(-1.0)) / 2 + std::log(1 + 2 * std::exp(25.0)) / 50, 1e-12);
  EXPECT_EQ(together.active.item<int64_t>(), 12);
  for (int64_t seed = 0; seed < 20; ++seed) {
    const Tensor rows = drawn_rows(seed);
    EXPECT_NEAR(multi_similarity_loss(rows, labels()).loss.item<double>(),
                multi_similarity_plainly(rows_of(rows), kLabels), 1e-9);
  }
  expect_gradient([](const Tensor& rows) { return multi_similarity_loss(rows, labels()).loss; },
                  drawn_rows(5));
}

TEST(ArcFace, TurnsTheAngleOfTheOwnClassByTheMargin) {
  // Angles of 60, 170 and 90 degrees to the own class; margin 0.5 rad = 28.6 degrees.
  const double degree = std::numbers::pi / 180;
  const Rows cosines{{std::cos(60 * degree), 0.2}, {0.3, std::cos(170 * degree)}, {0, -0.4}};
  const Tensor logits =
      arcface_logits(tensor_of(cosines), torch::tensor({0, 1, 0}, torch::kLong), 0.5, 64);
  EXPECT_NEAR(logits[0][0].item<double>(), 64 * std::cos(60 * degree + 0.5), 1e-9);
  EXPECT_NEAR(logits[0][1].item<double>(), 64 * 0.2, 1e-12);
  // 170 degrees and the margin are beyond 180: the logit goes on falling instead.
  EXPECT_NEAR(logits[1][1].item<double>(), 64 * (std::cos(170 * degree) - 0.5 * std::sin(0.5)),
              1e-9);
  EXPECT_NEAR(logits[2][0].item<double>(), 64 * std::cos(90 * degree + 0.5), 1e-9);
}

TEST(ArcFace, HasTheGradientOfItsDifferencesAndAFiniteOneAtTheCentre) {
  const Tensor cosines = drawn_rows(3);  // five classes
  const Tensor own = torch::tensor({0, 1, 2, 3, 4, 0, 1, 2}, torch::kLong);
  expect_gradient(
      [&](const Tensor& at) { return class_loss(arcface_logits(at, own, 0.5, 4), own).loss; },
      cosines);
  Tensor centre = torch::ones({1, 2}, torch::kDouble).set_requires_grad(true);
  const Tensor first = torch::zeros({1}, torch::kLong);
  class_loss(arcface_logits(centre, first, 0.5, 64), first).loss.backward();
  EXPECT_TRUE(centre.grad().isfinite().all().item<bool>());
}

TEST(CosFace, SubtractsTheMarginFromTheOwnCosine) {
  const Tensor own = torch::tensor({1, 0}, torch::kLong);
  const Tensor logits = cosface_logits(tensor_of({{0.1, 0.9}, {0.5, -0.5}}), own, 0.35, 30);
  EXPECT_NEAR(logits[0][1].item<double>(), 30 * 0.55, 1e-12);
  EXPECT_NEAR(logits[0][0].item<double>(), 30 * 0.1, 1e-12);
  EXPECT_NEAR(logits[1][0].item<double>(), 30 * 0.15, 1e-12);
  const Tensor eight = torch::tensor({0, 1, 2, 3, 4, 0, 1, 2}, torch::kLong);
  expect_gradient(
      [&](const Tensor& at) { return class_loss(cosface_logits(at, eight, 0.35, 4), eight).loss; },
      drawn_rows(3));
}

TEST(ClassLoss, IsTheMeanCrossEntropyAndCountsWhoIsTakenForAnother) {
  const Rows logits{{1, 2, 0}, {3, -1, 0.5}};
  const std::vector<int64_t> own{1, 2};
  const LossValue value = class_loss(tensor_of(logits), torch::tensor(own));
  EXPECT_NEAR(value.loss.item<double>(), class_loss_plainly(logits, own), 1e-12);
  EXPECT_EQ(value.active.item<int64_t>(), 1);
  EXPECT_EQ(value.candidate_count, 2);
}

TEST(Objective, ComparesDirectionsOnly) {
  torch::manual_seed(1);
  for (const LossKind kind : {LossKind::Triplet, LossKind::Contrastive, LossKind::MultiSimilarity,
                              LossKind::ArcFace, LossKind::CosFace}) {
    Objective objective({.kind = kind}, 5, 3);
    const Tensor rows = drawn_rows(1).to(torch::kFloat);
    const auto loss_of = [&](const Tensor& at) {
      return objective.forward({.features = at, .embedding = at}, labels()).loss.item<double>();
    };
    EXPECT_NEAR(loss_of(rows), loss_of(rows * 7), 1e-4) << to_string(kind);
    const bool has_classes = kind == LossKind::ArcFace || kind == LossKind::CosFace;
    EXPECT_EQ(objective.parameters().size(), has_classes ? 1u : 0u);
  }
}

}  // namespace
}  // namespace faceforge::train
