#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "vision/internal/detection.h"

namespace faceforge::vision {

/// An output read as a table: one row an anchor.
struct OutputRows {
  std::span<const float> values;
  size_t row_count = 0;
  size_t row_width = 0;

  [[nodiscard]] std::span<const float> row(size_t index) const {
    return values.subspan(index * row_width, row_width);
  }
};

/// Reads the outputs whose last dimension is `row_width` as tables, those with more rows first;
/// equally long ones keep their order.
///
/// fails: corrupt/network_shape when an output's values are not as many as its shape says or it
///        holds more than one picture
[[nodiscard]] Result<std::vector<OutputRows>> rows_of_width(std::span<const nn::Tensor> outputs,
                                                            size_t row_width);

/// Reads the output called `name` as a table of rows of `row_width`, one row an anchor of one
/// picture.
///
/// in:    `ports` and `outputs` of the same run
/// fails: corrupt/network_shape when there is no such output or it has another shape
[[nodiscard]] Result<OutputRows> rows_named(std::span<const nn::PortInfo> ports,
                                            std::span<const nn::Tensor> outputs,
                                            std::string_view name, size_t row_width);

inline constexpr std::array<int, 3> kGridStrides_px = {8, 16, 32};

/// The grid of one stride over a picture.
struct Grid {
  int stride_px = 0;
  size_t columns = 0;
  size_t rows = 0;

  [[nodiscard]] size_t cell_count() const { return columns * rows; }
};

[[nodiscard]] Grid grid_of(int width_px, int height_px, int stride_px);

/// A detection, unless something of it is not finite or the box has no area.
[[nodiscard]] std::optional<Detection> sound(const Detection& detection);

}  // namespace faceforge::vision
