#include "recognition/internal/face_memory.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace faceforge::recognition::internal {
namespace {

/// A look that is as good as an enrolled photo in every respect weighs 1.
constexpr float kFullSize_px = 112;
constexpr float kFullSharpness = 100;
constexpr float kLeastWeight = 0.02F;
/// Of what is remembered, as a sum of weights: about this many good looks.
constexpr float kMemoryWeight = 12;
constexpr int kLooksOfAnother = 2;

float squared_length(const std::vector<float>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0F);
}

}  // namespace

float weight_of(const face::Quality& quality) {
  const auto cosine = [](float deg) {
    return std::max(0.0F, std::cos(deg * std::numbers::pi_v<float> / 180));
  };
  const float size = std::min(1.0F, quality.face_size_px / kFullSize_px);
  const float sharpness = std::clamp(quality.sharpness / kFullSharpness, 0.0F, 1.0F);
  const float pose = cosine(quality.yaw_deg) * cosine(quality.pitch_deg);
  return std::max(kLeastWeight, size * sharpness * pose * pose);
}

void FaceMemory::Looks::add(const face::Embedding& embedding, float look_weight) {
  if (count == 0) {
    sum = embedding;
    std::ranges::fill(sum.values, 0.0F);
  }
  CHECK(sum.model_id == embedding.model_id && sum.values.size() == embedding.values.size());
  const float kept = std::min(1.0F, kMemoryWeight / (weight + look_weight));
  for (size_t index = 0; index < sum.values.size(); ++index) {
    sum.values[index] = kept * (sum.values[index] + look_weight * embedding.values[index]);
  }
  square_sum = kept * (square_sum + look_weight * squared_length(embedding.values));
  weight = kept * (weight + look_weight);
  ++count;
}

std::vector<float> FaceMemory::Looks::mean() const {
  std::vector<float> mean = sum.values;
  for (float& value : mean) value /= weight;
  return mean;
}

float FaceMemory::similarity(const Looks& looks, const face::Embedding& embedding) {
  std::vector<float> mean = looks.mean();
  if (embedding.metric == face::Metric::Cosine && !face::normalize(mean)) return -1;
  return face::similarity(mean, embedding.values, embedding.metric);
}

Fit FaceMemory::add(const face::Embedding& embedding, float weight, float same_face_similarity) {
  CHECK(weight > 0);
  if (looks_.count == 0 || similarity(looks_, embedding) >= same_face_similarity) {
    looks_.add(embedding, weight);
    others_ = {};
    return Fit::Same;
  }
  if (others_.count > 0 && similarity(others_, embedding) < same_face_similarity) others_ = {};
  others_.add(embedding, weight);
  if (others_.count < kLooksOfAnother) return Fit::Doubtful;
  looks_ = std::exchange(others_, {});
  return Fit::Another;
}

face::Embedding FaceMemory::mean() const {
  CHECK(looks_.count > 0);
  face::Embedding mean{looks_.sum.model_id, looks_.sum.metric, looks_.mean()};
  // Looks that are similar to each other cannot cancel out.
  if (mean.metric == face::Metric::Cosine) CHECK(face::normalize(mean.values));
  return mean;
}

float FaceMemory::similarity_of_looks(float similarity_to_mean) const {
  const float squared_mean = squared_length(looks_.mean());
  if (looks_.sum.metric == face::Metric::Cosine) {
    return similarity_to_mean * std::min(1.0F, std::sqrt(squared_mean));
  }
  const float spread = std::max(0.0F, looks_.square_sum / looks_.weight - squared_mean) / 2;
  return similarity_to_mean - spread;
}

}  // namespace faceforge::recognition::internal
