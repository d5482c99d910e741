#include <array>

#include <gmock/gmock.h>

#include "gallery/galleries_test_fixture.h"
#include "gallery/snapshot.h"

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ann has three photos, the last of which is Ben's; Ben has two.
class MovesTest : public GalleriesFixture {
 protected:
  void SetUp() override {
    GalleriesFixture::SetUp();
    if (IsSkipped()) return;
    gallery_ = galleries_->create_gallery(ada_, "g")->id;
    ann_ = galleries_->add_person(ada_, gallery_, "Ann")->id;
    ben_ = galleries_->add_person(ada_, gallery_, "Ben")->id;
    first_ = add_to(ann_, "a1", {1, 0, 0});
    second_ = add_to(ann_, "a2", {0.8F, 0.6F, 0});
    wrong_ = add_to(ann_, "b3", {0, 0.1F, 1});
    add_to(ben_, "b1", {0, 0, 1});
    add_to(ben_, "b2", {0.1F, 0, 1});
  }

  PhotoId add_to(PersonId person, std::string_view text, std::vector<float> direction) {
    return add(ada_, gallery_, person, text, std::move(direction))->id;
  }

  /// Nothing is flagged, so that every photo is in a template.
  void train() {
    Training uncalibrated = training();
    uncalibrated.calibration.reset();
    ASSERT_TRUE(galleries_->train(ada_, gallery_, uncalibrated));
  }

  std::vector<std::string> shown_people(int64_t version = 1) {
    std::vector<std::string> people;
    const GalleryModel model = *galleries_->read_model(ada_, gallery_, version);
    for (const auto& person : model.people) {
      std::string text = person.name + ":";
      for (const auto& reference : person.references) text += " " + reference.name;
      people.push_back(std::move(text));
    }
    return people;
  }

  /// Of the whole trained version, bit by bit.
  std::vector<std::vector<float>> means(int64_t version) {
    std::vector<std::vector<float>> all;
    const GalleryModel model = *galleries_->read_model(ada_, gallery_, version);
    for (const auto& person : model.people) {
      all.push_back(person.mean);
    }
    return all;
  }

  GalleryId gallery_;
  PersonId ann_;
  PersonId ben_;
  PhotoId first_;
  PhotoId second_;
  PhotoId wrong_;
};
TEST_ON_BOTH_DATABASES(MovesTest);

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

TEST_P(MovesTest, AMovedPhotoIsInTheOthersTemplateAsIfItHadBeenTrainedSo) {
  train();
  const auto before = means(1);
  const auto ben = galleries_->move_photos(ada_, gallery_, std::array{wrong_}, ben_);
  ASSERT_TRUE(ben) << ben.error().message;
  EXPECT_EQ(ben->photo_count, 3);
  EXPECT_THAT(shown_people(), ElementsAre("Ann: a1.jpg a2.jpg", "Ben: b3.jpg b1.jpg b2.jpg"));
  EXPECT_NE(means(1), before);
  train();
  EXPECT_EQ(means(1), means(2));
}

TEST_P(MovesTest, MovingBackLeavesTheVersionAsItWasBitByBit) {
  train();
  const auto before = means(1);
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{wrong_, first_}, ben_));
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_, wrong_}, ann_));
  EXPECT_EQ(means(1), before);
  EXPECT_THAT(shown_people(), ElementsAre("Ann: a1.jpg a2.jpg b3.jpg", "Ben: b1.jpg b2.jpg"));
}

TEST_P(MovesTest, APersonWhoLosesTheLastPhotoLeavesTheVersionsAndComesBackWithIt) {
  train();
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_, second_, wrong_}, ben_));
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->person_count, 1);
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, ann_)->photo_count, 0);
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_}, ann_));
  EXPECT_EQ(shown_people()[0], "Ann: a1.jpg");
}

TEST_P(MovesTest, AMoveMakesSnapshotsStaleAndNamesThePersonAtOnce) {
  train();
  const auto before = galleries_->find_gallery(ada_, gallery_)->revision;
  const auto probe = embedding({0.8F, 0.6F, 0});
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{second_}, ben_));
  EXPECT_GT(galleries_->find_gallery(ada_, gallery_)->revision, before);
  const Snapshot snapshot(*galleries_->read_model(ada_, gallery_, 1));
  EXPECT_EQ(snapshot.nearest(probe, 1)->front().reference, "a1.jpg");
}

