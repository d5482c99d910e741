#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "gallery/galleries_test_fixture.h"
#include "gallery/head_trial.h"
#include "gallery/snapshot.h"

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;

class VersionsTest : public GalleriesFixture {
 protected:
  void SetUp() override {
    GalleriesFixture::SetUp();
    if (IsSkipped()) return;
    gallery_ = galleries_->create_gallery(ada_, "g")->id;
    ann_ = galleries_->add_person(ada_, gallery_, "Ann")->id;
    ben_ = galleries_->add_person(ada_, gallery_, "Ben")->id;
  }

  PhotoId add_to(PersonId person, std::string_view text, std::vector<float> direction) {
    const auto photo = add(ada_, gallery_, person, text, std::move(direction));
    EXPECT_TRUE(photo) << photo.error().message;
    return photo->id;
  }

  GalleryModel model(int64_t number) { return *galleries_->read_model(ada_, gallery_, number); }

  GalleryId gallery_;
  PersonId ann_;
  PersonId ben_;
};
TEST_ON_BOTH_DATABASES(VersionsTest);

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

TEST_P(VersionsTest, TrainingMakesAVersionWithATemplateAPerson) {
  add_to(ann_, "a1", {1, 0, 0});
  add_to(ann_, "a2", {0.8F, 0.6F, 0});
  add_to(ben_, "b1", {0, 0, 1});
  const auto version = galleries_->train(ada_, gallery_, training());
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->number, 1);
  EXPECT_EQ(version->trained_ms, clock_.now_ms());
  EXPECT_EQ(version->model_id, face::ModelId("m1"));
  EXPECT_EQ(version->pack_id, "test-pack");
  EXPECT_EQ(version->person_count, 2);
  EXPECT_EQ(version->photo_count, 3);
  EXPECT_EQ(version->flagged_count, 0);
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->latest_version, 1);

  const GalleryModel trained = model(1);
  ASSERT_EQ(trained.people.size(), 2U);
  EXPECT_EQ(trained.people[0].name, "Ann");
  EXPECT_EQ(trained.people[0].person, ann_);
  EXPECT_EQ(trained.people[0].photo_count, 2);
  // (1, 0) and (0.8, 0.6) sum to (1.8, 0.6), of length sqrt(3.6).
  EXPECT_NEAR(trained.people[0].mean[0], 1.8 / std::sqrt(3.6), 1e-6);
  EXPECT_NEAR(trained.people[0].mean[1], 0.6 / std::sqrt(3.6), 1e-6);
  EXPECT_NEAR(trained.people[0].spread, 1 - std::sqrt(3.6) / 2, 1e-6);
  EXPECT_THAT(trained.people[1].mean, ElementsAre(0, 0, 1));
  EXPECT_EQ(trained.people[0].references[1].name, "a2.jpg");
  EXPECT_FLOAT_EQ(trained.people[0].references[1].embedding[1], 0.6F);
  EXPECT_EQ(trained.calibration->points[1].match_threshold, 0.3F);
  EXPECT_EQ(Snapshot(trained).nearest(embedding({0, 0.1F, 1}), 1)->front().person, "Ben");
}

TEST_P(VersionsTest, WithL2APhotoIsAsSimilarToItsPersonAsToTheOtherPhotosOnAverage) {
  const auto first = add_to(ann_, "a1", {1, 0, 0});
  add_to(ann_, "a2", {0.8F, 0.6F, 0});
  add_to(ann_, "a3", {0.6F, 0.8F, 0});
  Training with_l2 = training();
  with_l2.metric = face::Metric::L2;
  ASSERT_TRUE(galleries_->train(ada_, gallery_, with_l2));
  const auto report = galleries_->report_version(ada_, gallery_, 1);
  ASSERT_EQ(report->people.size(), 1U);
  const VersionPhoto& photo = report->people[0].photos[0];
  EXPECT_EQ(photo.id, first);
  EXPECT_NEAR(*photo.similarity, 0.7, 1e-6);  // on unit vectors 0.8 and 0.6, as with cosine

  face::Embedding stranger = embedding({0, 0, 1});
  stranger.metric = face::Metric::L2;
  const Snapshot snapshot(model(1));
  EXPECT_NEAR(snapshot.compare(stranger, ann_)->similarity, 0, 1e-6);
}

