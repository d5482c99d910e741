#include "vision/internal/contour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "image/resample.h"
#include "vision/internal/align.h"
#include "vision/internal/batches.h"
#include "vision/internal/input_tensor.h"

namespace faceforge::vision {
namespace {

constexpr size_t kValuesPerFace = 2 * kContourPointCount;
/// Points further apart are of no face in any working image.
constexpr double kLargestFace_px = 100'000;

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

/// From pixels of a padded box scaled to `side_px` to those of the image: the outer edges of both
/// squares coincide.
image::SimilarityTransform to_image(const PaddedBox& square, int side_px) {
  const double factor = static_cast<double>(square.side_px) / side_px;
  return {.a = factor,
          .b = 0,
          .tx = (factor - 1) / 2 + square.part.x - square.left,
          .ty = (factor - 1) / 2 + square.part.y - square.top};
}

/// Where a face is turned to: left and right, up and down, along and across the line of its eyes.
struct UprightBounds {
  double left = std::numeric_limits<double>::max();
  double top = std::numeric_limits<double>::max();
  double right = std::numeric_limits<double>::lowest();
  double bottom = std::numeric_limits<double>::lowest();

  void include(double x, double y) {
    left = std::min(left, x);
    top = std::min(top, y);
    right = std::max(right, x);
    bottom = std::max(bottom, y);
  }
};

}  // namespace

face::Landmarks landmarks_of(std::span<const face::Point> contour) {
  CHECK(contour.size() == kContourPointCount);
  return {mean_of(contour.subspan(36, 6)), mean_of(contour.subspan(42, 6)), contour[30],
          contour[48], contour[54]};
}

size_t mirrored_contour_index(size_t index) {
  CHECK(index < kContourPointCount);
  // Runs of points whose mirror images are those of one run, the other way round.
  struct Mirrored {
    size_t first;
    size_t last;
    size_t sum;  // of a point's index and its image's
  };
  constexpr std::array<Mirrored, 11> kRuns = {{{0, 16, 16},
                                               {17, 26, 43},
                                               {31, 35, 66},
                                               {36, 39, 81},
                                               {40, 41, 87},
                                               {42, 45, 81},
                                               {46, 47, 87},
                                               {48, 54, 102},
                                               {55, 59, 114},
                                               {60, 64, 124},
                                               {65, 67, 132}}};
  for (const Mirrored& run : kRuns) {
    if (index >= run.first && index <= run.last) return run.sum - index;
  }
  return index;  // the bridge of the nose
}

std::optional<image::SimilarityTransform> second_look_square(std::span<const face::Point> contour,
                                                             const SecondLook& second_look,
                                                             int side_px) {
  const face::Landmarks landmarks = landmarks_of(contour);
  const face::Point& left_eye = at(landmarks, face::Landmark::LeftEye);
  const face::Point& right_eye = at(landmarks, face::Landmark::RightEye);
  const double eyes_x = double{right_eye.x} - double{left_eye.x};
  const double eyes_y = double{right_eye.y} - double{left_eye.y};
  const double eye_distance = std::hypot(eyes_x, eyes_y);
  // Written so that what is no number is refused as well.
  if (!(eye_distance >= 1)) return std::nullopt;
  const double cosine = eyes_x / eye_distance;
  const double sine = eyes_y / eye_distance;
  UprightBounds bounds;
  for (const face::Point& point : contour) {
    bounds.include(cosine * point.x + sine * point.y, cosine * point.y - sine * point.x);
  }
  const double unit = std::sqrt((bounds.right - bounds.left) * (bounds.bottom - bounds.top));
  if (!(unit >= 1) || !(unit <= kLargestFace_px)) return std::nullopt;
  const double scale = side_px / (double{second_look.side} * unit);
  const double center_x = (bounds.left + bounds.right) / 2;
  const double center_y = (bounds.top + bounds.bottom) / 2 - double{second_look.rise} * unit;
  const double middle = (side_px - 1) / 2.0;
  return image::SimilarityTransform{.a = scale * cosine,
                                    .b = -scale * sine,
                                    .tx = middle - scale * center_x,
                                    .ty = middle - scale * center_y};
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

Result<std::vector<std::vector<face::Point>>> ContourNetwork::points_of(
    std::span<const Look> looks) const {
  nn::Tensor input = black_input(looks.size(), spec_.side_px, spec_.side_px, spec_.input);
  for (size_t place = 0; place < looks.size(); ++place) {
    place_pixels(looks[place].picture, {0, 0, spec_.side_px, spec_.side_px}, spec_.input,
                 {.picture_index = place}, input);
  }
  std::vector<float> values = TRY(run(input));
  if (spec_.mirror_averaging == MirrorAveraging::On) {
    mirror_pictures(input);
    const std::vector<float> mirrored = TRY(run(input));
    for (size_t place = 0; place < values.size(); place += kValuesPerFace) {
      for (size_t index = 0; index < kContourPointCount; ++index) {
        const size_t other = place + 2 * mirrored_contour_index(index);
        float& x = values[place + 2 * index];
        float& y = values[place + 2 * index + 1];
        x = (x + 1 - mirrored[other]) / 2;
        y = (y + mirrored[other + 1]) / 2;
      }
    }
  }
  std::vector<std::vector<face::Point>> contours(looks.size());
  const auto side = static_cast<float>(spec_.side_px);
  for (size_t place = 0; place < looks.size(); ++place) {
    for (size_t index = 0; index < kContourPointCount; ++index) {
      const float* position = &values[place * kValuesPerFace + 2 * index];
      const image::Point2f point = looks[place].picture_to_image.apply(
          {position[0] * side - 0.5F, position[1] * side - 0.5F});
      contours[place].push_back({point.x, point.y});
    }
  }
  return contours;
}

Result<std::vector<std::vector<face::Point>>> ContourNetwork::find(
    const image::Image& image, std::span<const face::BoundingBox> boxes) const {
  std::vector<std::vector<face::Point>> contours(boxes.size());
  std::vector<std::pair<size_t, PaddedBox>> squares;
  for (size_t index = 0; index < boxes.size(); ++index) {
    const PaddedBox square = padded(boxes[index], image);
    if (square.part.width > 0 && square.part.height > 0) squares.emplace_back(index, square);
  }
  for (size_t done = 0; done < squares.size();) {
    const size_t count = next_batch(squares.size() - done);
    std::vector<Look> looks;
    for (const auto& [face_index, square] : std::span(squares).subspan(done, count)) {
      looks.push_back(
          {face_index, pixels_of(image, square, spec_.side_px), to_image(square, spec_.side_px)});
    }
    auto points = TRY(points_of(looks));
    if (spec_.second_look) {
      for (size_t place = 0; place < count; ++place) {
        const auto square = second_look_square(points[place], *spec_.second_look, spec_.side_px);
        if (!square) continue;
        looks[place].picture = warp_to_square(image, *square, spec_.side_px);
        looks[place].picture_to_image = square->inverse();
      }
      points = TRY(points_of(looks));
    }
    for (size_t place = 0; place < count; ++place) {
      contours[looks[place].face_index] = std::move(points[place]);
    }
    done += count;
  }
  return contours;
}

}  // namespace faceforge::vision
