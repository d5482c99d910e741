#include "vision/ssd_head.h"

#include <algorithm>
#include <cmath>

#include "vision/internal/output_rows.h"

namespace faceforge::vision {
namespace {

constexpr float kCenterVariance = 0.1F;
constexpr float kSizeVariance = 0.2F;

/// The box of one row, in the input's sides, clipped to the input.
face::BoundingBox box_of(std::span<const float> encoding, std::span<const float> prior) {
  const float prior_height = prior[2] - prior[0];
  const float prior_width = prior[3] - prior[1];
  const float center_y = prior[0] + prior_height / 2 + encoding[0] * kCenterVariance * prior_height;
  const float center_x = prior[1] + prior_width / 2 + encoding[1] * kCenterVariance * prior_width;
  const float height = prior_height * std::exp(encoding[2] * kSizeVariance);
  const float width = prior_width * std::exp(encoding[3] * kSizeVariance);
  const float left = std::clamp(center_x - width / 2, 0.0F, 1.0F);
  const float top = std::clamp(center_y - height / 2, 0.0F, 1.0F);
  const float right = std::clamp(center_x + width / 2, 0.0F, 1.0F);
  const float bottom = std::clamp(center_y + height / 2, 0.0F, 1.0F);
  return {left, top, right - left, bottom - top};
}

}  // namespace

Result<std::vector<Detection>> decode_ssd(std::span<const nn::PortInfo> ports,
                                          std::span<const nn::Tensor> outputs, int side_px,
                                          float min_detection_score) {
  const OutputRows encodings = TRY(rows_named(ports, outputs, kSsdBoxEncodings, 4));
  const OutputRows logits = TRY(rows_named(ports, outputs, kSsdClassScores, 1));
  const OutputRows priors = TRY(rows_named(ports, outputs, kSsdPriors, 4));
  if (encodings.row_count != logits.row_count || priors.row_count != logits.row_count) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "an SSD network gave {} boxes and {} scores for {} priors", encodings.row_count,
                logits.row_count, priors.row_count);
  }
  const auto side = static_cast<float>(side_px);
  std::vector<Detection> detections;
  for (size_t row_index = 0; row_index < logits.row_count; ++row_index) {
    const float detection_score = 1 / (1 + std::exp(-logits.row(row_index)[0]));
    if (!(detection_score >= min_detection_score)) continue;
    const face::BoundingBox box = box_of(encodings.row(row_index), priors.row(row_index));
    const auto detection = sound({{box.x * side, box.y * side, box.width * side, box.height * side},
                                  detection_score,
                                  std::nullopt});
    if (detection) detections.push_back(*detection);
  }
  return detections;
}

}  // namespace faceforge::vision
