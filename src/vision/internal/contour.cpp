#include "vision/internal/contour.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "image/resample.h"
#include "vision/internal/batches.h"
#include "vision/internal/input_tensor.h"

namespace faceforge::vision {
namespace {

constexpr size_t kValuesPerFace = 2 * kContourPointCount;

face::Point mean_of(std::span<const face::Point> points) {
  face::Point sum;
  for (const face::Point& point : points) {
    sum.x += point.x;
    sum.y += point.y;
  }
  const auto count = static_cast<float>(points.size());
  return {sum.x / count, sum.y / count};
}

/// A square around a box: the box's whole pixels inside of the image, and black.
struct PaddedBox {
  image::PixelRectangle part;
  int side_px = 0;
  int left = 0;  ///< black columns before the part
  int top = 0;   ///< black rows before the part
};

PaddedBox padded(const face::BoundingBox& box, const image::Image& image) {
  const auto whole = [](float value, int limit) {
    return static_cast<int>(std::floor(std::clamp(value, 0.0F, static_cast<float>(limit))));
  };
  const int left = whole(box.x, image.width_px());
  const int top = whole(box.y, image.height_px());
  const int right = whole(box.x + box.width, image.width_px());
  const int bottom = whole(box.y + box.height, image.height_px());
  PaddedBox square{.part = {left, top, right - left, bottom - top}};
  square.side_px = std::max(square.part.width, square.part.height);
  square.left = (square.side_px - square.part.width) / 2;
  square.top = (square.side_px - square.part.height) / 2;
  return square;
}

/// The padded box as pixels, scaled to `side_px`.
image::Image pixels_of(const image::Image& image, const PaddedBox& square, int side_px) {
  image::Image picture = image::Image::create(square.side_px, square.side_px);
  for (int row = 0; row < square.part.height; ++row) {
    const auto from = image.row(square.part.y + row)
                          .subspan(static_cast<size_t>(square.part.x) * image::kChannels,
                                   static_cast<size_t>(square.part.width) * image::kChannels);
    std::ranges::copy(from, picture.row(square.top + row)
                                .subspan(static_cast<size_t>(square.left) * image::kChannels)
                                .begin());
  }
  return image::resize(picture, side_px, side_px);
}

/// The network's numbers, in [0, 1] of the padded square, as points of the image. The square's
/// [0, 1] runs from the outer edge of its first pixel to the outer edge of its last.
std::vector<face::Point> points_of(std::span<const float> values, const PaddedBox& square) {
  const auto side = static_cast<float>(square.side_px);
  std::vector<face::Point> points(kContourPointCount);
  for (size_t index = 0; index < kContourPointCount; ++index) {
    points[index] = {
        values[2 * index] * side + static_cast<float>(square.part.x - square.left) - 0.5F,
        values[2 * index + 1] * side + static_cast<float>(square.part.y - square.top) - 0.5F};
  }
  return points;
}

}  // namespace

face::Landmarks landmarks_of(std::span<const face::Point> contour) {
  CHECK(contour.size() == kContourPointCount);
  return {mean_of(contour.subspan(36, 6)), mean_of(contour.subspan(42, 6)), contour[30],
          contour[48], contour[54]};
}

ContourNetwork::ContourNetwork(ContourSpec spec, nn::Network network, nn::RunOptions run_options)
    : spec_(std::move(spec)), network_(std::move(network)), run_options_(run_options) {}

Result<ContourNetwork> ContourNetwork::load(const ContourSpec& spec,
                                            const nn::RunOptions& run_options) {
  ContourNetwork contour(spec, TRY(nn::Network::load(spec.file)), run_options);
  TRY(contour.run(black_input(1, spec.side_px, spec.side_px, spec.input)));
  return contour;
}

Result<std::vector<float>> ContourNetwork::run(const nn::Tensor& input) const {
  std::vector<nn::Tensor> outputs = TRY(network_.run(input, run_options_));
  const size_t wanted = static_cast<size_t>(input.shape[0]) * kValuesPerFace;
  if (outputs.size() != 1 || outputs[0].values.size() != wanted) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "{} should give one output of {} values a face", spec_.file.filename().string(),
                kValuesPerFace);
  }
  if (!std::ranges::all_of(outputs[0].values, [](float value) { return std::isfinite(value); })) {
    return fail(ErrorCode::Internal, "landmarks_not_finite",
                "{} gave coordinates that are not finite", spec_.file.filename().string());
  }
  return std::move(outputs[0].values);
}

Result<std::vector<std::vector<face::Point>>> ContourNetwork::find(
    const image::Image& image, std::span<const face::BoundingBox> boxes) const {
  std::vector<std::vector<face::Point>> contours(boxes.size());
  std::vector<std::pair<size_t, PaddedBox>> squares;
  for (size_t index = 0; index < boxes.size(); ++index) {
    const PaddedBox square = padded(boxes[index], image);
    if (square.part.width > 0 && square.part.height > 0) squares.emplace_back(index, square);
  }
  const std::span<const std::pair<size_t, PaddedBox>> all(squares);
  for (size_t done = 0; done < all.size();) {
    const auto batch = all.subspan(done, next_batch(all.size() - done));
    nn::Tensor input = black_input(batch.size(), spec_.side_px, spec_.side_px, spec_.input);
    for (size_t place = 0; place < batch.size(); ++place) {
      place_pixels(pixels_of(image, batch[place].second, spec_.side_px),
                   {0, 0, spec_.side_px, spec_.side_px}, spec_.input, {.picture_index = place},
                   input);
    }
    const std::vector<float> values = TRY(run(input));
    for (size_t place = 0; place < batch.size(); ++place) {
      contours[batch[place].first] = points_of(
          std::span(values).subspan(place * kValuesPerFace, kValuesPerFace), batch[place].second);
    }
    done += batch.size();
  }
  return contours;
}

}  // namespace faceforge::vision