TEST_P(VersionsTest, WithoutAPhotoThereIsNothingToTrain) {
  EXPECT_EQ(reason_of(galleries_->train(ada_, gallery_, training())), "gallery_empty");
  EXPECT_EQ(reason_of(galleries_->find_version(ada_, gallery_)), "gallery_not_trained");
  add_to(ann_, "a1", {1, 0, 0});
  EXPECT_EQ(reason_of(galleries_->train(ada_, gallery_, training("m2"))), "gallery_empty");
  EXPECT_EQ(reason_of(galleries_->train(ada_, gallery_, training())), "fine");
}

TEST_P(VersionsTest, AVersionOfAnUntrainedGalleryIsNotFoundWhateverItsNumber) {
  for (const int64_t number : {int64_t{0}, int64_t{5}}) {
    const auto found = galleries_->find_version(ada_, gallery_, number);
    ASSERT_EQ(reason_of(found), "version_not_found");
    EXPECT_EQ(
        found.error().message,
        fmt::format("there is no version {} of gallery {}; it has none", number, gallery_.value()));
    EXPECT_EQ(reason_of(galleries_->report_version(ada_, gallery_, number)), "version_not_found");
    EXPECT_EQ(reason_of(galleries_->read_model(ada_, gallery_, number)), "version_not_found");
  }
}

TEST_P(VersionsTest, APhotoThatDisagreesIsFlaggedAndLeftOut) {
  add_to(ann_, "a1", {1, 0, 0});
  add_to(ann_, "a2", {1, 0.1F, 0});
  const auto wrong = add_to(ann_, "wrong", {0, 0, 1});
  add_to(ann_, "a3", {1, -0.1F, 0});
  const auto version = galleries_->train(ada_, gallery_, training());
  EXPECT_EQ(version->photo_count, 3);
  EXPECT_EQ(version->flagged_count, 1);
  const GalleryModel trained = model(1);
  EXPECT_NEAR(trained.people[0].mean[2], 0, 1e-7);
  EXPECT_EQ(trained.people[0].references.size(), 3U);
  const auto report = galleries_->report_version(ada_, gallery_, 1);
  ASSERT_EQ(report->people.size(), 1U);  // Ben has no photo
  for (const VersionPhoto& photo : report->people[0].photos) {
    EXPECT_EQ(photo.standing, photo.id == wrong ? Standing::Flagged : Standing::Used);
    EXPECT_NEAR(*photo.similarity, photo.id == wrong ? 0 : 0.99, 0.02);
  }
}

TEST_P(VersionsTest, WithoutACalibrationNothingCanBeFlagged) {
  add_to(ann_, "a1", {1, 0, 0});
  add_to(ann_, "a2", {0, 1, 0});
  Training uncalibrated = training();
  uncalibrated.calibration.reset();
  EXPECT_EQ(galleries_->train(ada_, gallery_, uncalibrated)->flagged_count, 0);
  EXPECT_FALSE(model(1).calibration);
}

TEST_P(VersionsTest, VersionsAreNumberedListedNewestFirstAndNeverNumberedTwice) {
  add_to(ann_, "a1", {1, 0, 0});
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  }
  ASSERT_TRUE(galleries_->delete_version(ada_, gallery_, 3));
  EXPECT_EQ(reason_of(galleries_->delete_version(ada_, gallery_, 3)), "version_not_found");
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 2);
  EXPECT_EQ(reason_of(galleries_->find_version(ada_, gallery_, 3)), "version_not_found");
  EXPECT_EQ(galleries_->train(ada_, gallery_, training())->number, 4);
  std::vector<int64_t> numbers;
  const auto versions = galleries_->list_versions(ada_, gallery_);
  for (const Version& version : *versions) {
    numbers.push_back(version.number);
  }
  EXPECT_THAT(numbers, ElementsAre(4, 2, 1));
}

