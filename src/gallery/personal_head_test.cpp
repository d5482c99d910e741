#include "gallery/personal_head.h"

#include <array>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gallery/head_calibration.h"
#include "gallery/head_trial.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

FloatTable table(size_t column_count, std::vector<float> values) {
  return {values.size() / column_count, column_count, std::move(values)};
}

// --- the loss ---

/// The photos, people and matrix of tests/train/head_loss_reference.py, which made the expected
/// values with PyTorch 1.13 in doubles.
LabelledEmbeddings seven_photos() {
  return {table(4, {0.9F,  0.1F,  -0.2F, 0.3F, 0.7F, 0.4F,  0.1F, 0.2F, 0.5F, 0.8F,
                    -0.1F, 0.1F,  0.3F,  0.9F, 0.2F, -0.2F, 0.6F, 0.3F, 0.7F, 0.1F,
                    0.2F,  -0.1F, 0.8F,  0.4F, 0.4F, 0.5F,  0.6F, -0.3F}),
          {0, 0, 1, 1, 2, 2, 2}};
}

FloatTable skewed_matrix() {
  return table(
      4, {1.1F, -0.2F, 0, 0.1F, 0, 1.1F, 0.3F, -0.1F, 0.2F, 0, 0.9F, 0, -0.1F, 0.1F, 0, 1.2F});
}

TEST(TripletLoss, LossAndGradientAreThoseOfPyTorch) {
  const auto cosine = triplet_loss(skewed_matrix(), seven_photos(), face::Metric::Cosine, 0.2);
  EXPECT_NEAR(cosine.loss, 0.167596011, 1e-6);
  EXPECT_EQ(cosine.active_count, 22);
  EXPECT_THAT(
      cosine.gradient.values,
      Pointwise(FloatNear(1e-6F),
                {0.012742582F, 0.066532802F, 0.019697012F, 0.012095036F, 0.098882101F, 0.100782580F,
                 0.068404465F, -0.107281125F, 0.044675456F, 0.172301265F, -0.341992911F,
                 0.055930789F, -0.018051010F, -0.129586706F, 0.092766366F, 0.138318354F}));
  const auto l2 = triplet_loss(skewed_matrix(), seven_photos(), face::Metric::L2, 0.2);
  EXPECT_NEAR(l2.loss, 0.192961905, 1e-6);
  EXPECT_EQ(l2.active_count, 21);
  EXPECT_THAT(
      l2.gradient.values,
      Pointwise(FloatNear(1e-6F), {-0.033142857F, -0.020904762F, 0.068952381F, 0.007428571F,
                                   0.023523810F, 0.067571429F, 0.076952381F, -0.154142857F,
                                   0.072380952F, 0.156238095F, -0.302809524F, 0.070571429F,
                                   -0.037142857F, -0.181190476F, 0.111666667F, 0.147571429F}));
}

/// The definition, word by word and in doubles.
double loss_in_doubles(const std::vector<double>& matrix, const LabelledEmbeddings& photos,
                       face::Metric metric, double margin) {
  const size_t length = photos.embeddings.column_count;
  std::vector<std::vector<double>> rows;
  for (size_t photo = 0; photo < photos.people.size(); ++photo) {
    std::vector<double> row(length);
    double squares = 0;
    for (size_t i = 0; i < length; ++i) {
      for (size_t j = 0; j < length; ++j) {
        row[i] += matrix[i * length + j] * double{photos.embeddings.values[photo * length + j]};
      }
      squares += row[i] * row[i];
    }
    for (double& value : row) value /= metric == face::Metric::Cosine ? std::sqrt(squares) : 1;
    rows.push_back(row);
  }
  const auto similarity = [&](size_t a, size_t b) {
    double dot = 0;
    double distance = 0;
    for (size_t i = 0; i < length; ++i) {
      dot += rows[a][i] * rows[b][i];
      distance += (rows[a][i] - rows[b][i]) * (rows[a][i] - rows[b][i]);
    }
    return metric == face::Metric::Cosine ? dot : 1 - distance / 2;
  };
  double sum = 0;
  double active = 0;
  for (size_t a = 0; a < rows.size(); ++a) {
    for (size_t p = 0; p < rows.size(); ++p) {
      for (size_t n = 0; n < rows.size(); ++n) {
        const auto& people = photos.people;
        if (a == p || people[a] != people[p] || people[a] == people[n]) continue;
        const double hinge = margin + similarity(a, n) - similarity(a, p);
        if (hinge <= 0) continue;
        sum += hinge;
        active += 1;
      }
    }
  }
  return sum / active;
}

