// Whether promised rates are kept on people whom the calibration has not seen, however many photos
// stand behind a template: the thresholds come from pairs of photos, faces are held against people.

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "evaluate/pair_list.h"
#include "evaluate/photo_embeddings.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "gallery/train.h"
#include "packs/registry.h"
#include "support/test_data.h"

namespace faceforge::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kEnrolled = 50;
constexpr size_t kStrangers = 500;
constexpr size_t kPhotos = 6;  ///< of each enrolled person; the last is asked about

using Embeddings = std::vector<std::vector<float>>;

struct Crowd {
  std::vector<Embeddings> enrolled;
  Embeddings strangers;  ///< one photo each
};

/// The first people by name of the pairs list, none of whom is in the calibration: those with
/// enough photos are enrolled, those with one are strangers.
std::vector<fs::path> photos_of_crowd(const fs::path& data) {
  std::set<std::string> people;
  const PairList list = read_pair_list(data / "lfw-pairs.txt").value();
  for (const Pair& pair : list.pairs) {
    people.insert(pair.first.person);
    people.insert(pair.second.person);
  }
  std::vector<fs::path> enrolled;
  std::vector<fs::path> strangers;
  for (const std::string& person : people) {
    std::vector<fs::path> photos(fs::directory_iterator(data / "lfw" / person), {});
    std::ranges::sort(photos);
    if (photos.size() >= kPhotos && enrolled.size() < kEnrolled * kPhotos) {
      enrolled.insert(enrolled.end(), photos.begin(), photos.begin() + kPhotos);
    }
    if (photos.size() == 1 && strangers.size() < kStrangers) strangers.push_back(photos[0]);
  }
  enrolled.insert(enrolled.end(), strangers.begin(), strangers.end());
  return enrolled;
}

Crowd embedded(const vision::Pipeline& pipeline, const std::vector<fs::path>& photos) {
  const auto results = embed_photos(pipeline, photos, Supervision{}).value();
  Crowd crowd{.enrolled = std::vector<Embeddings>(kEnrolled), .strangers = {}};
  for (size_t photo = 0; photo < results.size(); ++photo) {
    const std::vector<float>& values = results[photo].value().embedding.value().values;
    const bool is_enrolled = photo < kEnrolled * kPhotos;
    (is_enrolled ? crowd.enrolled[photo / kPhotos] : crowd.strangers).push_back(values);
  }
  return crowd;
}

gallery::Snapshot trained(const Crowd& crowd, size_t photo_count,
                          const vision::Pipeline& pipeline) {
  gallery::GalleryModel model{
      .model_id = pipeline.model_id(),
      .metric = pipeline.spec().metric,
      .embedding_length = vision::embedding_length(pipeline.spec().embedders),
      .people = {}};
  for (const Embeddings& photos : crowd.enrolled) {
    gallery::TemplateSum sum(photos[0].size());
    for (size_t photo = 0; photo < photo_count; ++photo) sum.add(photos[photo]);
    model.people.push_back({.name = fmt::format("{}", model.people.size()),
                            .photo_count = sum.count(),
                            .spread = sum.spread(model.metric),
                            .mean = sum.mean(model.metric),
                            .references = {}});
  }
  return gallery::Snapshot(model);
}

/// What a count of this expectation stays below, 999 times in 1000.
double at_most(double expected) {
  return expected + 3 * std::sqrt(expected);
}

TEST(Promises, AreKeptWithOneWithTwoAndWithFivePhotosAPerson) {
  SKIP_WITHOUT_TEST_DATA(data);
  const test::TemporaryFolder empty;
  const packs::Registry registry({.packs_folder = empty.path(), .in_place_folder = data / "packs"});
  const auto pipeline = vision::Pipeline::load(registry.open("retinaface-mbf").value()).value();
  const Crowd crowd = embedded(*pipeline, photos_of_crowd(data));
  ASSERT_EQ(crowd.strangers.size(), kStrangers);
  constexpr gallery::MatchRates kRates{.false_match_rate = 1e-3,
                                       .false_positive_identification_rate = 0.1};
  const auto policy = gallery::MatchPolicy::create(pipeline->spec().calibration, kRates).value();
  for (const size_t photo_count : {size_t{1}, size_t{2}, size_t{5}}) {
    const gallery::Snapshot snapshot = trained(crowd, photo_count, *pipeline);
    const auto candidates = [&](const std::vector<float>& values) {
      const face::Embedding face{pipeline->model_id(), pipeline->spec().metric, values};
      return snapshot.nearest(face, kEnrolled).value();
    };
    double false_matches = 0;
    double false_identifications = 0;
    for (const auto& stranger : crowd.strangers) {
      const auto found = candidates(stranger);
      const auto decision = decide(found, policy, kEnrolled);
      false_identifications += decision.verdict == gallery::Verdict::Unknown ? 0 : 1;
      for (const auto& candidate : found) {
        const auto verdict = decide(candidate.similarity, policy).verdict;
        false_matches += verdict == gallery::Verdict::Match ? 1 : 0;
      }
    }
    EXPECT_LE(false_matches, at_most(kRates.false_match_rate * kStrangers * kEnrolled))
        << photo_count << " photos";
    EXPECT_LE(false_identifications,
              at_most(kRates.false_positive_identification_rate * kStrangers))
        << photo_count << " photos";
    size_t right = 0;
    for (size_t person = 0; person < kEnrolled; ++person) {
      const auto found = candidates(crowd.enrolled[person].back());
      const bool is_first = found[0].person == fmt::format("{}", person);
      const auto verdict = decide(found[0].similarity, policy).verdict;
      right += is_first && verdict == gallery::Verdict::Match ? 1 : 0;
    }
    EXPECT_GE(right, kEnrolled - 1) << photo_count << " photos";
  }
}

}  // namespace
}  // namespace faceforge::evaluate
