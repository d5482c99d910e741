#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "evaluate/labelled_photos.h"

namespace faceforge::evaluate {

/// A place on a map.
struct MapPlace {
  double x = 0;
  double y = 0;
};

struct LayoutOptions {
  uint64_t seed = 1;
  double perplexity = 20;  ///< about how many neighbours a point has; at most a third of the points
  int iteration_count = 500;
};

/// Lays points out in the plane so that neighbours stay neighbours: exact t-SNE. What is far apart
/// on the map may be near in truth: only neighbourhoods mean something.
///
/// in:     `squared_distances` of n points, n * n numbers; `start` their first places
/// out:    places about the origin
/// fails:  cancelled/cancelled
/// cost:   O(n^2) an iteration
/// source: van der Maaten & Hinton 2008, "Visualizing Data using t-SNE"; Belkina et al. 2019
///         (learning rate n / 12, exaggeration 12); docs/decisions/0026-own-t-sne.md
[[nodiscard]] Result<std::vector<MapPlace>> lay_out(std::span<const double> squared_distances,
                                                    std::vector<MapPlace> start,
                                                    const LayoutOptions& options,
                                                    const std::stop_token& stop);

/// How likely each point takes each other one for its neighbour: Gaussians whose widths give
/// `perplexity` neighbours, n * n numbers; every row sums to 1.
///
/// source: van der Maaten & Hinton 2008, equations 1 and 2
[[nodiscard]] std::vector<double> neighbour_probabilities(std::span<const double> squared_distances,
                                                          size_t point_count, double perplexity);

/// The projections of some vectors of one length onto their two principal axes.
///
/// source: power iteration with deflation, Golub & Van Loan 2013, section 8.2.1
[[nodiscard]] std::vector<MapPlace> principal_places(
    std::span<const std::span<const float>> vectors, uint64_t seed);

/// A photo on the map.
struct MappedPhoto {
  size_t photo_index = 0;
  MapPlace place{};
};

struct PhotoMapOptions {
  size_t person_limit = 40;  ///< more colours nobody tells apart
  size_t photos_per_person = 20;
  LayoutOptions layout{};
};

/// Maps photos of the people with the most photos.
///
/// out:    nobody when fewer than two people have several photos with an embedding
/// fails:  cancelled/cancelled
[[nodiscard]] Result<std::vector<MappedPhoto>> map_photos(const LabelledPhotos& photos,
                                                          const PhotoMapOptions& options,
                                                          const std::stop_token& stop);

}  // namespace faceforge::evaluate