TEST(TripletLoss, TheGradientIsThatOfFiniteDifferencesInDoubles) {
  constexpr size_t kLength = 19;  // no multiple of eight
  constexpr double kStep = 1e-6;  // a hinge that is that near to its corner would be bad luck
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  LabelledEmbeddings photos{table(kLength, std::vector<float>(12 * kLength)),
                            {0, 1, 2, 0, 1, 2, 3, 3, 3, 0, 1, 2}};
  for (float& value : photos.embeddings.values) value = 0.3F * normal(random);
  FloatTable matrix = table(kLength, std::vector<float>(kLength * kLength));
  for (float& value : matrix.values) value = 0.3F * normal(random);
  for (const auto metric : {face::Metric::Cosine, face::Metric::L2}) {
    const auto slope = triplet_loss(matrix, photos, metric, 0.3);
    std::vector<double> exact(matrix.values.begin(), matrix.values.end());
    for (size_t i = 0; i < exact.size(); i += 7) {
      const double at = exact[i];
      exact[i] = at + kStep;
      const double above = loss_in_doubles(exact, photos, metric, 0.3);
      exact[i] = at - kStep;
      const double below = loss_in_doubles(exact, photos, metric, 0.3);
      exact[i] = at;
      // Floats have seven digits, and some of them cancel out.
      EXPECT_NEAR(slope.gradient.values[i], (above - below) / (2 * kStep), 2e-5) << i;
    }
  }
}

TEST(TripletLoss, PeopleFartherApartThanTheMarginTeachNothing) {
  const LabelledEmbeddings apart{table(2, {1, 0, 1, 0, 0, 1, 0, 1}), {7, 7, 9, 9}};
  const auto slope = triplet_loss(table(2, {1, 0, 0, 1}), apart, face::Metric::Cosine, 0.5);
  EXPECT_EQ(slope.loss, 0);
  EXPECT_EQ(slope.active_count, 0);
  EXPECT_THAT(slope.gradient.values, ElementsAre(0, 0, 0, 0));
}

// --- what a trial says ---

TEST(HeadTrial, TheIntervalOfARateIsWilsons) {
  // Newcombe 1998, table I, method 3: 81 of 263 and 0 of 20.
  EXPECT_NEAR(rate_interval(81, 263).low, 0.2553, 5e-5);
  EXPECT_NEAR(rate_interval(81, 263).high, 0.3662, 5e-5);
  EXPECT_EQ(rate_interval(0, 20).low, 0);
  EXPECT_NEAR(rate_interval(0, 20).high, 0.1611, 5e-5);
  EXPECT_EQ(rate_interval(0, 0).high, 1);
}

TEST(HeadTrial, AHeadIsKeptWhenSoManyMendedPhotosAreHardlyChance) {
  HeadTrial trial{.photo_count = 100, .with_head = HeadAnswers{}};
  const auto verdict = [&](int64_t mended, int64_t spoiled) {
    trial.mended_count = mended;
    trial.spoiled_count = spoiled;
    return trial.is_better();
  };
  EXPECT_TRUE(verdict(5, 0));
  EXPECT_DOUBLE_EQ(trial.p_value(), 1.0 / 32);
  EXPECT_FALSE(verdict(4, 0));  // 1 in 16
  EXPECT_FALSE(verdict(8, 2));
  EXPECT_NEAR(trial.p_value(), (45 + 10 + 1) / 1024.0, 1e-12);
  EXPECT_TRUE(verdict(9, 1));
  EXPECT_FALSE(verdict(1, 9));
  EXPECT_FALSE(verdict(0, 0));
  EXPECT_EQ(trial.p_value(), 1);
  trial.with_head.reset();
  EXPECT_FALSE(verdict(9, 1));
}

