#include "vision/internal/heads.h"
#include "vision/internal/output_rows.h"

namespace faceforge::vision {
namespace {

struct ScrfdLevel {
  Grid grid;
  size_t anchors_per_cell = 0;
  OutputRows scores;
  OutputRows distances;
  OutputRows points;
};

Detection detection_at(const ScrfdLevel& level, size_t row_index) {
  const size_t cell_index = row_index / level.anchors_per_cell;
  const auto stride = static_cast<float>(level.grid.stride_px);
  const float x = static_cast<float>(cell_index % level.grid.columns) * stride;
  const float y = static_cast<float>(cell_index / level.grid.columns) * stride;
  const auto sides = level.distances.row(row_index);  // left, top, right, bottom
  const auto offsets = level.points.row(row_index);
  Detection detection;
  detection.box = {x - sides[0] * stride, y - sides[1] * stride, (sides[0] + sides[2]) * stride,
                   (sides[1] + sides[3]) * stride};
  detection.detection_score = level.scores.row(row_index)[0];
  detection.landmarks.emplace();
  for (size_t index = 0; index < face::kLandmarkCount; ++index) {
    (*detection.landmarks)[index] = {x + offsets[2 * index] * stride,
                                     y + offsets[2 * index + 1] * stride};
  }
  return detection;
}

Result<ScrfdLevel> level_of(const GridPicture& picture, int stride_px, const OutputRows& scores,
                            const OutputRows& distances, const OutputRows& points) {
  const Grid grid = grid_of(picture.width_px, picture.height_px, stride_px);
  const size_t anchors = scores.row_count / grid.cell_count();
  if (anchors == 0 || scores.row_count != anchors * grid.cell_count() ||
      distances.row_count != scores.row_count || points.row_count != scores.row_count) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "an SCRFD network gave {} scores, {} boxes and {} sets of points at stride {} for "
                "a picture of {} x {}, which has {} cells",
                scores.row_count, distances.row_count, points.row_count, stride_px,
                picture.width_px, picture.height_px, grid.cell_count());
  }
  return ScrfdLevel{grid, anchors, scores, distances, points};
}

}  // namespace

Result<std::vector<Detection>> decode_scrfd(std::span<const nn::Tensor> outputs,
                                            const GridPicture& picture) {
  const auto scores = TRY(rows_of_width(outputs, 1));
  const auto distances = TRY(rows_of_width(outputs, 4));
  const auto points = TRY(rows_of_width(outputs, 2 * face::kLandmarkCount));
  const size_t level_count = kGridStrides_px.size();
  if (scores.size() == level_count && distances.size() == level_count && points.empty()) {
    return fail(ErrorCode::Unsupported, "detector_without_landmarks",
                "this SCRFD network finds boxes only; take one with key points (`kps`, `bnkps`)");
  }
  if (scores.size() != level_count || distances.size() != level_count ||
      points.size() != level_count) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "an SCRFD network has 3 outputs each of 1, 4 and 10 values a row; this one has "
                "{}, {} and {}",
                scores.size(), distances.size(), points.size());
  }
  std::vector<Detection> detections;
  for (size_t index = 0; index < level_count; ++index) {
    const ScrfdLevel level = TRY(
        level_of(picture, kGridStrides_px[index], scores[index], distances[index], points[index]));
    for (size_t row_index = 0; row_index < level.scores.row_count; ++row_index) {
      // Written so that a score that is not a number is refused as well.
      if (!(level.scores.row(row_index)[0] >= picture.min_detection_score)) continue;
      if (const auto detection = sound(detection_at(level, row_index))) {
        detections.push_back(*detection);
      }
    }
  }
  return detections;
}

}  // namespace faceforge::vision
