#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "face/model_id.h"

namespace faceforge::face {

/// How two embeddings of a model are compared.
enum class Metric {
  Cosine,  ///< embeddings have unit length; similarity = dot product
  L2,      ///< embeddings carry the card's distance scale; similarity = 1 - d^2 / 2
};

[[nodiscard]] std::string_view to_string(Metric metric);          // "cosine", "l2"
[[nodiscard]] Result<Metric> metric_from(std::string_view name);  // invalid_input/metric_unknown

/// A face as a point in its model's space. With `Metric::Cosine` of unit length; with `Metric::L2`
/// already multiplied by the card's distance scale, so that one formula serves both: on unit
/// vectors 1 - |a - b|^2 / 2 equals the cosine.
struct Embedding {
  ModelId model_id;
  Metric metric = Metric::Cosine;
  std::vector<float> values;
};

/// Compares two embeddings.
///
/// out:   similarity in [-1, 1]; 1 is identical (clamped at -1 with `Metric::L2`)
/// fails: conflict/model_mismatch when the ModelIds differ
[[nodiscard]] Result<float> similarity(const Embedding& a, const Embedding& b);

/// The same on bare vectors of one model, whose lengths must agree (a CHECK).
[[nodiscard]] float similarity(std::span<const float> a, std::span<const float> b, Metric metric);

/// Brings `values` to unit length; false (and unchanged) when the length is 0 or not finite.
[[nodiscard]] bool normalize(std::span<float> values);

}  // namespace faceforge::face