TEST(HeadTrial, IsReadBackFromJsonAndNonsenseIsRefused) {
  const HeadTrial written{.photo_count = 90,
                          .person_count = 12,
                          .fold_count = 5,
                          .without_head = {20, 6, 60},
                          .with_head = HeadAnswers{8, 3, 70},
                          .mended_count = 14,
                          .spoiled_count = 2};
  const auto read = head_trial_from_json(to_json(written));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->photo_count, 90);
  EXPECT_EQ(read->without_head.misnamed_count, 6);
  EXPECT_EQ(read->with_head->recognized_count, 70);
  EXPECT_EQ(read->mended_count, 14);
  const auto refused_with = [&](std::string_view field, json::value value) {
    json::object nonsense = to_json(written);
    nonsense[field] = std::move(value);
    const auto outcome = head_trial_from_json(nonsense);
    return outcome ? "read" : outcome.error().reason;
  };
  EXPECT_EQ(refused_with("fold_count", 4), "read");
  EXPECT_EQ(refused_with("mended_count", 91), "head_trial_malformed");
  EXPECT_EQ(refused_with("spoiled_count", -1), "head_trial_malformed");
  EXPECT_EQ(refused_with("mended_count", 15), "head_trial_malformed") << "12 fewer are confused";
  EXPECT_EQ(refused_with("with_head", nullptr), "head_trial_malformed") << "what mended them?";
  HeadTrial many = written;
  many.mended_count = 57;
  many.spoiled_count = 45;  // 12 fewer, but 102 of 90 photos
  EXPECT_EQ(head_trial_from_json(to_json(many)).error().reason, "head_trial_malformed");
}

// --- projecting, and a gallery with a head ---

TEST(Project, WithCosineFacesHaveUnitLengthAgainAndWhatIsTakenToNothingIsSimilarToNobody) {
  const FloatTable matrix = table(2, {3, 0, 0, 0});
  EXPECT_THAT(project(matrix, std::vector<float>{0.6F, 0.8F}, face::Metric::Cosine),
              ElementsAre(1, 0));
  EXPECT_THAT(project(matrix, std::vector<float>{0, 1}, face::Metric::Cosine), ElementsAre(0, 0));
  const auto l2 = project(matrix, std::vector<float>{0.6F, 0.8F}, face::Metric::L2);
  EXPECT_FLOAT_EQ(l2[0], 1.8F);
}

PersonalHead head_of(const GalleryModel& model, FloatTable matrix) {
  PersonalHead head{.matrix = std::move(matrix)};
  head.model_id = head_model_id(model.model_id, head.matrix);
  head.calibration.model_id = head.model_id;
  head.calibration.points = {{1e-4, 0.9F}};
  return head;
}

GalleryModel gallery_of(const std::vector<std::vector<std::vector<float>>>& people,
                        face::Metric metric = face::Metric::Cosine) {
  GalleryModel model{.model_id = face::ModelId("base"), .metric = metric, .pack_id = "test-pack"};
  model.embedding_length = static_cast<int64_t>(people.front().front().size());
  face::Calibration calibration;
  calibration.model_id = model.model_id;
  calibration.impostor_pair_count = 1'000'000;
  calibration.points = {{1e-1, 0.3F}, {1e-2, 0.5F}, {1e-3, 0.6F}};
  calibration.tail_slope = -11.5;
  calibration.ambiguity_margin = 0.1F;
  model.calibration = calibration;
  for (const auto& photos : people) {
    ModelPerson person{.name = fmt::format("person {}", model.people.size())};
    TemplateSum sum(photos.front().size());
    for (const auto& photo : photos) {
      sum.add(photo);
      person.references.push_back({.name = "photo.jpg", .embedding = photo});
    }
    person.photo_count = sum.count();
    person.mean = sum.mean(metric);
    person.spread = sum.spread(metric);
    model.people.push_back(std::move(person));
  }
  return model;
}

