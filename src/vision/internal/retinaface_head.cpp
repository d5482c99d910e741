#include <array>
#include <cmath>

#include "vision/internal/heads.h"
#include "vision/internal/output_rows.h"

namespace faceforge::vision {
namespace {

constexpr std::array<std::array<float, 2>, 3> kPriorSides_px = {{{16, 32}, {64, 128}, {256, 512}}};
constexpr float kCenterVariance = 0.1F;
constexpr float kSizeVariance = 0.2F;

struct Prior {
  float center_x = 0;
  float center_y = 0;
  float side_px = 0;
};

/// Calls `visit(row_index, prior)` for every prior: strides, then rows, columns and sizes.
template <typename Visit>
void for_each_prior(const GridPicture& picture, const Visit& visit) {
  size_t row_index = 0;
  for (size_t level = 0; level < kGridStrides_px.size(); ++level) {
    const Grid grid = grid_of(picture.width_px, picture.height_px, kGridStrides_px[level]);
    const auto stride = static_cast<float>(grid.stride_px);
    for (size_t cell = 0; cell < grid.cell_count(); ++cell) {
      const float x = (static_cast<float>(cell % grid.columns) + 0.5F) * stride;
      const float y = (static_cast<float>(cell / grid.columns) + 0.5F) * stride;
      for (const float side_px : kPriorSides_px[level]) visit(row_index++, Prior{x, y, side_px});
    }
  }
}

size_t prior_count(const GridPicture& picture) {
  size_t count = 0;
  for (const int stride_px : kGridStrides_px) {
    count += 2 * grid_of(picture.width_px, picture.height_px, stride_px).cell_count();
  }
  return count;
}

Detection detection_at(const Prior& prior, std::span<const float> offsets,
                       std::span<const float> points, float detection_score) {
  const float center_x = prior.center_x + offsets[0] * kCenterVariance * prior.side_px;
  const float center_y = prior.center_y + offsets[1] * kCenterVariance * prior.side_px;
  const float width = prior.side_px * std::exp(offsets[2] * kSizeVariance);
  const float height = prior.side_px * std::exp(offsets[3] * kSizeVariance);
  Detection detection;
  detection.box = {center_x - width / 2, center_y - height / 2, width, height};
  detection.detection_score = detection_score;
  detection.landmarks.emplace();
  for (size_t index = 0; index < face::kLandmarkCount; ++index) {
    (*detection.landmarks)[index] = {
        prior.center_x + points[2 * index] * kCenterVariance * prior.side_px,
        prior.center_y + points[2 * index + 1] * kCenterVariance * prior.side_px};
  }
  return detection;
}

}  // namespace

Result<std::vector<Detection>> decode_retinaface(std::span<const nn::Tensor> outputs,
                                                 const GridPicture& picture) {
  const auto boxes = TRY(rows_of_width(outputs, 4));
  const auto scores = TRY(rows_of_width(outputs, 2));
  const auto points = TRY(rows_of_width(outputs, 2 * face::kLandmarkCount));
  if (boxes.size() == 1 && scores.size() == 1 && points.empty()) {
    return fail(ErrorCode::Unsupported, "detector_without_landmarks",
                "this RetinaFace network finds boxes only; take one with landmarks");
  }
  const size_t wanted = prior_count(picture);
  if (boxes.size() != 1 || scores.size() != 1 || points.size() != 1 ||
      boxes[0].row_count != wanted || scores[0].row_count != wanted ||
      points[0].row_count != wanted) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "a RetinaFace network has one output each of 4, 2 and 10 values a row, with {} "
                "rows for a picture of {} x {}; this one has {}, {} and {} such outputs, or other "
                "rows",
                wanted, picture.width_px, picture.height_px, boxes.size(), scores.size(),
                points.size());
  }
  std::vector<Detection> detections;
  for_each_prior(picture, [&](size_t row_index, const Prior& prior) {
    const float detection_score = scores[0].row(row_index)[1];
    if (!(detection_score >= picture.min_detection_score)) return;
    if (const auto detection = sound(detection_at(prior, boxes[0].row(row_index),
                                                  points[0].row(row_index), detection_score))) {
      detections.push_back(*detection);
    }
  });
  return detections;
}

}  // namespace faceforge::vision
