#include "face/embedding.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace faceforge::face {

std::string_view to_string(Metric metric) {
  return metric == Metric::Cosine ? "cosine" : "l2";
}

Result<Metric> metric_from(std::string_view name) {
  if (name == "cosine") return Metric::Cosine;
  if (name == "l2") return Metric::L2;
  return fail(ErrorCode::InvalidInput, "metric_unknown", "the metric `{}` is neither cosine nor l2",
              name);
}

Result<float> similarity(const Embedding& a, const Embedding& b) {
  if (a.model_id != b.model_id || a.metric != b.metric || a.values.size() != b.values.size()) {
    return fail(ErrorCode::Conflict, "model_mismatch",
                "embeddings of model {:.12} and model {:.12} cannot be compared", a.model_id.hex(),
                b.model_id.hex());
  }
  return similarity(a.values, b.values, a.metric);
}

float similarity(std::span<const float> a, std::span<const float> b, Metric metric) {
  CHECK(a.size() == b.size());
  double sum = 0;
  if (metric == Metric::Cosine) {
    for (size_t index = 0; index < a.size(); ++index) sum += double{a[index]} * double{b[index]};
    return static_cast<float>(std::clamp(sum, -1.0, 1.0));
  }
  for (size_t index = 0; index < a.size(); ++index) {
    const double difference = double{a[index]} - double{b[index]};
    sum += difference * difference;
  }
  return static_cast<float>(std::max(-1.0, 1.0 - sum / 2));
}

bool normalize(std::span<float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  const double length = std::sqrt(sum);
  if (!(length > 1e-12) || !std::isfinite(length)) return false;
  for (float& value : values) value = static_cast<float>(value / length);
  return true;
}

}  // namespace faceforge::face
