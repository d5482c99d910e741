#include "image/geometry.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "image/image.h"
#include "image/resample.h"
#include "support/test_data.h"

namespace faceforge::image {
namespace {

constexpr double kPi = std::numbers::pi;

SimilarityTransform make_transform(double scale, double rotation_rad, double tx, double ty) {
  return {
      .a = scale * std::cos(rotation_rad), .b = scale * std::sin(rotation_rad), .tx = tx, .ty = ty};
}

std::vector<Point2f> map_all(const SimilarityTransform& transform,
                             const std::vector<Point2f>& points) {
  std::vector<Point2f> mapped;
  for (const Point2f point : points) mapped.push_back(transform.apply(point));
  return mapped;
}

const std::vector<Point2f> kTemplate{{38.2946f, 51.6963f},
                                     {73.5318f, 51.5014f},
                                     {56.0252f, 71.7366f},
                                     {41.5493f, 92.3655f},
                                     {70.7299f, 92.2041f}};

TEST(Similarity, PointsThatWereTurnedScaledAndMovedGiveBackExactlyThat) {
  for (const double rotation_rad : {0.0, 0.3, -1.2, 3.0, kPi / 2}) {
    for (const double scale : {0.05, 1.0, 7.5}) {
      const auto truth = make_transform(scale, rotation_rad, -40, 12.5);
      const auto found = estimate_similarity(kTemplate, map_all(truth, kTemplate)).value();
      // Coordinates are floats: 24 bits of a value of a few hundred.
      EXPECT_NEAR(found.a, truth.a, 1e-5 * scale);
      EXPECT_NEAR(found.b, truth.b, 1e-5 * scale);
      EXPECT_NEAR(found.tx, truth.tx, 1e-3);
      EXPECT_NEAR(found.ty, truth.ty, 1e-3);
      EXPECT_NEAR(found.scale(), scale, 1e-5 * scale);
      EXPECT_NEAR(found.rotation_rad(), rotation_rad, 1e-5);
    }
  }
}

TEST(Similarity, TwoPointsAreEnoughAndAQuarterTurnIsClockwiseOnTheScreen) {
  const std::vector<Point2f> from{{0, 0}, {1, 0}};
  const std::vector<Point2f> to{{10, 20}, {10, 22}};
  const auto found = estimate_similarity(from, to).value();
  EXPECT_NEAR(found.scale(), 2, 1e-12);
  EXPECT_NEAR(found.rotation_rad(), kPi / 2, 1e-12);
  EXPECT_EQ(found.apply({0, 1}), (Point2f{8, 20}));
}

// The sum of squared distances that the least-squares solution must make smallest.
double residual(const SimilarityTransform& transform, const std::vector<Point2f>& from,
                const std::vector<Point2f>& to) {
  double sum = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const double x = transform.a * from[i].x - transform.b * from[i].y + transform.tx - to[i].x;
    const double y = transform.b * from[i].x + transform.a * from[i].y + transform.ty - to[i].y;
    sum += x * x + y * y;
  }
  return sum;
}

TEST(Similarity, NoSmallChangeOfTheSolutionFitsNoisyPointsBetter) {
  std::mt19937 random(7);
  std::normal_distribution<float> noise(0, 3);
  for (int trial = 0; trial < 20; ++trial) {
    auto to = map_all(make_transform(0.4, 0.1 * trial, 5, -3), kTemplate);
    for (Point2f& point : to) point = {point.x + noise(random), point.y + noise(random)};
    const auto best = estimate_similarity(kTemplate, to).value();
    const double least = residual(best, kTemplate, to);
    for (const double step : {-1e-3, 1e-3}) {
      auto moved = best;
      moved.a += step;
      EXPECT_GT(residual(moved, kTemplate, to), least);
      moved = best;
      moved.b += step;
      EXPECT_GT(residual(moved, kTemplate, to), least);
      moved = best;
      moved.tx += step;
      EXPECT_GT(residual(moved, kTemplate, to), least);
      moved = best;
      moved.ty += step;
      EXPECT_GT(residual(moved, kTemplate, to), least);
    }
  }
}

TEST(Similarity, AMirroredFaceIsNeverMirroredBack) {
  std::vector<Point2f> mirrored;
  for (const Point2f point : kTemplate) mirrored.push_back({112 - point.x, point.y});
  const auto found = estimate_similarity(kTemplate, mirrored).value();
  // A reflection would fit perfectly; a similarity keeps a distance of many pixels.
  EXPECT_GT(found.a * found.a + found.b * found.b, 0);
  EXPECT_GT(residual(found, kTemplate, mirrored), 100);
}

TEST(Similarity, ListsOfDifferentLengthsOrWithOnePointAreRefused) {
  const std::vector<Point2f> one{{1, 2}};
  const std::vector<Point2f> two{{1, 2}, {3, 4}};
  EXPECT_EQ(estimate_similarity(one, one).error().reason, "points_unpaired");
  EXPECT_EQ(estimate_similarity(one, two).error().reason, "points_unpaired");
  EXPECT_EQ(estimate_similarity({}, {}).error().reason, "points_unpaired");
  EXPECT_EQ(estimate_similarity(two, one).error().message,
            "2 points against 1; at least 2 pairs are needed");
}

TEST(Similarity, PointsInOnePlaceInfinitePointsAndATieOfRotationsAreRefused) {
  const std::vector<Point2f> spread{{0, 0}, {1, 0}, {0, 1}};
  const std::vector<Point2f> same(3, Point2f{1000.1f, 20.7f});
  EXPECT_EQ(estimate_similarity(same, spread).error().reason, "points_degenerate");
  EXPECT_EQ(estimate_similarity(spread, same).error().reason, "points_degenerate");
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::max()}) {
    std::vector<Point2f> broken = spread;
    broken[1].x = odd;
    if (odd != std::numeric_limits<float>::max()) {
      EXPECT_EQ(estimate_similarity(broken, spread).error().reason, "points_degenerate") << odd;
      EXPECT_EQ(estimate_similarity(spread, broken).error().reason, "points_degenerate") << odd;
    }
  }
  // The corners of a square, mirrored: every rotation fits equally badly.
  const std::vector<Point2f> square{{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  const std::vector<Point2f> mirrored{{0, 0}, {0, 1}, {1, 1}, {1, 0}};
  EXPECT_EQ(estimate_similarity(square, mirrored).error().reason, "points_degenerate");
}

TEST(Similarity, TheInverseLeadsBackAndTheMatrixIsTheTransform) {
  const auto transform = make_transform(0.7, 2.1, 30, -8);
  const Point2f there = transform.apply({17, 5});
  const Point2f back = transform.inverse().apply(there);
  EXPECT_NEAR(back.x, 17, 1e-4);
  EXPECT_NEAR(back.y, 5, 1e-4);
  const auto m = transform.matrix();
  EXPECT_NEAR(m[0] * 17 + m[1] * 5 + m[2], there.x, 1e-5);
  EXPECT_NEAR(m[3] * 17 + m[4] * 5 + m[5], there.y, 1e-5);
}

TEST(Similarity, BeforeScalingTakesPointsOfAShrunkPhoto) {
  const auto transform = make_transform(0.7, 0.4, 30, -8);
  const Point2f direct = transform.apply({400, 200});
  const Point2f shrunk = transform.before_scaling(0.25).apply({100, 50});
  EXPECT_NEAR(shrunk.x, direct.x, 1e-3);
  EXPECT_NEAR(shrunk.y, direct.y, 1e-3);
}

// ---- against golden.json: landmarks, matrix and crop made with NumPy and OpenCV

struct GoldenFace {
  std::string path;
  std::vector<Point2f> landmarks;
  std::vector<double> matrix;
  std::vector<double> crop_mean_rgb;
};

std::vector<double> numbers(const json::value& list) {
  std::vector<double> result;
  for (const auto& number : list.as_array()) {
    if (number.is_array()) {
      for (const double inner : numbers(number)) result.push_back(inner);
    } else {
      result.push_back(number.to_number<double>());
    }
  }
  return result;
}

std::vector<GoldenFace> golden_faces(const std::filesystem::path& data) {
  const auto golden = json::parse(read_text_file(data / "golden.json", 1 << 20).value()).value();
  const auto& images = golden.at("images").as_array();
  std::vector<GoldenFace> faces;
  for (const auto& [detector, found] : golden.at("detectors").as_object()) {
    const auto& results = found.at("results").as_array();
    for (size_t i = 0; i < results.size(); ++i) {
      const auto& result = results[i].as_object();
      if (!result.contains("M")) continue;
      const auto picked = result.at("picked").to_number<size_t>();
      const auto points = numbers(result.at("faces").at(picked).at("kps"));
      GoldenFace face{.path = std::string(images[i].at("path").as_string()),
                      .landmarks = {},
                      .matrix = numbers(result.at("M")),
                      .crop_mean_rgb = numbers(result.at("crop_mean_rgb"))};
      for (size_t p = 0; p < 5; ++p) {
        face.landmarks.push_back(
            {static_cast<float>(points[2 * p]), static_cast<float>(points[2 * p + 1])});
      }
      faces.push_back(std::move(face));
    }
  }
  return faces;
}

TEST(Similarity, TheMatrixOfRealLandmarksIsTheGoldenOne) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto faces = golden_faces(data);
  ASSERT_EQ(faces.size(), 15u);
  for (const GoldenFace& face : faces) {
    const auto matrix = estimate_similarity(face.landmarks, kTemplate).value().matrix();
    for (size_t i = 0; i < 6; ++i) {
      // The golden landmarks are rounded to 0.001 px, a matrix to as many digits.
      EXPECT_NEAR(matrix[i], face.matrix[i], i % 3 == 2 ? 1e-2 : 1e-4) << face.path << ' ' << i;
    }
  }
}

TEST(Similarity, TheCropOfARealFaceHasTheGoldenMeanColour) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const GoldenFace& face : golden_faces(data)) {
    const auto file = read_file(data / "lfw" / face.path, 1 << 20).value();
    const auto photo = decode(file, {}).value();
    const auto transform = estimate_similarity(face.landmarks, kTemplate).value();
    const Image crop = warp_similarity(photo.image, transform, 112, 112);
    std::array<double, 3> sum{};
    for (size_t i = 0; i < crop.pixels().size(); ++i) sum[i % 3] += crop.pixels()[i];
    for (size_t c = 0; c < 3; ++c) {
      // Another JPEG decoder and fixed-point weights there: a tenth of a grey level in the mean.
      EXPECT_NEAR(sum[c] / (112 * 112), face.crop_mean_rgb[c], 0.15) << face.path << ' ' << c;
    }
  }
}

}  // namespace
}  // namespace faceforge::image