TEST_P(VersionsTest, AVersionDoesNotChangeWhenPhotosAreAdded) {
  add_to(ann_, "a1", {1, 0, 0});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const GalleryModel before = model(1);
  const int64_t revision = galleries_->find_gallery(ada_, gallery_)->revision;
  add_to(ann_, "a2", {0.8F, 0.6F, 0});
  add_to(ben_, "b1", {0, 0, 1});
  EXPECT_EQ(model(1).people.size(), 1U);
  EXPECT_EQ(model(1).people[0].mean, before.people[0].mean);
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->revision, revision);
}

TEST_P(VersionsTest, DeletingAPhotoLeavesWhatTrainingWithoutItWouldHaveMadeBitByBit) {
  add_to(ann_, "a1", {1, 0.02F, 0.3F});
  const auto deleted = add_to(ann_, "a2", {0.83F, 0.57F, -0.11F});
  add_to(ann_, "a3", {0.91F, 0.13F, 0.07F});
  add_to(ben_, "b1", {0, 0, 1});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const int64_t revision = galleries_->find_gallery(ada_, gallery_)->revision;
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, deleted));
  EXPECT_GT(galleries_->find_gallery(ada_, gallery_)->revision, revision);
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));  // never saw it

  const GalleryModel fresh = model(3);
  for (const int64_t number : {1, 2}) {
    const GalleryModel stored = model(number);
    ASSERT_EQ(stored.people.size(), 2U);
    for (size_t person = 0; person < 2; ++person) {
      EXPECT_EQ(stored.people[person].mean, fresh.people[person].mean);
      EXPECT_EQ(stored.people[person].spread, fresh.people[person].spread);
      EXPECT_EQ(stored.people[person].photo_count, fresh.people[person].photo_count);
      EXPECT_EQ(stored.people[person].references.size(), fresh.people[person].references.size());
    }
    EXPECT_EQ(galleries_->find_version(ada_, gallery_, number)->photo_count, 3);
  }
}

TEST_P(VersionsTest, DeletingAFlaggedPhotoLeavesTheTemplateAlone) {
  add_to(ann_, "a1", {1, 0, 0});
  add_to(ann_, "a2", {1, 0.1F, 0});
  const auto wrong = add_to(ann_, "wrong", {0, 0, 1});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const auto before = model(1).people[0].mean;
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, wrong));
  EXPECT_EQ(model(1).people[0].mean, before);
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->flagged_count, 0);
}

TEST_P(VersionsTest, DeletingTheLastPhotoOrThePersonTakesThePersonOutOfEveryVersion) {
  const auto only = add_to(ann_, "a1", {1, 0, 0});
  add_to(ben_, "b1", {0, 0, 1});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, only));
  ASSERT_EQ(model(1).people.size(), 1U);
  EXPECT_EQ(model(1).people[0].name, "Ben");
  ASSERT_TRUE(galleries_->delete_person(ada_, gallery_, ben_));
  EXPECT_TRUE(model(1).people.empty());
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->person_count, 0);
  EXPECT_TRUE(galleries_->report_version(ada_, gallery_, 1)->people.empty());
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(VersionsTest, AVersionOfAnOlderModelIsStillExactAfterReEmbedding) {
  const auto deleted = add_to(ann_, "a1", {1, 0, 0});
  const auto kept = add_to(ann_, "a2", {0.8F, 0.6F, 0});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training("m1")));
  const face::ModelId newer("m2");
  EXPECT_EQ(galleries_->photos_without_embedding(ada_, gallery_, newer)->size(), 2U);
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, deleted, embedding({0, 1, 0}, "m2")));
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, kept, embedding({0, 1, 0.2F}, "m2")));
  EXPECT_TRUE(galleries_->photos_without_embedding(ada_, gallery_, newer)->empty());
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training("m2")));

  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, deleted));
  EXPECT_NEAR(model(1).people[0].mean[0], 0.8, 1e-7);
  EXPECT_NEAR(model(1).people[0].mean[1], 0.6, 1e-7);
  EXPECT_EQ(model(1).model_id, face::ModelId("m1"));
  EXPECT_GT(model(2).people[0].mean[2], 0.19);
  EXPECT_EQ(
      reason_of(galleries_->add_embedding(ada_, gallery_, deleted, embedding({0, 1, 0}, "m3"))),
      "photo_not_found");
}

