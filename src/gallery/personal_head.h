#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "face/calibration.h"
#include "face/embedding.h"
#include "gallery/npy.h"

namespace faceforge::gallery {

/// From where to where a rate may well lie, with 95 % confidence.
struct RateInterval {
  double low = 0;
  double high = 1;
};

/// Bounds the rate of which `count` in `trial_count` were seen.
///
/// in:     0 <= count <= trial_count (a CHECK)
/// out:    [0, 1] of no trials
/// source: Wilson 1927, "Probable inference, the law of succession, and statistical inference"; an
///         exact interval takes the beta distribution, which `evaluate`, a row up, has
[[nodiscard]] RateInterval rate_interval(int64_t count, int64_t trial_count);

/// How photos fared that were neither in a template nor trained on.
struct HeadAnswers {
  int64_t confused_count = 0;    ///< the nearest person is somebody else (rank-1 errors)
  int64_t misnamed_count = 0;    ///< and passes the threshold of FPIR 1 in 100
  int64_t recognized_count = 0;  ///< the nearest person is the right one, and passes it
};

/// What cross-validation on the owner's photos showed of a personal head. The same photos are asked
/// without the head and with it.
struct HeadTrial {
  int64_t photo_count = 0;  ///< each asked once
  int64_t person_count = 0;
  int64_t fold_count = 0;
  HeadAnswers without_head{};
  /// Nothing when there were fewer confusions than any head could be told to mend
  /// (`kFewestConfusions`), so that none was trained.
  std::optional<HeadAnswers> with_head{};
  int64_t mended_count = 0;   ///< photos confused without the head only
  int64_t spoiled_count = 0;  ///< photos confused with the head only

  /// How likely a head that mends nothing looks as good as this or better.
  ///
  /// source: McNemar 1947, one-sided and exact: each photo that was confused once is a coin's toss
  [[nodiscard]] double p_value() const;

  /// Whether the head is kept: fewer confusions, and hardly by chance (`kSignificance`).
  [[nodiscard]] bool is_better() const;
};

inline constexpr double kSignificance = 0.05;

/// Five tosses that all fall on one side: 1 in 32.
inline constexpr int64_t kFewestConfusions = 5;

/// A linear projection over a pack's embeddings that tells the people of one gallery apart better
/// than the embeddings do (docs/decisions/0028-personal-head.md). Its space is one of its own: an
/// embedding in it is compared with no other's.
struct PersonalHead {
  face::ModelId model_id{};  ///< of its space: `head_model_id`
  FloatTable matrix{};       ///< square; row i gives the i-th number of a projected embedding
  /// Of this space. What it says of strangers is measured or, below its `least_measured_rate`,
  /// derived.
  face::Calibration calibration{};
  HeadTrial trial{};  ///< by which it was kept
};

/// Largest magnitude of a number of the matrix, which is near the identity.
inline constexpr float kMaxHeadWeight = 16;

/// Names a head's space: the sha256 over the base's ModelId and the matrix as little-endian floats.
[[nodiscard]] face::ModelId head_model_id(const face::ModelId& base, const FloatTable& matrix);

/// Brings embeddings into a head's space, a row each.
///
/// in:  `embeddings` with as many columns as `matrix` (a CHECK)
/// out: with `Metric::Cosine` of unit length; what the matrix takes to nothing is all zeros, and so
///      similar to nobody
[[nodiscard]] FloatTable project(const FloatTable& matrix, const FloatTable& embeddings,
                                 face::Metric metric);
[[nodiscard]] std::vector<float> project(const FloatTable& matrix, std::span<const float> embedding,
                                         face::Metric metric);

/// As manifests, versions and answers write it. The rates' intervals and the p-value are of use to
/// whoever reads it, and are not read back.
[[nodiscard]] json::object to_json(const HeadTrial& trial);

/// fails: invalid_input/json_field_missing, json_field_type; invalid_input/head_trial_malformed
///        when a count is negative or above that of the photos, or photos mended and spoiled are
///        not what the confusions differ by
[[nodiscard]] Result<HeadTrial> head_trial_from_json(const json::object& from);

}  // namespace faceforge::gallery
