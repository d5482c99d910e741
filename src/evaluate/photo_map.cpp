#include "evaluate/photo_map.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/check.h"

namespace faceforge::evaluate {
namespace {

constexpr int kExaggeratedIterations = 150;
constexpr double kExaggeration = 12;

/// Fills one row of probabilities for a width, and gives its entropy in nats.
double fill_row(std::span<const double> distances, size_t self, double precision,
                std::span<double> row) {
  double nearest = INFINITY;
  for (size_t other = 0; other < distances.size(); ++other) {
    if (other != self) nearest = std::min(nearest, distances[other]);
  }
  double sum = 0;
  for (size_t other = 0; other < distances.size(); ++other) {
    row[other] = other == self ? 0 : std::exp(-precision * (distances[other] - nearest));
    sum += row[other];
  }
  double entropy = 0;
  for (double& probability : row) {
    probability /= sum;
    if (probability > 0) entropy -= probability * std::log(probability);
  }
  return entropy;
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Scales to unit length; false when there is nothing to scale.
bool scale_to_unit(std::vector<double>& vector) {
  const double length = std::sqrt(dot(vector, vector));
  if (!(length > 1e-12)) return false;
  for (double& value : vector) value /= length;
  return true;
}

std::vector<std::vector<double>> centred(std::span<const std::span<const float>> vectors) {
  std::vector<std::vector<double>> rows;
  std::vector<double> mean(vectors.front().size());
  for (const auto& vector : vectors) {
    rows.emplace_back(vector.begin(), vector.end());
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += double{vector[i]} / static_cast<double>(vectors.size());
    }
  }
  for (auto& row : rows) {
    for (size_t i = 0; i < mean.size(); ++i) row[i] -= mean[i];
  }
  return rows;
}

/// The gradient's own state: where points are, and how they move.
struct Layout {
  std::vector<MapPlace> places;
  std::vector<MapPlace> steps;
  std::vector<MapPlace> gains;
};

/// One coordinate's step of gradient descent with momentum and gains (Jacobs 1988).
double descend(double gradient, double rate, double momentum, double& step, double& gain) {
  gain = (gradient > 0) == (step > 0) ? std::max(0.01, gain * 0.8) : gain + 0.2;
  step = momentum * step - rate * gain * gradient;
  return step;
}

/// Moves every point by one step against the gradient of the Kullback-Leibler divergence.
void move(Layout& layout, std::span<const double> wanted, double exaggeration, double momentum) {
  const size_t count = layout.places.size();
  std::vector<double> closeness(count * count);
  double sum = 0;
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b < count; ++b) {
      if (a == b) continue;
      const double x = layout.places[a].x - layout.places[b].x;
      const double y = layout.places[a].y - layout.places[b].y;
      closeness[a * count + b] = 1 / (1 + x * x + y * y);
      sum += closeness[a * count + b];
    }
  }
  std::vector<MapPlace> gradient(count);
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b < count; ++b) {
      const double near = closeness[a * count + b];
      const double pull = 4 * (exaggeration * wanted[a * count + b] - near / sum) * near;
      gradient[a].x += pull * (layout.places[a].x - layout.places[b].x);
      gradient[a].y += pull * (layout.places[a].y - layout.places[b].y);
    }
  }
  const double rate = std::max(50.0, static_cast<double>(count) / kExaggeration);
  MapPlace mean;
  for (size_t a = 0; a < count; ++a) {
    MapPlace& place = layout.places[a];
    place.x += descend(gradient[a].x, rate, momentum, layout.steps[a].x, layout.gains[a].x);
    place.y += descend(gradient[a].y, rate, momentum, layout.steps[a].y, layout.gains[a].y);
    mean.x += place.x / static_cast<double>(count);
    mean.y += place.y / static_cast<double>(count);
  }
  for (MapPlace& place : layout.places) {
    place.x -= mean.x;
    place.y -= mean.y;
  }
}

/// Shrinks places until they spread by 1e-4, so that the first steps can order them.
std::vector<MapPlace> shrunk(std::vector<MapPlace> places) {
  double squares = 0;
  for (const MapPlace& place : places) squares += place.x * place.x;
  const double spread = std::sqrt(squares / static_cast<double>(places.size()));
  if (!(spread > 0)) return places;
  for (MapPlace& place : places) {
    place.x *= 1e-4 / spread;
    place.y *= 1e-4 / spread;
  }
  return places;
}

/// The photos that are mapped: of the people with the most photos, of equals by name.
std::vector<size_t> chosen_photos(const LabelledPhotos& photos, const PhotoMapOptions& options) {
  std::vector<std::vector<size_t>> by_person = photos.photos_by_person();
  for (auto& own : by_person) {
    std::erase_if(own, [&](size_t photo) { return !photos.photos[photo].embedding; });
  }
  std::erase_if(by_person, [](const auto& own) { return own.size() < 2; });
  std::ranges::stable_sort(by_person, std::greater{}, &std::vector<size_t>::size);
  if (by_person.size() < 2) return {};
  by_person.resize(std::min(by_person.size(), options.person_limit));
  std::vector<size_t> chosen;
  for (const auto& own : by_person) {
    const auto count = static_cast<ptrdiff_t>(std::min(own.size(), options.photos_per_person));
    chosen.insert(chosen.end(), own.begin(), own.begin() + count);
  }
  return chosen;
}

}  // namespace