TEST_P(VersionsTest, ATrainingOfTheServersOwnAccordLeavesAVersionThatWasChosenByHandInUse) {
  add_to(ann_, "a1", {1, 0, 0});
  Training own = training();
  own.trained_for = TrainedFor::Server;
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  ASSERT_TRUE(galleries_->train(ada_, gallery_, own));
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 2) << "none was chosen";
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  ASSERT_TRUE(galleries_->train(ada_, gallery_, own));
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 1);
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 4);
}

TEST_P(VersionsTest, ATrainingOfTheServersOwnAccordTakesThePlaceOfItsLastOneOfThatModel) {
  Limits few;
  few.versions_per_gallery = 4;
  galleries_ = std::make_unique<Galleries>(database(), *files_, clock_, few);
  const auto photo = add_to(ann_, "a1", {1, 0, 0});
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, photo, embedding({0, 1, 0}, "m2")));
  const auto numbers = [&] {
    std::vector<int64_t> all;
    const auto versions = galleries_->list_versions(ada_, gallery_);
    for (const Version& version : *versions) {
      all.push_back(version.number);
    }
    return all;
  };
  const auto learn = [&](std::string_view model) {
    Training own = training(std::string(model));
    own.trained_for = TrainedFor::Server;
    const auto room = galleries_->check_version_room(ada_, gallery_, own);
    const auto trained = galleries_->train(ada_, gallery_, own);
    EXPECT_EQ(reason_of(trained), reason_of(room));
    return reason_of(trained);
  };
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training("m1")));
  for (int promotion = 0; promotion < 5; ++promotion) {
    EXPECT_EQ(learn("m2"), "fine");  // promoted
    EXPECT_EQ(learn("m1"), "fine");  // and taken back
  }
  EXPECT_THAT(numbers(), ElementsAre(11, 10, 1)) << "what its owner trained stays";
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->model_id.hex(), "m1");

  const int64_t revision = galleries_->find_gallery(ada_, gallery_)->revision;
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 10));
  EXPECT_EQ(learn("m2"), "fine");
  EXPECT_THAT(numbers(), ElementsAre(12, 11, 10, 1)) << "10 was chosen by hand";
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->revision, revision);
  EXPECT_EQ(learn("m2"), "fine") << "there is no room for a fifth one, and none is needed";
  EXPECT_THAT(numbers(), ElementsAre(13, 11, 10, 1));
  EXPECT_GT(galleries_->find_gallery(ada_, gallery_)->revision, revision);
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, photo, embedding({0, 1, 0}, "m3")));
  EXPECT_EQ(learn("m3"), "too_many_versions");
  EXPECT_EQ(reason_of(galleries_->check_version_room(ada_, gallery_, training("m2"))),
            "too_many_versions");
}