TEST(SnapshotWithHead, AFaceIsAsSimilarToAPersonAsToTheirProjectedPhotosOnAverage) {
  const FloatTable matrix = table(2, {2, 0, 0.5F, 1});
  const std::vector<float> asked{0, 1};
  for (const auto metric : {face::Metric::Cosine, face::Metric::L2}) {
    GalleryModel model = gallery_of({{{0.8F, 0.6F}, {0.6F, -0.8F}}, {{-1, 0}}}, metric);
    model.head = head_of(model, matrix);
    const auto candidates = Snapshot(model).nearest({model.model_id, metric, asked}, 2);
    ASSERT_TRUE(candidates) << candidates.error().message;
    for (const Candidate& candidate : *candidates) {
      const auto& references = model.people[candidate.person_index].references;
      double sum = 0;
      for (const Reference& reference : references) {
        sum += double{face::similarity(project(matrix, asked, metric),
                                       project(matrix, reference.embedding, metric), metric)};
      }
      EXPECT_NEAR(candidate.similarity, sum / static_cast<double>(references.size()), 1e-6);
    }
  }
}

TEST(SnapshotWithHead, IsAskedWithThePacksEmbeddingsAndDecidesByItsOwnCalibration) {
  GalleryModel model = gallery_of({{{0.8F, 0.6F}}, {{-1, 0}}});
  model.head = head_of(model, table(2, {1, 0, 0, 2}));
  const Snapshot snapshot(model);
  EXPECT_EQ(snapshot.model_id().hex(), "base");
  EXPECT_EQ(snapshot.space_id(), model.head->model_id);
  const face::Embedding asked{model.model_id, model.metric, {0.6F, 0.8F}};
  const auto projected = snapshot.in_space(asked);
  ASSERT_TRUE(projected);
  EXPECT_EQ(projected->model_id, snapshot.space_id());
  EXPECT_EQ(snapshot.nearest(*projected, 1)->front().similarity,
            snapshot.nearest(asked, 1)->front().similarity);
  EXPECT_EQ(snapshot.compare(asked, "person 0")->similarity,
            snapshot.nearest(asked, 1)->front().similarity);
  const face::Embedding foreign{face::ModelId("other"), model.metric, {1, 0}};
  EXPECT_EQ(snapshot.nearest(foreign, 1).error().reason, "model_mismatch");
  // The pack's promise is another space's.
  EXPECT_EQ(snapshot.calibration_beside(model.calibration)->model_id, snapshot.space_id());
}

// --- its calibration ---

TEST(HeadCalibration, TheLineOfStrangersIsFoundAndNoQuantileLiesAboveIt) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal(0, 0.1F);
  std::vector<float> without(10'000);
  for (float& value : without) value = normal(random);
  std::vector<float> with;
  for (const float value : without) with.push_back(0.1F + 1.5F * value);
  const StrangerLine line = stranger_line(without, with);
  EXPECT_NEAR(line.slope, 1.5, 1e-4);
  EXPECT_NEAR(line.offset, 0.1, 1e-4);
  // One whose strangers come closer together promises nothing for it.
  for (size_t i = 0; i < with.size(); ++i) with[i] = 0.5F * without[i];
  EXPECT_EQ(stranger_line(without, with).slope, 1);
  EXPECT_NEAR(stranger_line({0.1F, 0.3F}, {0.9F, 0.2F}).offset, 0.6, 1e-6) << "0.3 became 0.9";
  EXPECT_EQ(stranger_line({0.1F, 0.3F}, {0.0F, 0.2F}).offset, 0);
}