TEST_P(MovesTest, ADeletedPhotoLeavesTheTemplateItWasMovedTo) {
  train();
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{wrong_}, ben_));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, wrong_));
  train();
  EXPECT_EQ(means(1), means(2));
}

TEST_P(MovesTest, PhotosThatAreThePersonsAlreadyStayAndCountOnce) {
  train();
  const auto before = means(1);
  const auto ann =
      galleries_->move_photos(ada_, gallery_, std::array{first_, first_, second_}, ann_);
  EXPECT_EQ(ann->photo_count, 3);
  EXPECT_EQ(means(1), before);
}

TEST_P(MovesTest, WhatIsNotThereMovesNothing) {
  const GalleryId other = galleries_->create_gallery(ada_, "other")->id;
  const PersonId stranger = galleries_->add_person(ada_, other, "Ann")->id;
  const auto move = [&](UserId user, GalleryId gallery, std::vector<PhotoId> photos,
                        PersonId person) {
    return reason_of(galleries_->move_photos(user, gallery, photos, person));
  };
  EXPECT_EQ(move(eve_, gallery_, {first_}, ben_), "gallery_not_found");
  EXPECT_EQ(move(ada_, gallery_, {first_}, stranger), "person_not_found");
  EXPECT_EQ(move(ada_, other, {first_}, stranger), "photo_not_found");
  EXPECT_EQ(move(ada_, gallery_, {first_, PhotoId(9999)}, ben_), "photo_not_found");
  EXPECT_EQ(move(ada_, gallery_, {}, ben_), "photo_count");
  EXPECT_EQ(move(ada_, gallery_, std::vector<PhotoId>(501, first_), ben_), "photo_count");
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, ben_)->photo_count, 2);
}

TEST_P(MovesTest, APersonWhoWouldHaveTooManyPhotosGetsNone) {
  Galleries small(database(), *files_, clock_, {.photos_per_person = 3});
  const auto moved = small.move_photos(ada_, gallery_, std::array{first_, wrong_}, ben_);
  ASSERT_EQ(reason_of(moved), "too_many_photos");
  EXPECT_EQ(moved.error().message, "`Ben` would have 4 photos; the limit is 3");
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, ann_)->photo_count, 3);
}

TEST_P(MovesTest, SplittingMakesAPersonOfPhotosAndMergingUndoesIt) {
  train();
  const auto before = means(1);
  const auto cleo =
      galleries_->add_person_of_photos(ada_, gallery_, "Cleo", std::array{wrong_, second_});
  ASSERT_TRUE(cleo) << cleo.error().message;
  EXPECT_EQ(cleo->photo_count, 2);
  EXPECT_THAT(shown_people(),
              ElementsAre("Ann: a1.jpg", "Ben: b1.jpg b2.jpg", "Cleo: a2.jpg b3.jpg"));
  const auto back = galleries_->merge_person(ada_, gallery_, cleo->id, ann_);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_THAT(back->photos, ElementsAre(second_, wrong_));
  EXPECT_EQ(reason_of(galleries_->find_person(ada_, gallery_, cleo->id)), "person_not_found");
  EXPECT_EQ(means(1), before);
}

TEST_P(MovesTest, OfAMoveThatIsUndoneThePhotosComeBackThatAreStillThere) {
  train();
  const auto before = means(1);
  using Emptied = Galleries::Emptied;
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_, wrong_}, ben_));
  const auto back = [&](PersonId from, Emptied emptied) {
    return galleries_->move_back(ada_, gallery_, std::array{wrong_, first_}, from, ann_, emptied);
  };
  EXPECT_THAT(*back(ben_, Emptied::IsMerged), ElementsAre(first_, wrong_));
  EXPECT_EQ(means(1), before);
  EXPECT_TRUE(galleries_->find_person(ada_, gallery_, ben_)) << "who has other photos";
  EXPECT_THAT(*back(ben_, Emptied::Stays), IsEmpty());

  const PersonId cleo = galleries_->add_person(ada_, gallery_, "Cleo")->id;
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_, wrong_}, ben_));
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{first_}, cleo));
  EXPECT_THAT(*back(ben_, Emptied::Stays), ElementsAre(wrong_)) << "the other was moved on";
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{wrong_}, ben_));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, wrong_));
  EXPECT_THAT(*back(ben_, Emptied::Stays), IsEmpty()) << "it was deleted";
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, cleo)->photo_count, 1);
}