std::vector<double> neighbour_probabilities(std::span<const double> squared_distances,
                                            size_t point_count, double perplexity) {
  CHECK(point_count > 1 && squared_distances.size() == point_count * point_count);
  constexpr int kHalvings = 100;
  constexpr double kEntropyTolerance = 1e-10;
  const double wanted = std::log(perplexity);
  std::vector<double> probabilities(squared_distances.size());
  for (size_t point = 0; point < point_count; ++point) {
    const auto distances = squared_distances.subspan(point * point_count, point_count);
    const auto row = std::span(probabilities).subspan(point * point_count, point_count);
    double low = 0;
    double high = INFINITY;
    double precision = 1;
    for (int halving = 0; halving < kHalvings; ++halving) {
      const double entropy = fill_row(distances, point, precision, row);
      if (std::abs(entropy - wanted) < kEntropyTolerance) break;
      (entropy > wanted ? low : high) = precision;
      precision = std::isinf(high) ? precision * 2 : (low + high) / 2;
      if (!std::isfinite(precision)) break;  // copies of one photo: no width parts them
    }
  }
  return probabilities;
}

std::vector<MapPlace> principal_places(std::span<const std::span<const float>> vectors,
                                       uint64_t seed) {
  CHECK(!vectors.empty());
  constexpr int kIterations = 60;  // the start of a layout needs no more digits
  auto rows = centred(vectors);
  std::vector<MapPlace> places(rows.size());
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (double MapPlace::*coordinate : {&MapPlace::x, &MapPlace::y}) {
    std::vector<double> axis(rows.front().size());
    for (double& value : axis) value = normal(random);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      std::vector<double> next(axis.size());
      for (const auto& row : rows) {
        const double along = dot(row, axis);
        for (size_t i = 0; i < next.size(); ++i) next[i] += along * row[i];
      }
      if (!scale_to_unit(next)) break;
      axis = std::move(next);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      const double along = dot(rows[i], axis);
      places[i].*coordinate = along;
      for (size_t k = 0; k < axis.size(); ++k) rows[i][k] -= along * axis[k];
    }
  }
  return places;
}

Result<std::vector<MapPlace>> lay_out(std::span<const double> squared_distances,
                                      std::vector<MapPlace> start, const LayoutOptions& options,
                                      const std::stop_token& stop) {
  const size_t count = start.size();
  if (count < 2) return start;
  const double perplexity =
      std::clamp(options.perplexity, 1.0, std::max(1.0, static_cast<double>(count - 1) / 3));
  const auto one_way = neighbour_probabilities(squared_distances, count, perplexity);
  std::vector<double> wanted(one_way.size());
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b < count; ++b) {
      wanted[a * count + b] =
          (one_way[a * count + b] + one_way[b * count + a]) / (2 * static_cast<double>(count));
    }
  }
  Layout layout{.places = shrunk(std::move(start)),
                .steps = std::vector<MapPlace>(count),
                .gains = std::vector<MapPlace>(count, {1, 1})};
  for (int iteration = 0; iteration < options.iteration_count; ++iteration) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped while laying out a map");
    }
    const bool is_early = iteration < kExaggeratedIterations;
    move(layout, wanted, is_early ? kExaggeration : 1, is_early ? 0.5 : 0.8);
  }
  return std::move(layout.places);
}

Result<std::vector<MappedPhoto>> map_photos(const LabelledPhotos& photos,
                                            const PhotoMapOptions& options,
                                            const std::stop_token& stop) {
  const std::vector<size_t> chosen = chosen_photos(photos, options);
  if (chosen.empty()) return std::vector<MappedPhoto>{};
  std::vector<std::span<const float>> vectors;
  for (const size_t photo : chosen) vectors.push_back(photos.photos[photo].embedding->values);
  const face::Metric metric = photos.photos[chosen.front()].embedding->metric;
  std::vector<double> squared_distances;
  for (const auto& a : vectors) {
    for (const auto& b : vectors) {
      // Of unit vectors |a - b|^2 = 2 - 2 cos; the similarity of the other metric is made so too.
      squared_distances.push_back(2 - 2 * double{face::similarity(a, b, metric)});
    }
  }
  auto start = principal_places(vectors, options.layout.seed);
  const auto places = TRY(lay_out(squared_distances, std::move(start), options.layout, stop));
  std::vector<MappedPhoto> mapped;
  for (size_t i = 0; i < chosen.size(); ++i) mapped.push_back({chosen[i], places[i]});
  return mapped;
}

}  // namespace faceforge::evaluate
