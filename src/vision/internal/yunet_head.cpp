#include <algorithm>
#include <cmath>

#include "vision/internal/heads.h"
#include "vision/internal/output_rows.h"

namespace faceforge::vision {
namespace {

struct YunetLevel {
  Grid grid;
  /// Class and objectness, in either order: only their product matters.
  OutputRows first_scores;
  OutputRows second_scores;
  OutputRows boxes;
  OutputRows points;
};

/// The square of the detection score: few rows are worth a root.
float squared_score_at(const YunetLevel& level, size_t row_index) {
  return std::clamp(level.first_scores.row(row_index)[0], 0.0F, 1.0F) *
         std::clamp(level.second_scores.row(row_index)[0], 0.0F, 1.0F);
}

Detection detection_at(const YunetLevel& level, size_t row_index, float detection_score) {
  const auto stride = static_cast<float>(level.grid.stride_px);
  const auto column = static_cast<float>(row_index % level.grid.columns);
  const auto row = static_cast<float>(row_index / level.grid.columns);
  const auto box = level.boxes.row(row_index);
  const auto points = level.points.row(row_index);
  const float width = std::exp(box[2]) * stride;
  const float height = std::exp(box[3]) * stride;
  Detection detection;
  detection.box = {(column + box[0]) * stride - width / 2, (row + box[1]) * stride - height / 2,
                   width, height};
  detection.detection_score = detection_score;
  detection.landmarks.emplace();
  for (size_t index = 0; index < face::kLandmarkCount; ++index) {
    (*detection.landmarks)[index] = {(points[2 * index] + column) * stride,
                                     (points[2 * index + 1] + row) * stride};
  }
  return detection;
}

}  // namespace

Result<std::vector<Detection>> decode_yunet(std::span<const nn::Tensor> outputs,
                                            const GridPicture& picture) {
  const auto scores = TRY(rows_of_width(outputs, 1));
  const auto boxes = TRY(rows_of_width(outputs, 4));
  const auto points = TRY(rows_of_width(outputs, 2 * face::kLandmarkCount));
  const size_t level_count = kGridStrides_px.size();
  if (scores.size() == 2 * level_count && boxes.size() == level_count && points.empty()) {
    return fail(ErrorCode::Unsupported, "detector_without_landmarks",
                "this YuNet network finds boxes only; take one with landmarks");
  }
  if (scores.size() != 2 * level_count || boxes.size() != level_count ||
      points.size() != level_count) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "a YuNet network has 6, 3 and 3 outputs of 1, 4 and 10 values a row; this one has "
                "{}, {} and {}",
                scores.size(), boxes.size(), points.size());
  }
  const float least_squared_score =
      0.999F * picture.min_detection_score * std::abs(picture.min_detection_score);
  std::vector<Detection> detections;
  for (size_t index = 0; index < level_count; ++index) {
    const Grid grid = grid_of(picture.width_px, picture.height_px, kGridStrides_px[index]);
    const YunetLevel level{grid, scores[2 * index], scores[2 * index + 1], boxes[index],
                           points[index]};
    for (const OutputRows* table :
         {&level.first_scores, &level.second_scores, &level.boxes, &level.points}) {
      if (table->row_count == grid.cell_count()) continue;
      return fail(ErrorCode::Corrupt, "network_shape",
                  "a YuNet network gave {} rows at stride {} for a picture of {} x {}, which has "
                  "{} cells",
                  table->row_count, grid.stride_px, picture.width_px, picture.height_px,
                  grid.cell_count());
    }
    for (size_t row_index = 0; row_index < grid.cell_count(); ++row_index) {
      const float squared_score = squared_score_at(level, row_index);
      // A hair less than the square, lest its rounding loses a score at the limit.
      if (!(squared_score >= least_squared_score)) continue;
      const float detection_score = std::sqrt(squared_score);
      if (!(detection_score >= picture.min_detection_score)) continue;
      if (const auto detection = sound(detection_at(level, row_index, detection_score))) {
        detections.push_back(*detection);
      }
    }
  }
  return detections;
}

}  // namespace faceforge::vision
