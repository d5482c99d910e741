#include "vision/blazeface_head.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "vision/internal/output_rows.h"

namespace faceforge::vision {
namespace {

constexpr size_t kPointCount = 6;
constexpr size_t kRowWidth = 4 + 2 * kPointCount;

struct BlazefaceLevel {
  int stride_px = 0;
  const char* scores = nullptr;
  const char* boxes = nullptr;
};

constexpr std::array<BlazefaceLevel, 2> kLevels = {
    {{16, kBlazefaceScores16, kBlazefaceBoxes16}, {32, kBlazefaceScores32, kBlazefaceBoxes32}}};

/// The box of one row on its anchor, clipped to the input.
face::BoundingBox box_of(std::span<const float> row, float anchor_x, float anchor_y, float side) {
  const float center_x = anchor_x + row[0];
  const float center_y = anchor_y + row[1];
  const float left = std::clamp(center_x - row[2] / 2, 0.0F, side);
  const float top = std::clamp(center_y - row[3] / 2, 0.0F, side);
  const float right = std::clamp(center_x + row[2] / 2, 0.0F, side);
  const float bottom = std::clamp(center_y + row[3] / 2, 0.0F, side);
  return {left, top, right - left, bottom - top};
}

}  // namespace

Result<std::vector<Detection>> decode_blazeface(std::span<const nn::PortInfo> ports,
                                                std::span<const nn::Tensor> outputs, int side_px,
                                                float min_detection_score) {
  std::vector<Detection> detections;
  for (const BlazefaceLevel& level : kLevels) {
    const OutputRows scores = TRY(rows_named(ports, outputs, level.scores, 1));
    const OutputRows boxes = TRY(rows_named(ports, outputs, level.boxes, kRowWidth));
    const Grid grid = grid_of(side_px, side_px, level.stride_px);
    const size_t anchors_per_cell = boxes.row_count / std::max<size_t>(1, grid.cell_count());
    if (anchors_per_cell == 0 || boxes.row_count != anchors_per_cell * grid.cell_count() ||
        scores.row_count != boxes.row_count) {
      return fail(ErrorCode::Corrupt, "network_shape",
                  "a BlazeFace network gave {} scores and {} boxes at stride {} for a picture of "
                  "{} x {}, which has {} cells",
                  scores.row_count, boxes.row_count, level.stride_px, side_px, side_px,
                  grid.cell_count());
    }
    for (size_t row_index = 0; row_index < boxes.row_count; ++row_index) {
      const float detection_score = 1 / (1 + std::exp(-scores.row(row_index)[0]));
      // Written so that a score that is not a number is refused as well.
      if (!(detection_score >= min_detection_score)) continue;
      const size_t cell_index = row_index / anchors_per_cell;
      const auto stride = static_cast<float>(level.stride_px);
      const float anchor_x = (static_cast<float>(cell_index % grid.columns) + 0.5F) * stride;
      const float anchor_y = (static_cast<float>(cell_index / grid.columns) + 0.5F) * stride;
      const auto detection =
          sound({box_of(boxes.row(row_index), anchor_x, anchor_y, static_cast<float>(side_px)),
                 detection_score, std::nullopt});
      if (detection) detections.push_back(*detection);
    }
  }
  return detections;
}

}  // namespace faceforge::vision