TEST_P(MovesTest, WhoWasSplitOffGoesWithTheLastPhotoThatComesBack) {
  using Emptied = Galleries::Emptied;
  const auto split = [&] {
    return galleries_->add_person_of_photos(ada_, gallery_, "Cleo", std::array{wrong_})->id;
  };
  const PersonId cleo = split();
  ASSERT_TRUE(
      galleries_->move_back(ada_, gallery_, std::array{wrong_}, cleo, ann_, Emptied::IsMerged));
  EXPECT_EQ(reason_of(galleries_->find_person(ada_, gallery_, cleo)), "person_not_found");
  const PersonId again = split();
  ASSERT_TRUE(
      galleries_->move_back(ada_, gallery_, std::array{wrong_}, again, ann_, Emptied::Stays));
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, again)->photo_count, 0);
}

TEST_P(MovesTest, AMoveIsUndoneByItsOwnerOnly) {
  using Emptied = Galleries::Emptied;
  const auto back = [&](UserId user, PersonId from, PersonId to, std::vector<PhotoId> photos) {
    return reason_of(galleries_->move_back(user, gallery_, photos, from, to, Emptied::IsMerged));
  };
  EXPECT_EQ(back(eve_, ann_, ben_, {first_}), "gallery_not_found");
  EXPECT_EQ(back(ada_, ann_, ann_, {first_}), "same_person");
  EXPECT_EQ(back(ada_, ann_, PersonId(99), {first_}), "person_not_found");
  EXPECT_EQ(back(ada_, PersonId(99), ann_, {first_}), "fine") << "nothing is theirs";
  EXPECT_EQ(back(ada_, ann_, ben_, {}), "photo_count");
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, ann_)->photo_count, 3);
}

TEST_P(MovesTest, OfAMergeThatIsUndoneThePersonGetsWhatIsStillThere) {
  train();
  const auto before = means(1);
  const auto merged = galleries_->merge_person(ada_, gallery_, ann_, ben_);
  ASSERT_TRUE(merged);
  const auto again = galleries_->unmerge_person(ada_, gallery_, ben_, "Ann", *merged);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->photos, merged->photos);
  EXPECT_EQ((*again)->person.photo_count, 3);
  EXPECT_EQ(means(1), std::vector({before[1], before[0]})) << "Ann has the newer number now";

  const auto once_more = galleries_->merge_person(ada_, gallery_, (*again)->person.id, ben_);
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, first_));
  EXPECT_EQ(reason_of(galleries_->unmerge_person(ada_, gallery_, ben_, "Ben", *once_more)),
            "person_name_taken");
  EXPECT_THAT((*galleries_->unmerge_person(ada_, gallery_, ben_, "Ann", *once_more))->photos,
              ElementsAre(second_, wrong_));
  EXPECT_FALSE(galleries_->unmerge_person(ada_, gallery_, ben_, "Anna", *once_more)->has_value())
      << "none of them is Ben's";
  EXPECT_EQ(galleries_->list_people(ada_, gallery_)->size(), 2U);
}

TEST_P(MovesTest, WhomTheVersionInUseKnowsIsTold) {
  const auto trained = [&] {
    std::string names;
    const auto people = *galleries_->list_people(ada_, gallery_);
    for (const Person& person : people) {
      if (person.is_trained) names += person.name + " ";
    }
    return names;
  };
  EXPECT_EQ(trained(), "");
  train();
  EXPECT_EQ(trained(), "Ann Ben ");
  const PersonId cleo = galleries_->add_person(ada_, gallery_, "Cleo")->id;
  add_to(cleo, "c1", {0, 1, 0});
  EXPECT_EQ(trained(), "Ann Ben ") << "who came after it";
  train();
  EXPECT_EQ(trained(), "Ann Ben Cleo ");
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  EXPECT_EQ(trained(), "Ann Ben ");
  EXPECT_FALSE(galleries_->find_person(ada_, gallery_, cleo)->is_trained);
}

TEST_P(MovesTest, ASplitThatCannotBeMadeLeavesNoPerson) {
  EXPECT_EQ(reason_of(galleries_->add_person_of_photos(ada_, gallery_, "Ben", std::array{wrong_})),
            "person_name_taken");
  EXPECT_EQ(
      reason_of(galleries_->add_person_of_photos(ada_, gallery_, "Cleo", std::array{PhotoId(99)})),
      "photo_not_found");
  EXPECT_EQ(galleries_->list_people(ada_, gallery_)->size(), 2U);
}