TEST_P(VersionsTest, WhichModelAnswersForEachGalleryIsListedInPartsWhosoeverItIs) {
  using Found = std::vector<std::pair<GalleryId, std::string>>;
  const auto list = [&](GalleryId after, int64_t limit) {
    Found found;
    const auto models = galleries_->list_answering_models({after.value(), limit});
    for (const AnsweringModel& one : *models) {
      EXPECT_EQ(one.user, one.gallery == gallery_ ? ada_ : eve_);
      found.emplace_back(one.gallery, one.model_id ? one.model_id->hex() : "none");
    }
    return found;
  };
  const auto of_eve = galleries_->create_gallery(eve_, "hers")->id;
  const auto eves = galleries_->add_person(eve_, of_eve, "Eve")->id;
  ASSERT_TRUE(add(eve_, of_eve, eves, "e1", {0, 1, 0}));
  const auto untrained = galleries_->create_gallery(eve_, "untrained")->id;
  add_to(ann_, "a1", {1, 0, 0});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  ASSERT_TRUE(galleries_->train(eve_, of_eve, training()));
  const Found all{{gallery_, "m1"}, {of_eve, "m1"}, {untrained, "none"}};
  EXPECT_EQ(list(GalleryId(0), 10), all);
  EXPECT_EQ(list(GalleryId(0), 1), Found({all[0]}));
  EXPECT_EQ(list(gallery_, 10), Found({all[1], all[2]}));
  EXPECT_EQ(list(untrained, 10), Found());

  const auto model_of = [&] {
    const auto found = galleries_->find_gallery(ada_, gallery_);
    return fmt::format("{} {} {}", found->model_id.hex(), found->pack_id, found->is_version_chosen);
  };
  EXPECT_EQ(model_of(), "m1 test-pack false");
  const auto photo = galleries_->list_photos(ada_, gallery_, ann_)->front().id;
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, photo, embedding({0, 1, 0}, "m2")));
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training("m2")));
  EXPECT_EQ(list(GalleryId(0), 1), Found({{gallery_, "m2"}}));
  EXPECT_EQ(model_of(), "m2 test-pack false");
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  EXPECT_EQ(list(GalleryId(0), 1), Found({{gallery_, "none"}})) << "it was chosen by hand";
  EXPECT_EQ(model_of(), "m1 test-pack true");
}

TEST_P(VersionsTest, ByWhichPacksGalleriesAreAnsweredIsToldThatOfMostFirst) {
  const auto told = [&] {
    std::string all;
    const auto packs = galleries_->list_answering_packs();
    for (const AnsweringPack& pack : *packs) {
      all += fmt::format("{} {} {};", pack.model_id.hex(), pack.pack_id, pack.gallery_count);
    }
    return all;
  };
  EXPECT_EQ(told(), "");
  const auto trained = [&](UserId user, GalleryId gallery, Training how) {
    how.pack_id = "pack of " + how.model_id.hex() + (gallery == gallery_ ? "" : "'");
    EXPECT_TRUE(galleries_->train(user, gallery, how));
  };
  const auto photo = add_to(ann_, "a1", {1, 0, 0});
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, photo, embedding({0, 1, 0}, "m2")));
  trained(ada_, gallery_, training("m2"));
  trained(ada_, gallery_, training("m1"));
  for (const char* name : {"one", "two"}) {
    const auto of_eve = galleries_->create_gallery(eve_, name)->id;
    const auto eve = galleries_->add_person(eve_, of_eve, "Eve")->id;
    ASSERT_TRUE(add(eve_, of_eve, eve, name, {0, 1, 0}));
    trained(eve_, of_eve, training("m1"));
  }
  EXPECT_EQ(told(), "m1 pack of m1' 3;") << "the pack that trained most of them";
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  EXPECT_EQ(told(), "m1 pack of m1' 2;m2 pack of m2 1;") << "one was chosen by hand";
}

