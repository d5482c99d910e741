#include "vision/internal/align.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "image/geometry.h"
#include "image/resample.h"

namespace faceforge::vision {
namespace {

/// A face of 112 px would be 7 168 px wide: more than any working image.
constexpr double kMaxShrink = 64;
/// A face of 112 px would be over a million pixels wide: no face.
constexpr double kMinScale = 1e-4;

/// The points that the template wants, in its order.
std::vector<image::Point2f> points_for(const LandmarkTemplate& tmpl,
                                       const face::DetectedFace& face) {
  std::vector<image::Point2f> points;
  if (tmpl.contour_indices.empty()) {
    for (const face::Point& point : face.landmarks) points.push_back({point.x, point.y});
    return points;
  }
  for (const int contour_index : tmpl.contour_indices) {
    CHECK(contour_index >= 0 && std::cmp_less(contour_index, face.contour.size()));
    const face::Point& point = face.contour[static_cast<size_t>(contour_index)];
    points.push_back({point.x, point.y});
  }
  return points;
}

bool spans_a_face(std::span<const image::Point2f> points) {
  const auto [left, right] = std::ranges::minmax(points, {}, &image::Point2f::x);
  const auto [top, bottom] = std::ranges::minmax(points, {}, &image::Point2f::y);
  // Written so that coordinates that are no numbers are refused as well.
  return right.x - left.x >= kMinSpan_px || bottom.y - top.y >= kMinSpan_px;
}

/// The part of the image that the crop shows, clipped, its sides rounded up to a multiple of
/// `multiple` (beyond the image it is black, as the crop is).
image::PixelRectangle shown_part(const image::Image& image,
                                 const image::SimilarityTransform& crop_to_image, int side_px,
                                 int multiple) {
  float left = static_cast<float>(image.width_px());
  float top = static_cast<float>(image.height_px());
  float right = 0;
  float bottom = 0;
  const auto last = static_cast<float>(side_px);
  for (const image::Point2f corner : {image::Point2f{-1, -1}, image::Point2f{last, -1},
                                      image::Point2f{-1, last}, image::Point2f{last, last}}) {
    const image::Point2f point = crop_to_image.apply(corner);
    left = std::min(left, point.x);
    top = std::min(top, point.y);
    right = std::max(right, point.x);
    bottom = std::max(bottom, point.y);
  }
  const auto clipped = [](float value, int limit) {
    return static_cast<int>(std::clamp(value, 0.0F, static_cast<float>(limit)));
  };
  const auto whole = [multiple](int length) {
    return std::max(1, (length + multiple - 1) / multiple) * multiple;
  };
  const int x = clipped(std::floor(left), image.width_px() - 1);
  const int y = clipped(std::floor(top), image.height_px() - 1);
  return {x, y, whole(clipped(std::ceil(right) + 1, image.width_px()) - x),
          whole(clipped(std::ceil(bottom) + 1, image.height_px()) - y)};
}

/// Warps through an area-averaged reduction by the whole number `shrink`.
image::Image warp_reduced(const image::Image& image, const image::SimilarityTransform& to_crop,
                          int side_px, int shrink) {
  const image::PixelRectangle part = shown_part(image, to_crop.inverse(), side_px, shrink);
  const image::Image reduced =
      image::resize(image::crop(image, part), part.width / shrink, part.height / shrink);
  // Pixel centre u of the reduced part lies at (u + 0.5) * shrink - 0.5 + part.x of the image.
  const double offset_x = 0.5 * shrink - 0.5 + part.x;
  const double offset_y = 0.5 * shrink - 0.5 + part.y;
  image::SimilarityTransform reduced_to_crop = to_crop;
  reduced_to_crop.a *= shrink;
  reduced_to_crop.b *= shrink;
  reduced_to_crop.tx += to_crop.a * offset_x - to_crop.b * offset_y;
  reduced_to_crop.ty += to_crop.b * offset_x + to_crop.a * offset_y;
  return image::warp_similarity(reduced, reduced_to_crop, side_px, side_px);
}

}  // namespace

image::Image warp_to_square(const image::Image& image,
                            const image::SimilarityTransform& image_to_square, int side_px) {
  const int shrink =
      static_cast<int>(std::floor(std::min(1 / image_to_square.scale(), kMaxShrink)));
  if (shrink >= 2) return warp_reduced(image, image_to_square, side_px, shrink);
  return image::warp_similarity(image, image_to_square, side_px, side_px);
}

Result<image::SimilarityTransform> image_to_crop(const image::Photo& photo,
                                                 const face::DetectedFace& face,
                                                 const LandmarkTemplate& tmpl) {
  std::vector<image::Point2f> from = points_for(tmpl, face);
  if (!spans_a_face(from)) {
    return fail(ErrorCode::InvalidInput, "degenerate_landmarks",
                "the points of a face lie within {} px of each other", kMinSpan_px);
  }
  for (image::Point2f& point : from) {
    point.x = static_cast<float>(point.x * photo.scale());
    point.y = static_cast<float>(point.y * photo.scale());
  }
  std::vector<image::Point2f> to;
  for (const face::Point& point : tmpl.points) to.push_back({point.x, point.y});
  const auto transform = image::estimate_similarity(from, to);
  if (!transform || !(transform->scale() > kMinScale)) {
    return fail(ErrorCode::InvalidInput, "degenerate_landmarks",
                "the points of a face cannot be brought upright");
  }
  return *transform;
}

Result<face::AlignedCrop> align(const image::Photo& photo, const face::DetectedFace& face,
                                const LandmarkTemplate& tmpl) {
  const image::SimilarityTransform transform = TRY(image_to_crop(photo, face, tmpl));
  return face::AlignedCrop{warp_to_square(photo.image, transform, tmpl.side_px), tmpl.name};
}

}  // namespace faceforge::vision