TEST_P(MovesTest, NobodyIsMergedIntoThemselvesOrAnotherGallery) {
  const GalleryId other = galleries_->create_gallery(ada_, "other")->id;
  const PersonId stranger = galleries_->add_person(ada_, other, "Ann")->id;
  EXPECT_EQ(reason_of(galleries_->merge_person(ada_, gallery_, ann_, ann_)), "same_person");
  EXPECT_EQ(reason_of(galleries_->merge_person(ada_, gallery_, ann_, stranger)),
            "person_not_found");
  EXPECT_EQ(reason_of(galleries_->merge_person(ada_, gallery_, stranger, ann_)),
            "person_not_found");
  EXPECT_EQ(galleries_->find_person(ada_, gallery_, ann_)->photo_count, 3);
}

TEST_P(MovesTest, APhotoMovedDuringATrainingIsTrainedWhereItIs) {
  bool moved = false;
  const auto move_once = [&](int64_t done, int64_t) -> Result<void> {
    if (done == 1 && !moved) {
      moved = true;
      TRY(galleries_->move_photos(ada_, gallery_, std::array{wrong_}, ben_));
    }
    return {};
  };
  Training uncalibrated = training();
  uncalibrated.calibration.reset();
  ASSERT_TRUE(galleries_->train(ada_, gallery_, uncalibrated, move_once));
  EXPECT_THAT(shown_people(), ElementsAre("Ann: a1.jpg a2.jpg", "Ben: b3.jpg b1.jpg b2.jpg"));
}

TEST_P(MovesTest, ADuplicateHasTheSamePeopleAndPhotosAndTrainsToTheSameTemplates) {
  train();
  const auto copy = galleries_->duplicate_gallery(ada_, gallery_, "h");
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->person_count, 2);
  EXPECT_EQ(copy->photo_count, 5);
  EXPECT_FALSE(copy->latest_version);
  EXPECT_EQ(file_count(ada_), 5U);
  const auto before = means(1);
  gallery_ = copy->id;
  train();
  EXPECT_EQ(means(1), before);
}

TEST_P(MovesTest, ADuplicateIsCopiedInPartsBetweenWhichOthersWrite) {
  Galleries in_parts(database(), *files_, clock_, {.photos_copied_at_once = 2});
  const auto photos = galleries_->list_photos(ada_, gallery_, ben_).value();
  int part = 0;
  const auto write = [&]() -> Result<void> {
    EXPECT_EQ(galleries_->list_galleries(ada_)->size(), 1U) << "nobody sees the copy yet";
    EXPECT_EQ(reason_of(galleries_->create_gallery(ada_, "h")), "gallery_name_taken");
    if (++part != 2) return {};
    TRY(galleries_->rename_person(ada_, gallery_, ben_, "Benjamin"));
    return galleries_->delete_photo(ada_, gallery_, photos.back().id);
  };
  const auto copy = in_parts.duplicate_gallery(ada_, gallery_, "h", write);
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(part, 3) << "four of five photos, two at a time, and nothing more";
  EXPECT_EQ(copy->photo_count, 4);
  EXPECT_EQ(galleries_->list_galleries(ada_)->size(), 2U);
  EXPECT_EQ(galleries_->list_people(ada_, copy->id)->back().name, "Ben") << "as it began";
}

TEST_P(MovesTest, OfADuplicateThatIsCutOffNothingIsLeft) {
  Galleries in_parts(database(), *files_, clock_, {.photos_copied_at_once = 2});
  int part = 0;
  const auto stop = [&]() -> Result<void> {
    if (++part < 2) return {};
    return fail(ErrorCode::Cancelled, "request_abandoned", "nobody waits");
  };
  EXPECT_EQ(reason_of(in_parts.duplicate_gallery(ada_, gallery_, "h", stop)), "request_abandoned");
  EXPECT_TRUE(galleries_->create_gallery(ada_, "h")) << "the name is free again";
  const auto delete_source = [&]() -> Result<void> {
    return galleries_->delete_gallery(ada_, gallery_);
  };
  EXPECT_EQ(reason_of(in_parts.duplicate_gallery(ada_, gallery_, "i", delete_source)),
            "gallery_not_found");
  EXPECT_EQ(file_count(ada_), 0U);
  EXPECT_EQ(galleries_->list_galleries(ada_)->size(), 1U);
}