TEST_P(VersionsTest, APhotoThatTheModelCouldNotEmbedIsReportedAsUnusable) {
  const auto seen = add_to(ann_, "a1", {1, 0, 0});
  const auto unseen = add_to(ann_, "a2", {1, 0, 0.1F});
  ASSERT_TRUE(galleries_->add_embedding(ada_, gallery_, seen, embedding({0, 1, 0}, "m2")));
  const auto version = galleries_->train(ada_, gallery_, training("m2"));
  EXPECT_EQ(version->photo_count, 1);
  EXPECT_EQ(version->unusable_count, 1);
  const auto report = galleries_->report_version(ada_, gallery_, 1);
  EXPECT_EQ(report->people[0].photos[1].id, unseen);
  EXPECT_EQ(report->people[0].photos[1].standing, Standing::Unusable);
  EXPECT_EQ(report->people[0].photos[1].similarity, std::nullopt);
}

TEST_P(VersionsTest, ARenamedPersonIsRenamedInEveryVersion) {
  add_to(ann_, "a1", {1, 0, 0});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const int64_t revision = galleries_->find_gallery(ada_, gallery_)->revision;
  ASSERT_TRUE(galleries_->rename_person(ada_, gallery_, ann_, "Anna"));
  EXPECT_EQ(model(1).people[0].name, "Anna");
  EXPECT_GT(galleries_->find_gallery(ada_, gallery_)->revision, revision);
}

TEST_P(VersionsTest, OthersWriteWhileATrainingLooksAtPeople) {
  add_to(ann_, "a1", {1, 0, 0});
  add_to(ben_, "b1", {0, 0, 1});
  std::vector<std::pair<int64_t, int64_t>> reports;
  const auto version =
      galleries_->train(ada_, gallery_, training(), [&](int64_t done, int64_t in_all) {
        reports.emplace_back(done, in_all);
        // The test would wait for ever, and then fail, if the training were the writer now.
        const auto name = fmt::format("Written at {}", done);
        EXPECT_TRUE(galleries_->add_person(ada_, gallery_, name));
        return Result<void>();
      });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->person_count, 2);
  EXPECT_THAT(reports, ElementsAre(std::pair(0, 2), std::pair(1, 2), std::pair(2, 2)));
}

TEST_P(VersionsTest, ATrainingWhosePhotosAreDeletedMeanwhileBeginsAgainAndAtLastGivesUp) {
  std::vector<PhotoId> photos;
  for (int photo = 0; photo < 5; ++photo) {
    photos.push_back(add_to(ann_, fmt::format("a{}", photo), {1, 0.01F * float(photo), 0}));
  }
  size_t deletions = 1;
  const auto delete_at_the_end = [&](int64_t done, int64_t in_all) -> Result<void> {
    if (done < in_all || deletions == 0) return {};
    --deletions;
    EXPECT_TRUE(galleries_->delete_photo(ada_, gallery_, photos.back()));
    photos.pop_back();
    return {};
  };
  EXPECT_EQ(galleries_->train(ada_, gallery_, training(), delete_at_the_end)->photo_count, 4);
  EXPECT_EQ(model(1).people[0].references.size(), 4U);
  deletions = 3;
  EXPECT_EQ(reason_of(galleries_->train(ada_, gallery_, training(), delete_at_the_end)),
            "gallery_changing");
  EXPECT_EQ(galleries_->list_versions(ada_, gallery_)->size(), 1U);
}

TEST_P(VersionsTest, AStoppedTrainingWritesNothing) {
  add_to(ann_, "a1", {1, 0, 0});
  const auto stop = [](int64_t, int64_t) -> Result<void> {
    return fail(ErrorCode::Cancelled, "job_cancelled", "as asked");
  };
  EXPECT_EQ(reason_of(galleries_->train(ada_, gallery_, training(), stop)), "job_cancelled");
  EXPECT_EQ(reason_of(galleries_->find_version(ada_, gallery_)), "gallery_not_trained");
}

TEST_P(VersionsTest, APhotoAddedDuringATrainingIsLeftToTheNextOne) {
  add_to(ann_, "a1", {1, 0, 0});
  const auto add_once = [&](int64_t done, int64_t) -> Result<void> {
    if (done == 1) add_to(ben_, "b1", {0, 0, 1});
    return {};
  };
  EXPECT_EQ(galleries_->train(ada_, gallery_, training(), add_once)->photo_count, 1);
  EXPECT_EQ(galleries_->train(ada_, gallery_, training())->photo_count, 2);
}

