#include "gallery/face_groups.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

face::Embedding towards(std::vector<float> values, face::Metric metric = face::Metric::Cosine) {
  if (metric == face::Metric::Cosine && !face::normalize(values)) ADD_FAILURE() << "no direction";
  return {face::ModelId("m1"), metric, std::move(values)};
}

/// At this angle in the plane, so that similarities are cosines of differences.
face::Embedding at_deg(double deg) {
  const double rad = deg * 3.14159265358979 / 180;
  return towards({static_cast<float>(std::cos(rad)), static_cast<float>(std::sin(rad))});
}

TEST(GroupFaces, NoneAreNoGroupsAndOneIsOne) {
  EXPECT_THAT(group_faces({}, 0.5F), IsEmpty());
  const std::vector<face::Embedding> one{at_deg(0)};
  EXPECT_THAT(group_faces(one, 0.5F), ElementsAre(ElementsAre(0)));
}

TEST(GroupFaces, AlikeAreTogetherTheLargestGroupFirstAndEachInItsOrder) {
  const std::vector<face::Embedding> faces{at_deg(90), at_deg(0),   at_deg(95),
                                           at_deg(5),  at_deg(200), at_deg(3)};
  // cos 5 deg is 0.996; cos 85 deg is 0.087.
  EXPECT_THAT(group_faces(faces, 0.9F),
              ElementsAre(ElementsAre(1, 3, 5), ElementsAre(0, 2), ElementsAre(4)));
}

TEST(GroupFaces, AChainOfLikenessesDoesNotJoinItsEnds) {
  // Each is 28 or 32 degrees from the next, the ends 148 (-0.85): single links would make one group
  // of all. Pairs join first; two of them are (cos 60 + cos 32 + cos 88 + cos 60) / 4 = 0.471
  // alike, and a third is not like those two together.
  const std::vector<face::Embedding> faces{at_deg(0),  at_deg(28),  at_deg(60),
                                           at_deg(88), at_deg(120), at_deg(148)};
  EXPECT_THAT(group_faces(faces, 0.8F), SizeIs(3));
  EXPECT_THAT(group_faces(faces, 0.46F), SizeIs(2));
}

TEST(GroupFaces, EqualFacesEndTheirChain) {
  const std::vector<face::Embedding> faces(40, at_deg(10));
  EXPECT_THAT(group_faces(faces, 0.99F), ElementsAre(SizeIs(40)));
}

TEST(GroupFaces, OfEqualGroupsTheOneWhoseFirstFaceComesFirstIsFirst) {
  const std::vector<face::Embedding> faces{at_deg(0), at_deg(90), at_deg(180)};
  EXPECT_THAT(group_faces(faces, 0.5F),
              ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2)));
}

TEST(GroupFaces, WithADistanceTheSimilarityIsThatOfTheMetric) {
  // 1 - 0.6^2 / 2 = 0.82 and 1 - 1^2 / 2 = 0.5.
  const std::vector<face::Embedding> faces{towards({0, 0}, face::Metric::L2),
                                           towards({0.6F, 0}, face::Metric::L2),
                                           towards({0, 1}, face::Metric::L2)};
  EXPECT_THAT(group_faces(faces, 0.8F), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(group_faces(faces, 0.83F), SizeIs(3));
}

/// Average linkage as its definition says: the closest two groups become one, over and over.
std::set<std::set<size_t>> by_definition(const std::vector<face::Embedding>& faces, float least) {
  std::vector<std::set<size_t>> groups;
  for (size_t i = 0; i < faces.size(); ++i) groups.push_back({i});
  for (;;) {
    double best = -2;
    std::pair<size_t, size_t> pair;
    for (size_t a = 0; a < groups.size(); ++a) {
      for (size_t b = a + 1; b < groups.size(); ++b) {
        double sum = 0;
        for (const size_t i : groups[a]) {
          for (const size_t j : groups[b]) sum += *face::similarity(faces[i], faces[j]);
        }
        const double mean = sum / static_cast<double>(groups[a].size() * groups[b].size());
        if (mean <= best) continue;
        best = mean;
        pair = {a, b};
      }
    }
    if (best < least) return {groups.begin(), groups.end()};
    groups[pair.first].merge(groups[pair.second]);
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(pair.second));
  }
}

TEST(GroupFaces, TheChainFindsWhatTheDefinitionDoes) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 20; ++round) {
    std::vector<face::Embedding> faces;
    for (int i = 0; i < 30; ++i) {
      std::vector<float> values(4);
      for (float& value : values) value = normal(random);
      faces.push_back(towards(std::move(values)));
    }
    for (const float least : {0.1F, 0.4F, 0.7F}) {
      std::set<std::set<size_t>> found;
      for (const auto& group : group_faces(faces, least))
        found.insert({group.begin(), group.end()});
      EXPECT_EQ(found, by_definition(faces, least)) << "round " << round << ", at " << least;
    }
  }
}

}  // namespace
}  // namespace faceforge::gallery