TEST_P(MovesTest, WhatACopyThatWasKilledLeftIsDeletedAnHourLater) {
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) {
    return transaction.execute(
        "insert into galleries (owner_id, name, created_ms, is_copying) values ($1, 'h', $2, 1)",
        ada_, clock_.now_ms());
  }));
  ASSERT_TRUE(galleries_->delete_expired());
  EXPECT_EQ(reason_of(galleries_->create_gallery(ada_, "h")), "gallery_name_taken");
  clock_.advance(std::chrono::minutes(61));
  ASSERT_TRUE(galleries_->delete_expired());
  EXPECT_TRUE(galleries_->create_gallery(ada_, "h"));
}

TEST_P(MovesTest, AFileOfADuplicateStaysUntilTheLastPhotoOfItIsDeleted) {
  const auto copy = galleries_->duplicate_gallery(ada_, gallery_, "h");
  ASSERT_TRUE(galleries_->delete_gallery(ada_, gallery_));
  EXPECT_EQ(file_count(ada_), 5U);
  const PersonId ann = galleries_->list_people(ada_, copy->id)->front().id;
  const PhotoId photo = galleries_->list_photos(ada_, copy->id, ann)->front().id;
  EXPECT_TRUE(galleries_->read_photo_file(ada_, copy->id, photo));
  ASSERT_TRUE(galleries_->delete_gallery(ada_, copy->id));
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(MovesTest, ADuplicateNeedsAFreeNameAndAGalleryOfOnesOwn) {
  EXPECT_EQ(reason_of(galleries_->duplicate_gallery(ada_, gallery_, "g")), "gallery_name_taken");
  EXPECT_EQ(reason_of(galleries_->duplicate_gallery(eve_, gallery_, "h")), "gallery_not_found");
  EXPECT_EQ(galleries_->list_galleries(ada_)->size(), 1U);
}

TEST_P(MovesTest, AnOlderVersionAnswersUntilTheNextTraining) {
  train();
  ASSERT_TRUE(galleries_->delete_person(ada_, gallery_, ben_));
  train();
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->version_in_use, 2);
  EXPECT_EQ(galleries_->use_version(ada_, gallery_, 1)->version_in_use, 1);
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 1);
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->latest_version, 2);
  train();
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 3);
}

TEST_P(MovesTest, TheVersionThatAnswersIsToldWithTheGallerysRevision) {
  const auto reason = [&](UserId user, std::optional<int64_t> number = {}) {
    return reason_of(galleries_->find_version_state(user, gallery_, number));
  };
  EXPECT_EQ(reason(ada_), "gallery_not_trained");
  EXPECT_EQ(reason(ada_, 1), "version_not_found");
  train();
  train();
  EXPECT_EQ(galleries_->find_version_state(ada_, gallery_)->number, 2);
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  const auto before = galleries_->find_version_state(ada_, gallery_);
  EXPECT_EQ(before->number, 1);
  EXPECT_EQ(before->revision, galleries_->find_gallery(ada_, gallery_)->revision);
  EXPECT_EQ(galleries_->find_version_state(ada_, gallery_, 2)->number, 2);
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, std::array{wrong_}, ben_));
  EXPECT_GT(galleries_->find_version_state(ada_, gallery_)->revision, before->revision);
  EXPECT_EQ(reason(ada_, 3), "version_not_found");
  EXPECT_EQ(reason(eve_), "gallery_not_found");
}

TEST_P(MovesTest, TheNewestAnswersOnceTheVersionInUseIsDeleted) {
  train();
  train();
  ASSERT_TRUE(galleries_->use_version(ada_, gallery_, 1));
  ASSERT_TRUE(galleries_->delete_version(ada_, gallery_, 1));
  EXPECT_EQ(galleries_->find_version(ada_, gallery_)->number, 2);
  EXPECT_EQ(reason_of(galleries_->use_version(ada_, gallery_, 1)), "version_not_found");
  EXPECT_EQ(reason_of(galleries_->use_version(eve_, gallery_, 2)), "gallery_not_found");
}

}  // namespace
}  // namespace faceforge::gallery
