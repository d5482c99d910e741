#include "vision/internal/quality.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace faceforge::vision {
namespace {

using Vector3 = std::array<double, 3>;

/// The five landmarks of a face seen from the front, in eye distances: x right and y down in the
/// picture, z away from the viewer.
constexpr std::array<Vector3, face::kLandmarkCount> kFrontalFace = {{{-0.5, -0.578, 0},
                                                                     {0.5, -0.578, 0},
                                                                     {0, -0.006, -0.40},
                                                                     {-0.414, 0.581, -0.05},
                                                                     {0.414, 0.581, -0.05}}};

double dot(const Vector3& a, const Vector3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector3 combined(double weight_a, const Vector3& a, double weight_b, const Vector3& b) {
  return {weight_a * a[0] + weight_b * b[0], weight_a * a[1] + weight_b * b[1],
          weight_a * a[2] + weight_b * b[2]};
}

/// The model with its mean taken out.
std::array<Vector3, face::kLandmarkCount> centred_model() {
  std::array<Vector3, face::kLandmarkCount> model = kFrontalFace;
  for (size_t axis = 0; axis < 3; ++axis) {
    double mean = 0;
    for (const Vector3& point : model) mean += point[axis] / face::kLandmarkCount;
    for (Vector3& point : model) point[axis] -= mean;
  }
  return model;
}

/// x of A x = b for the three columns of a symmetric, well-conditioned A, by Cramer's rule.
Vector3 solve(const std::array<Vector3, 3>& columns, const Vector3& right_side) {
  const double determinant = dot(columns[0], cross(columns[1], columns[2]));
  return {dot(right_side, cross(columns[1], columns[2])) / determinant,
          dot(columns[0], cross(right_side, columns[2])) / determinant,
          dot(columns[0], cross(columns[1], right_side)) / determinant};
}

/// The two rows of the affine camera that maps the model onto the landmarks.
struct AffineCamera {
  Vector3 x_row{};
  Vector3 y_row{};
};

AffineCamera fit_camera(const face::Landmarks& landmarks) {
  const auto model = centred_model();
  std::array<Vector3, 3> normal{};
  Vector3 right_x{};
  Vector3 right_y{};
  for (size_t index = 0; index < model.size(); ++index) {
    for (size_t axis = 0; axis < 3; ++axis) {
      right_x[axis] += model[index][axis] * double{landmarks[index].x};
      right_y[axis] += model[index][axis] * double{landmarks[index].y};
      for (size_t other = 0; other < 3; ++other) {
        normal[axis][other] += model[index][axis] * model[index][other];
      }
    }
  }
  return {solve(normal, right_x), solve(normal, right_y)};
}

float degrees(double radians) {
  return static_cast<float>(radians * 180 / std::numbers::pi);
}

float grey_at(const uint8_t* pixel) {
  return 0.299F * static_cast<float>(pixel[0]) + 0.587F * static_cast<float>(pixel[1]) +
         0.114F * static_cast<float>(pixel[2]);
}

std::vector<float> grey_of(const image::Image& picture) {
  const auto pixels = picture.pixels();
  std::vector<float> grey(pixels.size() / image::kChannels);
  for (size_t index = 0; index < grey.size(); ++index) {
    grey[index] = grey_at(pixels.data() + index * image::kChannels);
  }
  return grey;
}

}  // namespace

Pose pose_of(const face::Landmarks& landmarks) {
  const auto [x, y] = fit_camera(landmarks);
  // Nearest rows of unit length at right angles: (A A^T)^(-1/2) A. For a symmetric 2x2 matrix M,
  // M^(-1/2) = adj(M + sqrt(det M) I) / (sqrt(det M) * sqrt(trace M + 2 sqrt(det M))).
  const double xx = dot(x, x);
  const double yy = dot(y, y);
  const double xy = dot(x, y);
  const double root = std::sqrt(std::max(0.0, xx * yy - xy * xy));
  if (!std::isfinite(root) || !(root > 1e-6 * (xx + yy)) || !(xx + yy > 0)) return {};
  const double divisor = root * std::sqrt(xx + yy + 2 * root);
  const Vector3 right = combined((yy + root) / divisor, x, -xy / divisor, y);
  const Vector3 down = combined(-xy / divisor, x, (xx + root) / divisor, y);
  const Vector3 away = cross(right, down);
  // The rotation is roll * pitch * yaw: the face turns about its own vertical axis first.
  return {.yaw_deg = degrees(std::atan2(away[0], away[2])),
          .pitch_deg = degrees(std::asin(std::clamp(away[1], -1.0, 1.0))),
          .roll_deg = degrees(std::atan2(-right[1], down[1]))};
}

float sharpness_of(const image::Image& picture) {
  const auto width = static_cast<size_t>(picture.width_px());
  const auto height = static_cast<size_t>(picture.height_px());
  if (width < 3 || height < 3) return 0;
  const std::vector<float> grey = grey_of(picture);
  double sum = 0;
  double sum_of_squares = 0;
  for (size_t row = 1; row + 1 < height; ++row) {
    for (size_t column = 1; column + 1 < width; ++column) {
      const size_t at = row * width + column;
      const double laplacian = double{grey[at - 1]} + double{grey[at + 1]} +
                               double{grey[at - width]} + double{grey[at + width]} -
                               4 * double{grey[at]};
      sum += laplacian;
      sum_of_squares += laplacian * laplacian;
    }
  }
  const auto count = static_cast<double>((width - 2) * (height - 2));
  return static_cast<float>(std::max(0.0, sum_of_squares / count - (sum / count) * (sum / count)));
}

float brightness_of(const image::Image& picture) {
  double sum = 0;
  for (const float grey : grey_of(picture)) sum += double{grey};
  const auto count = static_cast<double>(picture.pixels().size() / image::kChannels);
  return static_cast<float>(sum / count / 255);
}

}  // namespace faceforge::vision
