#include "gallery/personal_head.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/sha256.h"
#include "gallery/internal/products.h"

namespace faceforge::gallery {
namespace {

constexpr double kDeviationsOf95Percent = 1.959963984540054;

json::object answers_json(const HeadAnswers& answers, int64_t photo_count) {
  const RateInterval interval = rate_interval(answers.confused_count, photo_count);
  return {{"confused_count", answers.confused_count},
          {"confused_rate_low", interval.low},
          {"confused_rate_high", interval.high},
          {"misnamed_count", answers.misnamed_count},
          {"recognized_count", answers.recognized_count}};
}

Result<int64_t> count_field(const json::object& from, std::string_view name, int64_t limit) {
  const int64_t count = TRY(json::integer_field(from, name));
  if (count >= 0 && count <= limit) return count;
  return fail(ErrorCode::InvalidInput, "head_trial_malformed", "its {} is {}; it lies in 0 to {}",
              name, count, limit);
}

/// Photos that changed sides are as many as the confusions say.
Result<void> check_sides(const HeadTrial& trial) {
  const int64_t fewer =
      trial.with_head ? trial.without_head.confused_count - trial.with_head->confused_count : 0;
  const int64_t changed = trial.mended_count + trial.spoiled_count;
  const int64_t most = trial.with_head ? trial.photo_count : 0;
  if (changed <= most && trial.mended_count - trial.spoiled_count == fewer) return {};
  return fail(ErrorCode::InvalidInput, "head_trial_malformed",
              "{} photos are mended and {} spoiled, of {}, with {} confusions fewer",
              trial.mended_count, trial.spoiled_count, trial.photo_count, fewer);
}

Result<HeadAnswers> answers_from_json(const json::object& from, int64_t photo_count) {
  HeadAnswers answers;
  answers.confused_count = TRY(count_field(from, "confused_count", photo_count));
  answers.misnamed_count = TRY(count_field(from, "misnamed_count", photo_count));
  answers.recognized_count = TRY(count_field(from, "recognized_count", photo_count));
  return answers;
}

}  // namespace

RateInterval rate_interval(int64_t count, int64_t trial_count) {
  CHECK(0 <= count && count <= trial_count);
  if (trial_count == 0) return {};
  const auto trials = static_cast<double>(trial_count);
  const double rate = static_cast<double>(count) / trials;
  const double squared = kDeviationsOf95Percent * kDeviationsOf95Percent;
  const double centre = rate + squared / (2 * trials);
  const double reach = kDeviationsOf95Percent *
                       std::sqrt(rate * (1 - rate) / trials + squared / (4 * trials * trials));
  const double scale = 1 + squared / trials;
  return {std::max(0.0, (centre - reach) / scale), std::min(1.0, (centre + reach) / scale)};
}

double HeadTrial::p_value() const {
  // The share of all ways that `tosses` coins fall in which at least `mended_count` show heads,
  // from the one way of all heads downwards: C(n, k - 1) = C(n, k) k / (n - k + 1). Not by
  // std::lgamma, which writes a variable that all threads share.
  const auto tosses = static_cast<double>(mended_count + spoiled_count);
  double share = 0;
  double log_ways = 0;
  for (auto heads = tosses; heads >= static_cast<double>(mended_count); --heads) {
    share += std::exp(log_ways - tosses * std::log(2.0));
    log_ways += std::log(heads) - std::log(tosses - heads + 1);
  }
  return std::min(1.0, share);
}

bool HeadTrial::is_better() const {
  return with_head && mended_count > spoiled_count && p_value() < kSignificance;
}

face::ModelId head_model_id(const face::ModelId& base, const FloatTable& matrix) {
  Sha256Stream stream;
  stream.add(std::as_bytes(std::span(base.hex())));
  stream.add(std::as_bytes(std::span(matrix.values)));
  return face::ModelId(to_hex(stream.finish()));
}

FloatTable project(const FloatTable& matrix, const FloatTable& embeddings, face::Metric metric) {
  FloatTable projected = internal::rows_by_rows(embeddings, matrix);
  if (metric == face::Metric::L2) return projected;
  for (size_t row = 0; row < projected.row_count; ++row) {
    const auto values = internal::row_of(projected, row);
    if (!face::normalize(values)) std::ranges::fill(values, 0.0F);
  }
  return projected;
}

std::vector<float> project(const FloatTable& matrix, std::span<const float> embedding,
                           face::Metric metric) {
  return project(matrix, {1, embedding.size(), {embedding.begin(), embedding.end()}}, metric)
      .values;
}

json::object to_json(const HeadTrial& trial) {
  json::value with_head = nullptr;
  if (trial.with_head) with_head = answers_json(*trial.with_head, trial.photo_count);
  return {{"photo_count", trial.photo_count},
          {"person_count", trial.person_count},
          {"fold_count", trial.fold_count},
          {"without_head", answers_json(trial.without_head, trial.photo_count)},
          {"with_head", std::move(with_head)},
          {"mended_count", trial.mended_count},
          {"spoiled_count", trial.spoiled_count},
          {"p_value", trial.p_value()},
          {"is_better", trial.is_better()}};
}

Result<HeadTrial> head_trial_from_json(const json::object& from) {
  constexpr int64_t kMostPhotos = 1'000'000;
  HeadTrial trial;
  trial.photo_count = TRY(count_field(from, "photo_count", kMostPhotos));
  trial.person_count = TRY(count_field(from, "person_count", kMostPhotos));
  trial.fold_count = TRY(count_field(from, "fold_count", kMostPhotos));
  const json::object without_head = TRY(json::object_field(from, "without_head"));
  trial.without_head = TRY(answers_from_json(without_head, trial.photo_count));
  if (json::has_field(from, "with_head") && !from.at("with_head").is_null()) {
    const json::object with_head = TRY(json::object_field(from, "with_head"));
    trial.with_head = TRY(answers_from_json(with_head, trial.photo_count));
  }
  trial.mended_count = TRY(count_field(from, "mended_count", trial.photo_count));
  trial.spoiled_count = TRY(count_field(from, "spoiled_count", trial.photo_count));
  TRY(check_sides(trial));
  return trial;
}

}  // namespace faceforge::gallery