TEST_P(VersionsTest, TrainingAndDeletingAtOnceLeavesNoTemplateWithADeletedPhoto) {
  std::vector<PhotoId> photos;
  for (int photo = 0; photo < 12; ++photo) {
    photos.push_back(
        add_to(ann_, fmt::format("a{}", photo), {1, 0.01F * static_cast<float>(photo), 0.2F}));
  }
  {
    std::jthread trainer([&] {
      for (int round = 0; round < 6; ++round) {
        // On a slow machine every attempt may meet a deletion; then it says so.
        EXPECT_THAT(reason_of(galleries_->train(ada_, gallery_, training())),
                    testing::AnyOf("fine", "gallery_changing"));
      }
    });
    std::jthread deleter([&] {
      for (size_t photo = 0; photo + 2 < photos.size(); ++photo) {
        EXPECT_EQ(reason_of(galleries_->delete_photo(ada_, gallery_, photos[photo])), "fine");
      }
    });
  }
  const auto last = galleries_->train(ada_, gallery_, training());
  ASSERT_TRUE(last) << last.error().message;
  const auto versions = galleries_->list_versions(ada_, gallery_);
  for (const Version& version : *versions) {
    const GalleryModel stored = model(version.number);
    ASSERT_EQ(stored.people.size(), 1U) << version.number;
    EXPECT_EQ(stored.people[0].mean, model(last->number).people[0].mean) << version.number;
    EXPECT_EQ(stored.people[0].photo_count, 2);
  }
}

TEST_P(VersionsTest, DeletedEmbeddingsAreNotInTheDatabaseFilesAnyMore) {
  if (GetParam() != store::Dialect::Sqlite) GTEST_SKIP() << "its files are the operator's";
  const auto deleted = add_to(ann_, "a1", {0.123F, 0.456F, 0.789F});
  add_to(ann_, "a2", {0.2F, 0.4F, 0.8F});
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const face::Embedding secret = embedding({0.123F, 0.456F, 0.789F});
  const std::string needle(reinterpret_cast<const char*>(secret.values.data()),
                           secret.values.size() * sizeof(float));
  const auto found_in_files = [&] {
    bool found = false;
    const std::filesystem::path base = options().location;
    for (const auto& entry : std::filesystem::directory_iterator(base.parent_path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string contents(std::istreambuf_iterator<char>(file), {});
      found |= contents.find(needle) != std::string::npos;
    }
    return found;
  };
  EXPECT_TRUE(found_in_files());
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, deleted));
  EXPECT_FALSE(found_in_files());
}

// --- a version's personal head ---

class VersionHeadTest : public VersionsTest {
 protected:
  void SetUp() override {
    VersionsTest::SetUp();
    if (IsSkipped()) return;
    photo_ = add_to(ann_, "a1", {1, 0, 0});
    add_to(ann_, "a2", {0.8F, 0.6F, 0});
    add_to(ben_, "b1", {0, 0, 1});
    EXPECT_TRUE(galleries_->train(ada_, gallery_, training()));
  }

  static HeadOutcome outcome() {
    HeadOutcome outcome{.trial = {.photo_count = 3,
                                  .person_count = 2,
                                  .fold_count = 5,
                                  .without_head = {2, 1, 1},
                                  .with_head = HeadAnswers{0, 0, 3},
                                  .mended_count = 2}};
    PersonalHead head{.matrix = {3, 3, {1, 0.5F, 0, 0, 1, 0, 0, -0.5F, 1}}, .trial = outcome.trial};
    head.model_id = head_model_id(face::ModelId("m1"), head.matrix);
    head.calibration = calibration(head.model_id.hex());
    outcome.head = head;
    return outcome;
  }