TEST(HeadCalibration, ThresholdsFollowTheLineAndNoneIsMoreLenientThanThePacks) {
  const face::Calibration base = *gallery_of({{{1, 0}}}).calibration;
  const face::ModelId id("head");
  const auto risen = calibration_of_head(base, {.offset = 0.1, .slope = 1.2}, 5'000, 0.3, id);
  ASSERT_EQ(risen.points.size(), 3U);
  EXPECT_EQ(risen.model_id, id);
  EXPECT_NEAR(risen.points[0].match_threshold, 0.46, 1e-6);
  EXPECT_NEAR(risen.points[2].match_threshold, 0.82, 1e-6);
  EXPECT_FLOAT_EQ(risen.ambiguity_margin, 0.3F);
  // The tail says at the new similarity what it said at the old one: ln FMR = -11.5 * 0.7.
  EXPECT_NEAR(risen.tail_intercept + risen.tail_slope * (0.1 + 1.2 * 0.7), -11.5 * 0.7, 1e-9);
  // 5 000 pairs meet ten errors at 1 in 500 and not at 1 in 1000.
  EXPECT_FALSE(match_threshold(risen, 1e-2)->extrapolated);
  EXPECT_TRUE(match_threshold(risen, 1e-3)->extrapolated);

  const auto fallen = calibration_of_head(base, {.offset = -0.3, .slope = 1}, 5'000, 0.01, id);
  ASSERT_EQ(fallen.points.size(), base.points.size());
  for (size_t i = 0; i < base.points.size(); ++i) {
    EXPECT_FLOAT_EQ(fallen.points[i].match_threshold, base.points[i].match_threshold);
  }
  EXPECT_FLOAT_EQ(fallen.ambiguity_margin, 0.1F);
  // Beyond the highest similarity there is no threshold.
  const auto high = calibration_of_head(base, {.offset = 0.6, .slope = 1}, 5'000, 0.01, id);
  EXPECT_EQ(high.points.back().match_threshold, 1);
  EXPECT_LT(high.points.size(), 3U);
}

// --- training and trying ---

/// People who differ in four numbers, photographed with noise in twelve others.
GalleryModel confusable_gallery(size_t person_count, size_t photo_count, float signal,
                                face::Metric metric = face::Metric::Cosine) {
  std::mt19937_64 random(11);
  std::normal_distribution<float> normal;
  std::vector<std::vector<std::vector<float>>> people(person_count);
  for (auto& photos : people) {
    std::array<float, 4> centre{};
    for (float& value : centre) value = signal * normal(random);
    photos.resize(photo_count, std::vector<float>(16));
    for (auto& photo : photos) {
      for (size_t i = 0; i < 16; ++i) {
        photo[i] = i < 4 ? centre[i] + 0.1F * normal(random) : 0.35F * normal(random);
      }
      if (metric == face::Metric::Cosine) {
        EXPECT_TRUE(face::normalize(photo));
      }
    }
  }
  return gallery_of(people, metric);
}

TEST(PersonalHead, MendsConfusionsOfPhotosItHasNotSeenAndIsTheSameEachTime) {
  for (const auto metric : {face::Metric::Cosine, face::Metric::L2}) {
    const GalleryModel gallery = confusable_gallery(20, 8, 0.6F, metric);
    const auto outcome = train_personal_head(gallery);
    ASSERT_TRUE(outcome) << outcome.error().message;
    const HeadTrial& trial = outcome->trial;
    EXPECT_EQ(trial.photo_count, 160);
    ASSERT_TRUE(trial.with_head);
    EXPECT_LT(2 * trial.with_head->confused_count, trial.without_head.confused_count);
    EXPECT_EQ(trial.without_head.confused_count - trial.with_head->confused_count,
              trial.mended_count - trial.spoiled_count);
    ASSERT_TRUE(outcome->head);
    const PersonalHead& head = *outcome->head;
    EXPECT_EQ(head.model_id, head_model_id(gallery.model_id, head.matrix));
    EXPECT_NE(head.model_id, gallery.model_id);
    EXPECT_EQ(head.calibration.model_id, head.model_id);
    EXPECT_EQ(head.calibration.impostor_pair_count, 20 * 16 / 2) << "people of two folds";
    ASSERT_FALSE(head.calibration.points.empty());
    for (size_t i = 0; i < head.calibration.points.size(); ++i) {
      EXPECT_GE(head.calibration.points[i].match_threshold,
                gallery.calibration->points[i].match_threshold);
    }
    const auto again = train_personal_head(gallery, {.thread_count = 2});
    ASSERT_TRUE(again && again->head);
    EXPECT_EQ(again->head->matrix.values, head.matrix.values);
    EXPECT_EQ(again->trial.mended_count, trial.mended_count);
  }
}

TEST(PersonalHead, IsHardlyEverKeptWhereNothingTellsThePeopleApart) {
  int kept_count = 0;
  for (size_t person_count = 15; person_count < 25; ++person_count) {
    const auto outcome = train_personal_head(confusable_gallery(person_count, 4, 0));
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_GT(outcome->trial.without_head.confused_count, 40);
    EXPECT_TRUE(outcome->trial.with_head);
    kept_count += outcome->head ? 1 : 0;
  }
  EXPECT_LE(kept_count, 1);  // of ten: 1 in 20 is what the test allows chance
}

TEST(PersonalHead, IsNotEvenTrainedWhereTooFewAreConfusedToTellADifference) {
  const auto outcome = train_personal_head(confusable_gallery(6, 4, 9));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_LT(outcome->trial.without_head.confused_count, kFewestConfusions);
  EXPECT_FALSE(outcome->trial.with_head);
  EXPECT_FALSE(outcome->head);
}

TEST(PersonalHead, ThatIsToBeMeasuredIsGivenOutWhateverItsTrialSays) {
  const auto outcome =
      train_personal_head(confusable_gallery(6, 4, 9), {.given = HeadGiven::Always});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->trial.with_head);
  EXPECT_FALSE(outcome->trial.is_better());
  ASSERT_TRUE(outcome->head);
  EXPECT_FALSE(outcome->head->trial.is_better());
  EXPECT_FALSE(outcome->head->calibration.points.empty());
}

TEST(PersonalHead, PhotosBeyondTheGallerysOwnAreAskedOfTheGalleryAsItIs) {
  // Six people, each at an axis of their own; photos that are said to be the first one's lie where
  // the second one is. In a template they would be like themselves.
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal(0, 0.02F);
  const auto photo_at = [&](size_t axis) {
    std::vector<float> photo(6);
    for (float& value : photo) value = normal(random);
    photo[axis] += 1;
    EXPECT_TRUE(face::normalize(photo));
    return photo;
  };
  std::vector<std::vector<std::vector<float>>> people;
  for (size_t person = 0; person < 6; ++person) {
    people.push_back({photo_at(person), photo_at(person)});
  }
  const GalleryModel gallery = gallery_of(people);
  LabelledEmbeddings more{.embeddings = {.column_count = 6}};
  const auto add = [&](size_t person, const std::vector<float>& photo) {
    more.people.push_back(person);
    ++more.embeddings.row_count;
    more.embeddings.values.insert(more.embeddings.values.end(), photo.begin(), photo.end());
  };
  for (int photo = 0; photo < 4; ++photo) add(0, photo_at(1));
  for (size_t person = 0; person < 6; ++person) add(person, people[person][1]);  // known already
  const auto outcome = train_personal_head(gallery, {.more_photos = more});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->trial.photo_count, 12 + 4);
  EXPECT_EQ(outcome->trial.without_head.confused_count, 4);
}

TEST(PersonalHead, LearnsFromPhotosBeyondTheGallerysOwn) {
  const GalleryModel all = confusable_gallery(20, 8, 0.6F);
  GalleryModel gallery = all;
  LabelledEmbeddings more{.embeddings = {.column_count = 16}};
  for (size_t person = 0; person < 20; ++person) {
    auto& references = gallery.people[person].references;
    for (size_t photo = 3; photo < 8; ++photo) {
      more.people.push_back(person);
      more.embeddings.values.insert(more.embeddings.values.end(),
                                    references[photo].embedding.begin(),
                                    references[photo].embedding.end());
    }
    references.resize(3);
    gallery.people[person].photo_count = 3;
  }
  more.embeddings.row_count = more.people.size();
  const auto outcome = train_personal_head(gallery, {.more_photos = more});
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->trial.photo_count, 160);
  ASSERT_TRUE(outcome->head);
  EXPECT_LT(outcome->trial.with_head->confused_count, outcome->trial.without_head.confused_count);
  // It is the gallery's: whoever is asked is asked of its own three photos.
  gallery.head = outcome->head;
  EXPECT_EQ(Snapshot(gallery).reference_count(0), 3U);
}

