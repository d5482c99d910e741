#include "vision/internal/output_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace faceforge::vision {

Result<std::vector<OutputRows>> rows_of_width(std::span<const nn::Tensor> outputs,
                                              size_t row_width) {
  std::vector<OutputRows> tables;
  for (const nn::Tensor& output : outputs) {
    if (output.shape.size() < 2 || std::cmp_not_equal(output.shape.back(), row_width)) continue;
    const int64_t picture_count = output.shape.size() > 2 ? output.shape.front() : 1;
    const size_t row_count = output.values.size() / row_width;
    const int64_t shaped_count =
        std::accumulate(output.shape.begin(), output.shape.end(), int64_t{1}, std::multiplies<>());
    if (picture_count != 1 || std::cmp_not_equal(shaped_count, output.values.size())) {
      return fail(ErrorCode::Corrupt, "network_shape",
                  "a detector's output holds {} values for {} pictures; it was asked for one",
                  output.values.size(), picture_count);
    }
    tables.push_back({output.values, row_count, row_width});
  }
  std::ranges::stable_sort(tables, std::greater<>(), &OutputRows::row_count);
  return tables;
}

Result<OutputRows> rows_named(std::span<const nn::PortInfo> ports,
                              std::span<const nn::Tensor> outputs, std::string_view name,
                              size_t row_width) {
  for (size_t index = 0; index < std::min(ports.size(), outputs.size()); ++index) {
    if (ports[index].name != name) continue;
    const nn::Tensor& output = outputs[index];
    if (output.shape.empty() || output.shape.front() != 1 ||
        output.values.size() % row_width != 0 ||
        (row_width > 1 && std::cmp_not_equal(output.shape.back(), row_width))) {
      break;
    }
    return OutputRows{output.values, output.values.size() / row_width, row_width};
  }
  return fail(ErrorCode::Corrupt, "network_shape",
              "the detector's network needs an output `{}` for one picture with rows of {} values",
              name, row_width);
}

Grid grid_of(int width_px, int height_px, int stride_px) {
  const auto cells = [stride_px](int side_px) {
    return static_cast<size_t>((side_px + stride_px - 1) / stride_px);
  };
  return {stride_px, cells(width_px), cells(height_px)};
}

std::optional<Detection> sound(const Detection& detection) {
  const face::BoundingBox& box = detection.box;
  bool finite = std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.width) &&
                std::isfinite(box.height);
  if (detection.landmarks) {
    for (const face::Point& point : *detection.landmarks) {
      finite = finite && std::isfinite(point.x) && std::isfinite(point.y);
    }
  }
  if (!finite || box.width <= 0 || box.height <= 0) return std::nullopt;
  return detection;
}

}  // namespace faceforge::vision