  Result<Version> keep(const HeadOutcome& kept) {
    return galleries_->keep_head(ada_, gallery_, state(), kept);
  }
  VersionState state() { return *galleries_->find_version_state(ada_, gallery_, 1); }

  PhotoId photo_;
};
TEST_ON_BOTH_DATABASES(VersionHeadTest);

TEST_P(VersionHeadTest, IsReadBackWithTheModelAndFacesAreComparedThroughIt) {
  const int64_t before = state().revision;
  const auto version = keep(outcome());
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_TRUE(version->has_head);
  EXPECT_EQ(version->head_trial->mended_count, 2);
  EXPECT_GT(state().revision, before);  // whoever holds a Snapshot makes a new one
  const GalleryModel read = model(1);
  ASSERT_TRUE(read.head);
  EXPECT_EQ(read.head->model_id, outcome().head->model_id);
  EXPECT_EQ(read.head->matrix.values, outcome().head->matrix.values);
  EXPECT_EQ(read.head->calibration.model_id, read.head->model_id);
  EXPECT_EQ(read.head->trial.with_head->recognized_count, 3);
  const Snapshot snapshot(read);
  EXPECT_EQ(snapshot.space_id(), read.head->model_id);
  EXPECT_EQ(snapshot.nearest(embedding({0, 0, 1}), 1)->front().person, "Ben");
  // Another version is none of its business, and one that is not better is told and not kept.
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  EXPECT_FALSE(galleries_->find_version(ada_, gallery_, 2)->head_trial);
  HeadOutcome worse = outcome();
  worse.head.reset();
  EXPECT_FALSE(keep(worse)->has_head);
  EXPECT_TRUE(galleries_->list_versions(ada_, gallery_)->back().head_trial);
  EXPECT_FALSE(model(1).head);
}

TEST_P(VersionHeadTest, GoesWithAPhotoOrAPersonThatIsDeleted) {
  ASSERT_TRUE(keep(outcome()));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, photo_));
  EXPECT_FALSE(model(1).head);
  EXPECT_FALSE(galleries_->find_version(ada_, gallery_, 1)->head_trial);
  ASSERT_TRUE(keep(outcome()));
  ASSERT_TRUE(galleries_->delete_person(ada_, gallery_, ann_));
  EXPECT_FALSE(model(1).head);
  EXPECT_EQ(Snapshot(model(1)).space_id().hex(), "m1");
}

TEST_P(VersionHeadTest, GoesWhenAPhotoThatItWasTrainedOnIsSaidToBeSomebodyElses) {
  ASSERT_TRUE(keep(outcome()));
  const auto newer = add_to(ann_, "a3", {0.6F, 0.8F, 0});
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::vector{newer}, ben_));
  EXPECT_TRUE(model(1).head) << "it was not trained on that one";
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::vector{photo_}, ben_));
  EXPECT_FALSE(model(1).head);
  EXPECT_FALSE(galleries_->find_version(ada_, gallery_, 1)->head_trial);
  EXPECT_EQ(Snapshot(model(1)).space_id().hex(), "m1");
  // It was trained to tell the two apart who are one.
  ASSERT_TRUE(keep(outcome()));
  ASSERT_TRUE(galleries_->merge_person(ada_, gallery_, ann_, ben_));
  EXPECT_FALSE(model(1).head);
}

TEST_P(VersionHeadTest, IsNotKeptWhenAPhotoWasDeletedWhileItWasTrained) {
  const VersionState began = state();
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, photo_));
  const auto kept = galleries_->keep_head(ada_, gallery_, began, outcome());
  EXPECT_EQ(reason_of(kept), "gallery_changing");
  EXPECT_FALSE(model(1).head);
  EXPECT_EQ(reason_of(galleries_->keep_head(eve_, gallery_, state(), outcome())),
            "gallery_not_found");
}

}  // namespace
}  // namespace faceforge::gallery