TEST(PersonalHead, WhatItCannotBeTrainedWithIsRefusedWithValueAndLimit) {
  const auto few = train_personal_head(confusable_gallery(4, 4, 1));
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().reason, "head_too_few_people");
  EXPECT_THAT(few.error().message, ::testing::HasSubstr("4 people"));
  const auto single = train_personal_head(confusable_gallery(50, 1, 1));
  ASSERT_FALSE(single);
  EXPECT_EQ(single.error().reason, "head_too_few_people");
  const auto many = train_personal_head(confusable_gallery(1'001, 2, 1));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().reason, "head_too_many_people");
  EXPECT_THAT(many.error().message, ::testing::HasSubstr("1001 people"));
  GalleryModel without_photos = confusable_gallery(6, 2, 1);
  without_photos.people[3].references.pop_back();
  EXPECT_EQ(train_personal_head(without_photos).error().reason, "head_photos_missing");
  GalleryModel longer = confusable_gallery(6, 2, 1);
  longer.embedding_length = kMaxHeadLength + 1;
  EXPECT_EQ(train_personal_head(longer).error().reason, "head_embedding_too_long");
  GalleryModel large = confusable_gallery(6, 2, 1);
  large.embedding_length = kMaxHeadLength;  // 1e11 products are those of 23 841 photos
  large.people[0].references.resize(23'841 - 10 + 1);
  large.people[0].photo_count = 23'841 - 10 + 1;
  const auto too_many = train_personal_head(large);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().reason, "head_too_many_photos");
  EXPECT_THAT(too_many.error().message, ::testing::HasSubstr("23842 photos of 2048 numbers"));
  EXPECT_THAT(too_many.error().message, ::testing::HasSubstr("at most 23841"));
  GalleryModel uncalibrated = confusable_gallery(6, 2, 1);
  uncalibrated.calibration.reset();
  EXPECT_EQ(train_personal_head(uncalibrated).error().reason, "head_not_calibrated");
}

TEST(PersonalHead, PeopleWithTwoPhotosEachCanBeTried) {
  const auto outcome = train_personal_head(confusable_gallery(5, 2, 0));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->trial.photo_count, 10);
  EXPECT_FALSE(outcome->head);
}

TEST(PersonalHead, TrainingEndsWhenAskedToAndTellsHowFarItIs) {
  std::stop_source stop;
  size_t reports = 0;
  const auto stopped = train_personal_head(confusable_gallery(20, 8, 0.6F), {},
                                           {.report =
                                                [&](size_t done, size_t in_all) {
                                                  EXPECT_EQ(in_all, 11U);
                                                  EXPECT_LE(done, in_all);
                                                  if (++reports == 2) stop.request_stop();
                                                },
                                            .stop = stop.get_token()});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().reason, "training_cancelled");
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST(PersonalHead, OneTrainingEndsInItsMidst) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = train_projection(seven_photos(), face::Metric::Cosine, {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().reason, "training_cancelled");
}

}  // namespace
}  // namespace faceforge::gallery
