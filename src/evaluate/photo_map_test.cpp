#include "evaluate/photo_map.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "evaluate/evaluate_test_photos.h"

namespace faceforge::evaluate {
namespace {

std::vector<double> squared_distances(const LabelledPhotos& photos) {
  std::vector<double> distances;
  for (size_t photo = 0; photo < photos.photos.size(); ++photo) {
    for (const float similarity : row_of(photos, photo)) {
      distances.push_back(2 - 2 * double{similarity});
    }
  }
  return distances;
}

// scikit-learn 1.2.1: _binary_search_perplexity of the squared distances, perplexity 4; its own
// tolerance is 1e-5 of the entropy.
TEST(NeighbourProbabilities, AreThoseOfScikitLearn) {
  const auto rows = neighbour_probabilities(squared_distances(golden_points()), 12, 4);
  const std::vector<std::pair<size_t, double>> expected{{0, 0},
                                                        {1, 0.005330846847115335},
                                                        {2, 0.010077144335378457},
                                                        {3, 0.12225812706252888},
                                                        {84, 0.0073583589535660575},
                                                        {85, 0.23612672696276038},
                                                        {86, 0.027115378673563683}};
  for (const auto& [index, probability] : expected) EXPECT_NEAR(rows[index], probability, 2e-5);
  for (size_t row = 0; row < 12; ++row) {
    double sum = 0;
    double entropy = 0;
    for (size_t column = 0; column < 12; ++column) {
      const double probability = rows[row * 12 + column];
      sum += probability;
      if (probability > 0) entropy -= probability * std::log(probability);
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_NEAR(std::exp(entropy), 4, 1e-8);
  }
}

// scikit-learn 1.2.1: PCA(2).fit_transform(X), without signs.
TEST(PrincipalPlaces, AreThoseOfScikitLearn) {
  const LabelledPhotos photos = golden_points();
  std::vector<std::span<const float>> vectors;
  for (const auto& photo : photos.photos) vectors.push_back(photo.embedding->values);
  const auto places = principal_places(vectors, 1);
  const std::vector<MapPlace> expected{
      {0.78499715, 0.33187908}, {0.89462434, 0.22527882}, {0.00138803, 0.42484725}};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(std::abs(places[i].x), expected[i].x, 2e-3);
    EXPECT_NEAR(std::abs(places[i].y), expected[i].y, 2e-3);
  }
}

/// How many photos have one of their own person as their nearest on the map.
size_t well_placed_count(std::span<const MappedPhoto> map, const LabelledPhotos& photos) {
  size_t count = 0;
  for (const MappedPhoto& one : map) {
    const auto distance = [&](const MappedPhoto& other) {
      if (other.photo_index == one.photo_index) return INFINITY;
      return static_cast<float>(
          std::hypot(other.place.x - one.place.x, other.place.y - one.place.y));
    };
    const auto nearest = std::ranges::min_element(map, {}, distance);
    const auto person = [&](const MappedPhoto& of) {
      return photos.photos[of.photo_index].person_index;
    };
    if (person(*nearest) == person(one)) ++count;
  }
  return count;
}

TEST(PhotoMap, NeighboursAreOfOnePerson) {
  const LabelledPhotos photos = crowd(8, 10, 0.4F, 3);
  const auto map = map_photos(photos, {}, {}).value();
  ASSERT_EQ(map.size(), 80);
  EXPECT_GE(well_placed_count(map, photos), 78);
}

TEST(PhotoMap, TheSameSeedGivesTheSameMap) {
  const LabelledPhotos photos = crowd(4, 5, 0.4F, 3);
  const PhotoMapOptions options{.layout = {.iteration_count = 60}};
  const auto one = map_photos(photos, options, {}).value();
  const auto again = map_photos(photos, options, {}).value();
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].place.x, again[i].place.x);
}

TEST(PhotoMap, TakesThePeopleWithTheMostPhotosAndOnlyThoseWithAFace) {
  auto photos = crowd(5, 4, 0.4F, 3);
  for (auto& photo : photos.photos) {
    if (photo.person_index == 0 && photo.name != "P0/0.jpg") photo.embedding.reset();
    if (photo.name == "P1/0.jpg") photo.embedding.reset();
  }
  const PhotoMapOptions options{
      .person_limit = 3, .photos_per_person = 2, .layout = {.iteration_count = 5}};
  std::set<uint32_t> people;
  const auto map = map_photos(photos, options, {}).value();
  for (const auto& one : map) people.insert(photos.photos[one.photo_index].person_index);
  EXPECT_EQ(people, (std::set<uint32_t>{2, 3, 4}));
  EXPECT_EQ(map.size(), 6);
  EXPECT_TRUE(map_photos(crowd(1, 4, 0.4F, 3), {}, {}).value().empty());
}

TEST(PhotoMap, CopiesOfOnePhotoAreNoTrouble) {
  const auto map = map_photos(crowd(3, 6, 0, 3), {.layout = {.iteration_count = 50}}, {}).value();
  for (const auto& one : map) EXPECT_TRUE(std::isfinite(one.place.x) && std::isfinite(one.place.y));
}

TEST(PhotoMap, AStopEndsIt) {
  std::stop_source source;
  source.request_stop();
  const auto stopped = map_photos(crowd(3, 4, 0.4F, 3), {}, source.get_token());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace faceforge::evaluate
