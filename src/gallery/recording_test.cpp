// What recorded streams leave: whether it may be kept, how much of it, for how long, and that it
// goes with what it belongs to.

#include "gallery/recording.h"

#include <algorithm>
#include <utility>

#include <gmock/gmock.h>

#include "gallery/galleries_test_fixture.h"

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond_ms = 1'000;
constexpr std::chrono::hours kDay{24};

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

class RecordingTest : public GalleriesFixture {
 protected:
  void SetUp() override {
    GalleriesFixture::SetUp();
    if (IsSkipped()) return;
    gallery_ = galleries_->create_gallery(ada_, "Door")->id;
    bob_ = galleries_->add_person(ada_, gallery_, "Bob")->id;
  }

  /// Turns recording on, ten seconds ago.
  void record(int64_t kept_days = 30) {
    const auto set = galleries_->set_recording(ada_, gallery_, {true, kept_days});
    ASSERT_TRUE(set) << set.error().message;
    clock_.advance(std::chrono::seconds(10));
  }

  /// Sees Bob from so many seconds on, counted from now, to so many.
  Result<void> see(int64_t from_s, int64_t to_s, float similarity = 0.5F, int64_t look_count = 3) {
    return galleries_->add_sighting(ada_, gallery_,
                                    {.person_id = bob_,
                                     .first_seen_ms = clock_.now_ms() + from_s * kSecond_ms,
                                     .last_seen_ms = clock_.now_ms() + to_s * kSecond_ms,
                                     .similarity = similarity,
                                     .look_count = look_count});
  }

  /// Keeps a face that was seen for five seconds, in a picture of so many seconds from now.
  Result<UnknownFaceId> keep(std::string_view text, std::vector<float> direction = {1, 0, 0},
                             int64_t pictured_s = 0) {
    const auto picture = bytes_of(text);
    NewUnknownFace face{.picture = picture,
                        .width_px = 100,
                        .height_px = 90,
                        .face = {.box = {25, 20, 50, 45}, .detection_score = 0.8F, .contour = {}},
                        .embedding = embedding(std::move(direction)),
                        .first_seen_ms = clock_.now_ms() - 5 * kSecond_ms,
                        .pictured_ms = clock_.now_ms() + pictured_s * kSecond_ms,
                        .last_seen_ms = clock_.now_ms(),
                        .look_count = 4};
    face.quality.face_size_px = 45;
    return galleries_->add_unknown_face(ada_, gallery_, face);
  }

  std::vector<Sighting> sightings() { return galleries_->list_sightings(ada_, gallery_).value(); }
  std::vector<UnknownFace> faces() {
    return galleries_->list_unknown_faces(ada_, gallery_).value();
  }

  GalleryId gallery_;
  PersonId bob_;
};
TEST_ON_BOTH_DATABASES(RecordingTest);

TEST_P(RecordingTest, IsOffUntilItIsTurnedOnAndOffAgainItKeepsNothingFurther) {
  const auto fresh = galleries_->find_gallery(ada_, gallery_);
  EXPECT_FALSE(fresh->recording.is_on);
  EXPECT_EQ(fresh->recording.kept_days, 30);
  EXPECT_EQ(reason_of(see(0, 1)), "recording_off");
  EXPECT_EQ(reason_of(keep("a")), "recording_off");
  EXPECT_EQ(file_count(ada_), 0U);
  record(7);
  EXPECT_TRUE(galleries_->find_gallery(ada_, gallery_)->recording.is_on);
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery_)->recording.kept_days, 7);
  EXPECT_EQ(reason_of(see(0, 1)), "fine");
  EXPECT_EQ(reason_of(keep("a")), "fine");
  ASSERT_TRUE(galleries_->set_recording(ada_, gallery_, {false, 7}));
  EXPECT_EQ(reason_of(see(100, 101)), "recording_off");
  EXPECT_EQ(reason_of(keep("b")), "recording_off");
  const auto after = galleries_->find_gallery(ada_, gallery_);
  EXPECT_EQ(after->sighting_count, 1) << "what was kept stays";
  EXPECT_EQ(after->unknown_face_count, 1);
}

TEST_P(RecordingTest, WhatWasSeenBeforeItWasTurnedOnIsNotKept) {
  record();
  const UnixTime_ms since_ms = clock_.now_ms() - 10 * kSecond_ms;
  EXPECT_EQ(galleries_->recorded_since(ada_, gallery_).value(), since_ms);
  EXPECT_EQ(reason_of(see(-3'600, -11)), "recording_off");
  EXPECT_EQ(reason_of(keep("a", {1, 0, 0}, -11)), "recording_off");
  EXPECT_EQ(file_count(ada_), 0U);
  ASSERT_TRUE(see(-3'600, -9));
  EXPECT_EQ(sightings().front().seen.first_seen_ms, since_ms);
  record(7);
  EXPECT_EQ(galleries_->recorded_since(ada_, gallery_).value(), since_ms) << "it was on already";
}

TEST_P(RecordingTest, WhileItWasOffNobodyWasThereHoweverShortThatWas) {
  record();
  ASSERT_TRUE(see(0, 10));
  clock_.advance(std::chrono::seconds(10));
  ASSERT_TRUE(galleries_->set_recording(ada_, gallery_, {false, 30}));
  EXPECT_EQ(galleries_->recorded_since(ada_, gallery_).value(), std::nullopt);
  clock_.advance(std::chrono::seconds(20));
  record();
  ASSERT_TRUE(see(-40, 0));
  ASSERT_THAT(sightings(), SizeIs(2));
  EXPECT_EQ(sightings()[0].seen.first_seen_ms - sightings()[1].seen.last_seen_ms, 20 * kSecond_ms);
}

TEST_P(RecordingTest, WhatWasSeenBeforeAllWasDeletedIsNotKeptLater) {
  record();
  ASSERT_TRUE(galleries_->delete_recorded(ada_, gallery_));
  clock_.advance(std::chrono::seconds(4));
  EXPECT_EQ(reason_of(see(-9, -5)), "recording_off");
  EXPECT_EQ(reason_of(keep("a", {1, 0, 0}, -5)), "recording_off");
  ASSERT_TRUE(see(-9, 0));
  EXPECT_EQ(sightings().front().seen.first_seen_ms, clock_.now_ms() - 4 * kSecond_ms);
  const auto face = keep("b");
  ASSERT_TRUE(face);
  EXPECT_EQ(galleries_->find_unknown_face(ada_, gallery_, *face)->first_seen_ms,
            clock_.now_ms() - 4 * kSecond_ms);
}

TEST_P(RecordingTest, IsKeptForOneDayToAYear) {
  for (const int64_t days : {int64_t{0}, int64_t{-1}, int64_t{366}, INT64_MAX}) {
    EXPECT_EQ(reason_of(galleries_->set_recording(ada_, gallery_, {true, days})),
              "kept_days_out_of_range")
        << days;
  }
  EXPECT_EQ(reason_of(galleries_->set_recording(ada_, gallery_, {true, 1})), "fine");
  EXPECT_EQ(reason_of(galleries_->set_recording(ada_, gallery_, {true, 365})), "fine");
}

TEST_P(RecordingTest, IsNobodyElsesBusiness) {
  record();
  const auto face = keep("a");
  EXPECT_EQ(reason_of(galleries_->set_recording(eve_, gallery_, {true, 1})), "gallery_not_found");
  EXPECT_EQ(reason_of(galleries_->list_sightings(eve_, gallery_)), "gallery_not_found");
  EXPECT_EQ(reason_of(galleries_->list_unknown_faces(eve_, gallery_)), "gallery_not_found");
  EXPECT_EQ(reason_of(galleries_->find_unknown_face(eve_, gallery_, *face)), "gallery_not_found");
  EXPECT_EQ(reason_of(galleries_->delete_unknown_faces(eve_, gallery_, {{*face}})),
            "gallery_not_found");
  EXPECT_EQ(reason_of(galleries_->delete_recorded(eve_, gallery_)), "gallery_not_found");
  const auto of_eve = galleries_->create_gallery(eve_, "Hers")->id;
  EXPECT_EQ(reason_of(galleries_->find_unknown_face(eve_, of_eve, *face)),
            "unknown_face_not_found");
  EXPECT_EQ(reason_of(galleries_->delete_unknown_faces(eve_, of_eve, {{*face}})), "fine");
  EXPECT_THAT(faces(), SizeIs(1));
}

TEST_P(RecordingTest, AFaceComesBackAsItWasKept) {
  record();
  const auto id = keep("a face", {0.6F, 0.8F, 0});
  ASSERT_TRUE(id) << id.error().message;
  const auto face = galleries_->find_unknown_face(ada_, gallery_, *id);
  ASSERT_TRUE(face);
  EXPECT_EQ(face->width_px, 100);
  EXPECT_EQ(face->height_px, 90);
  EXPECT_EQ(face->face.box.y, 20);
  EXPECT_EQ(face->quality.face_size_px, 45);
  EXPECT_EQ(face->embedding.model_id.hex(), "m1");
  EXPECT_EQ(face->embedding.metric, face::Metric::Cosine);
  EXPECT_THAT(face->embedding.values, ElementsAre(0.6F, 0.8F, 0));
  EXPECT_EQ(face->last_seen_ms - face->first_seen_ms, 5 * kSecond_ms);
  EXPECT_EQ(face->look_count, 4);
  EXPECT_EQ(*galleries_->read_unknown_face_file(ada_, *face), bytes_of("a face"));
  EXPECT_EQ(reason_of(keep("a face")), "unknown_face_duplicate");
  EXPECT_THAT(faces(), SizeIs(1));
}

TEST_P(RecordingTest, SightingsWithLessThanAMinuteBetweenThemAreOne) {
  record();
  ASSERT_TRUE(see(0, 10, 0.5F, 3));
  ASSERT_TRUE(see(69, 80, 0.7F, 2));
  ASSERT_THAT(sightings(), SizeIs(1));
  const Sighting visit = sightings().front();
  EXPECT_EQ(visit.person.name, "Bob");
  EXPECT_EQ(visit.seen.last_seen_ms - visit.seen.first_seen_ms, 80 * kSecond_ms);
  EXPECT_EQ(visit.seen.similarity, 0.7F);
  EXPECT_EQ(visit.seen.look_count, 5);
  ASSERT_TRUE(see(140, 150));
  EXPECT_THAT(sightings(), SizeIs(2)) << "a minute later";
  ASSERT_TRUE(see(70, 75)) << "another camera, which hands over late";
  EXPECT_THAT(sightings(), SizeIs(2));
}

TEST_P(RecordingTest, SightingsAreListedInPartsThoseThatBeganLastFirst) {
  record();
  for (int64_t i = 0; i < 5; ++i) ASSERT_TRUE(see(1'000 * i, 1'000 * i + 10));
  const auto first = galleries_->list_sightings(ada_, gallery_, {.limit = 2});
  ASSERT_THAT(*first, SizeIs(2));
  EXPECT_EQ(first->front().seen.first_seen_ms, clock_.now_ms() + 4'000 * kSecond_ms);
  const auto rest =
      galleries_->list_sightings(ada_, gallery_, {.after = first->back().id.value(), .limit = 9});
  ASSERT_THAT(*rest, SizeIs(3));
  EXPECT_EQ(rest->back().seen.first_seen_ms, clock_.now_ms());
}

TEST_P(RecordingTest, BeyondTheLimitsTheOldestGo) {
  galleries_ = std::make_unique<Galleries>(
      database(), *files_, clock_,
      Limits{.sightings_per_gallery = 2, .unknown_faces_per_gallery = 2});
  record();
  for (int64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(see(1'000 * i, 1'000 * i + 10));
    ASSERT_TRUE(keep("face " + std::to_string(i)));
  }
  ASSERT_THAT(sightings(), SizeIs(2));
  EXPECT_EQ(sightings().back().seen.first_seen_ms, clock_.now_ms() + 2'000 * kSecond_ms);
  ASSERT_THAT(faces(), SizeIs(2));
  EXPECT_EQ(*galleries_->read_unknown_face_file(ada_, faces().front()), bytes_of("face 3"));
  EXPECT_EQ(file_count(ada_), 2U) << "their files are gone too";
}

TEST_P(RecordingTest, WhatIsOldEnoughIsDeletedOfEverybodyWhetherRecordingIsOnOrNot) {
  record(2);
  ASSERT_TRUE(see(0, 10));
  ASSERT_TRUE(keep("old"));
  clock_.advance(kDay);
  ASSERT_TRUE(see(0, 10));
  ASSERT_TRUE(keep("new"));
  ASSERT_TRUE(galleries_->set_recording(ada_, gallery_, {false, 2}));
  clock_.advance(kDay);
  ASSERT_TRUE(galleries_->delete_expired());
  EXPECT_THAT(faces(), SizeIs(2)) << "not a moment before";
  clock_.advance(std::chrono::seconds(11));
  ASSERT_TRUE(galleries_->delete_expired());
  EXPECT_THAT(sightings(), SizeIs(1));
  ASSERT_THAT(faces(), SizeIs(1));
  EXPECT_EQ(*galleries_->read_unknown_face_file(ada_, faces().front()), bytes_of("new"));
  EXPECT_EQ(file_count(ada_), 1U);
}

TEST_P(RecordingTest, FewerDaysCountAtOnceForThatGalleryAlone) {
  const GalleryId door = gallery_;
  gallery_ = galleries_->create_gallery(ada_, "Gate")->id;
  record(1);
  ASSERT_TRUE(keep("a"));
  const GalleryId gate = std::exchange(gallery_, door);
  record(30);
  ASSERT_TRUE(keep("a"));
  ASSERT_TRUE(see(0, 10));
  clock_.advance(3 * kDay);
  record(2);
  EXPECT_THAT(sightings(), IsEmpty());
  EXPECT_THAT(faces(), IsEmpty());
  EXPECT_EQ(file_count(ada_), 1U) << "the picture is the other gallery's too";
  EXPECT_THAT(*galleries_->list_unknown_faces(ada_, gate), SizeIs(1));
}

TEST_P(RecordingTest, WhatHasExpiredIsDeletedInParts) {
  record(1);
  const auto first = keep("a");
  ASSERT_TRUE(first);
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    for (int64_t i = 0; i < Galleries::kExpiredFacesAtOnce; ++i) {
      TRY(transaction.execute(
          "insert into unknown_faces (owner_id, gallery_id, content, width_px, height_px, face,"
          " model_id, metric, embedding, first_seen_ms, last_seen_ms, look_count)"
          " select owner_id, gallery_id, $2, width_px, height_px, face, model_id, metric, "
          "embedding,"
          " first_seen_ms, last_seen_ms + 1, look_count from unknown_faces where id = $1",
          *first, store::BlobName::of(bytes_of(std::to_string(i))).text()));
    }
    return {};
  }));
  clock_.advance(2 * kDay);
  EXPECT_EQ(galleries_->delete_expired().value(), true);
  EXPECT_THAT(faces(), SizeIs(1));
  EXPECT_EQ(galleries_->delete_expired().value(), false);
  EXPECT_THAT(faces(), IsEmpty());
}

TEST_P(RecordingTest, TroubleWithOneAccountKeepsNothingOfAnothers) {
  record(1);
  const auto stuck = keep("stuck");
  ASSERT_TRUE(stuck);
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(transaction.execute_script(
        "create table held (face_id bigint not null references unknown_faces(id))"));
    TRY(transaction.execute("insert into held (face_id) values ($1)", *stuck));
    return {};
  }));
  const UserId ada = std::exchange(ada_, eve_);
  const GalleryId of_ada = std::exchange(gallery_, galleries_->create_gallery(eve_, "Later")->id);
  record(1);
  ASSERT_TRUE(keep("a"));
  clock_.advance(2 * kDay);
  EXPECT_EQ(reason_of(galleries_->delete_expired()), "foreign_key_violated");
  EXPECT_THAT(faces(), IsEmpty());
  EXPECT_THAT(*galleries_->list_unknown_faces(ada, of_ada), SizeIs(1));
}

TEST_P(RecordingTest, AFaceWhoseRowIsDamagedExpiresWithTheOthers) {
  record(1);
  ASSERT_TRUE(keep("a"));
  ASSERT_TRUE(keep("b"));
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(
        transaction.execute("update unknown_faces set content = 'nonsense' where id ="
                            " (select min(id) from unknown_faces)"));
    return {};
  }));
  clock_.advance(2 * kDay);
  const auto deleted = galleries_->delete_expired();
  EXPECT_TRUE(deleted) << deleted.error().message;
  EXPECT_THAT(faces(), IsEmpty());
}

TEST_P(RecordingTest, FacesAreDeletedWithTheirFilesAndThoseThatAreGoneAreNoError) {
  record();
  const auto first = keep("1");
  const auto second = keep("2");
  ASSERT_TRUE(keep("3"));
  const std::vector<UnknownFaceId> two{*first, *second, *first};
  ASSERT_TRUE(galleries_->delete_unknown_faces(ada_, gallery_, two));
  EXPECT_THAT(faces(), SizeIs(1));
  EXPECT_EQ(file_count(ada_), 1U);
  EXPECT_TRUE(galleries_->delete_unknown_faces(ada_, gallery_, two));
}

TEST_P(RecordingTest, AllThatWasRecordedIsDeletedAndNothingElse) {
  record();
  ASSERT_TRUE(see(0, 10));
  ASSERT_TRUE(keep("1"));
  ASSERT_TRUE(add(ada_, gallery_, bob_, "a photo", {1, 0, 0}));
  ASSERT_TRUE(galleries_->delete_recorded(ada_, gallery_));
  EXPECT_THAT(sightings(), IsEmpty());
  EXPECT_THAT(faces(), IsEmpty());
  EXPECT_EQ(file_count(ada_), 1U);
  EXPECT_TRUE(galleries_->find_gallery(ada_, gallery_)->recording.is_on);
}

TEST_P(RecordingTest, SightingsGoWithTheirPersonAndOfAMergedPersonTheyStay) {
  record();
  ASSERT_TRUE(see(0, 10));
  const auto ben = galleries_->add_person(ada_, gallery_, "Ben")->id;
  ASSERT_TRUE(galleries_->merge_person(ada_, gallery_, bob_, ben));
  ASSERT_THAT(sightings(), SizeIs(1));
  EXPECT_EQ(sightings().front().person.name, "Ben");
  bob_ = ben;
  ASSERT_TRUE(see(100, 110));
  ASSERT_TRUE(galleries_->delete_person(ada_, gallery_, ben));
  EXPECT_THAT(sightings(), IsEmpty());
  EXPECT_EQ(reason_of(see(20, 30)), "person_not_found");
}

TEST_P(RecordingTest, AMergeThatIsUndoneGivesEachTheirSightingsBack) {
  record();
  ASSERT_TRUE(see(0, 10));
  const auto photo = add(ada_, gallery_, bob_, "a photo", {1, 0, 0});
  const PersonId ben = galleries_->add_person(ada_, gallery_, "Ben")->id;
  const PersonId bob = std::exchange(bob_, ben);
  ASSERT_TRUE(see(1'000, 1'010));
  const auto merged = galleries_->merge_person(ada_, gallery_, bob, ben);
  ASSERT_TRUE(merged) << merged.error().message;
  ASSERT_THAT(merged->sightings, SizeIs(1));
  const auto names = [this] {
    std::vector<std::string> found;
    for (const Sighting& sighting : sightings()) found.push_back(sighting.person.name);
    return found;
  };
  EXPECT_THAT(names(), ElementsAre("Ben", "Ben"));
  const auto again = galleries_->unmerge_person(ada_, gallery_, ben, "Bob", *merged);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->photos, merged->photos);
  EXPECT_THAT(names(), ElementsAre("Ben", "Bob"));

  const GalleryId of_eve = galleries_->create_gallery(eve_, "Hers")->id;
  const Merged of_ben{.sightings = {sightings().front().id}};
  const PersonId of_hers = galleries_->add_person(eve_, of_eve, "Hers")->id;
  ASSERT_TRUE(galleries_->unmerge_person(eve_, of_eve, of_hers, "Thief", of_ben));
  EXPECT_EQ(reason_of(galleries_->unmerge_person(eve_, of_eve, ben, "Thieves", of_ben)),
            "person_not_found");
  EXPECT_THAT(names(), ElementsAre("Ben", "Bob")) << "they are nobody else's to take";
  ASSERT_TRUE(galleries_->unmerge_person(ada_, gallery_, ben, "Bea",
                                         Merged{.sightings = merged->sightings}))
      << "of somebody without a photo";
  EXPECT_THAT(names(), ElementsAre("Ben", "Bob")) << "it is not Ben's any more";
  EXPECT_EQ(reason_of(galleries_->add_person_of_photos(ada_, gallery_, "Cleo", {})), "photo_count");
  const Merged many{.sightings = std::vector<SightingId>(10'001, SightingId(1))};
  EXPECT_EQ(reason_of(galleries_->unmerge_person(ada_, gallery_, ben, "Cleo", many)),
            "sighting_count");
}

TEST_P(RecordingTest, AFaceWhoseRowIsDamagedIsLeftOutOfTheListAndKeepsNoOther) {
  record();
  ASSERT_TRUE(keep("a"));
  const auto damaged = keep("b");
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(transaction.execute("update unknown_faces set metric = 'nonsense' where id = $1",
                            *damaged));
    return {};
  }));
  EXPECT_THAT(faces(), SizeIs(1));
  EXPECT_FALSE(galleries_->find_unknown_face(ada_, gallery_, *damaged));
  ASSERT_TRUE(galleries_->delete_unknown_faces(ada_, gallery_, {{*damaged}}));
}

TEST_P(RecordingTest, EverythingGoesWithTheGalleryAndWithTheAccount) {
  record();
  ASSERT_TRUE(see(0, 10));
  ASSERT_TRUE(keep("1"));
  ASSERT_TRUE(galleries_->delete_gallery(ada_, gallery_));
  EXPECT_EQ(file_count(ada_), 0U);
  gallery_ = galleries_->create_gallery(ada_, "Door")->id;
  record();
  ASSERT_TRUE(keep("1"));
  ASSERT_TRUE(galleries_->delete_everything(ada_));
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(RecordingTest, AFileThatAPhotoHasTooStaysUntilBothAreGone) {
  record();
  const auto face = keep("one picture");
  const auto photo = add(ada_, gallery_, bob_, "one picture", {1, 0, 0});
  ASSERT_TRUE(photo);
  ASSERT_TRUE(galleries_->delete_unknown_faces(ada_, gallery_, {{*face}}));
  EXPECT_EQ(file_count(ada_), 1U);
  ASSERT_TRUE(keep("one picture"));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, photo->id));
  EXPECT_EQ(file_count(ada_), 1U);
  ASSERT_TRUE(galleries_->delete_recorded(ada_, gallery_));
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(RecordingTest, ANamedFaceIsUnknownAgainAsItWasWhenThatIsUndone) {
  record();
  const auto face = *keep("a face", {0.6F, 0.8F, 0});
  const UnknownFace before = *galleries_->find_unknown_face(ada_, gallery_, face);
  const auto photo = add(ada_, gallery_, bob_, "a face", {0.6F, 0.8F, 0});
  ASSERT_TRUE(photo);
  ASSERT_TRUE(galleries_->name_unknown_face(ada_, gallery_, face, photo->id));
  EXPECT_THAT(faces(), IsEmpty());
  EXPECT_EQ(reason_of(galleries_->name_unknown_face(ada_, gallery_, face, photo->id)),
            "unknown_face_not_found");
  ASSERT_TRUE(galleries_->train(ada_, gallery_, training()));
  const auto undone = galleries_->unname_faces(ada_, gallery_, bob_, {{face}});
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_THAT(*undone, ElementsAre(face));
  ASSERT_THAT(faces(), SizeIs(1));
  const UnknownFace after = faces().front();
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.first_seen_ms, before.first_seen_ms);
  EXPECT_EQ(after.look_count, before.look_count);
  EXPECT_EQ(after.embedding.values, before.embedding.values);
  EXPECT_EQ(*galleries_->read_unknown_face_file(ada_, after), bytes_of("a face"));
  EXPECT_EQ(reason_of(galleries_->find_photo(ada_, gallery_, photo->id)), "photo_not_found");
  EXPECT_THAT(galleries_->read_model(ada_, gallery_, 1)->people, IsEmpty())
      << "taken out of the version that was trained meanwhile";
  EXPECT_THAT(*galleries_->unname_faces(ada_, gallery_, bob_, {{face}}), IsEmpty());
}

TEST_P(RecordingTest, OnlyWhatIsStillThatPersonsAndWasNamedOfLateIsUnnamed) {
  record();
  std::vector<UnknownFaceId> named;
  std::vector<PhotoId> photos;
  for (const char* text : {"stays", "is moved", "is deleted"}) {
    named.push_back(*keep(text));
    photos.push_back(add(ada_, gallery_, bob_, text, {1, 0, 0})->id);
    ASSERT_TRUE(galleries_->name_unknown_face(ada_, gallery_, named.back(), photos.back()));
  }
  const auto ben = galleries_->add_person(ada_, gallery_, "Ben")->id;
  ASSERT_TRUE(galleries_->move_photos(ada_, gallery_, {{photos[1]}}, ben));
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery_, photos[2]));
  EXPECT_EQ(reason_of(galleries_->unname_faces(eve_, gallery_, bob_, named)), "gallery_not_found");
  EXPECT_THAT(*galleries_->unname_faces(ada_, gallery_, bob_, named), ElementsAre(named[0]));
  EXPECT_TRUE(galleries_->find_photo(ada_, gallery_, photos[1]));
  EXPECT_EQ(file_count(ada_), 2U);
  clock_.advance(std::chrono::hours(1));
  EXPECT_THAT(*galleries_->unname_faces(ada_, gallery_, ben, named), IsEmpty());
  ASSERT_TRUE(galleries_->delete_expired());
  const auto left = database().read([](store::Transaction& transaction) {
    return transaction.query("select 1 from named_faces");
  });
  EXPECT_TRUE(left->empty());
}

TEST_P(RecordingTest, DeletingWhatWasRecordedLeavesNoNamingToBeUndone) {
  record();
  const auto face = *keep("a face");
  const auto photo = add(ada_, gallery_, bob_, "a face", {1, 0, 0})->id;
  ASSERT_TRUE(galleries_->name_unknown_face(ada_, gallery_, face, photo));
  ASSERT_TRUE(galleries_->delete_recorded(ada_, gallery_));
  EXPECT_THAT(*galleries_->unname_faces(ada_, gallery_, bob_, {{face}}), IsEmpty());
  EXPECT_TRUE(galleries_->find_photo(ada_, gallery_, photo));
}

TEST_P(RecordingTest, AStartKeepsTheFilesOfFacesAndForgetsFacesWithoutAFile) {
  ASSERT_TRUE(galleries_->reconcile());
  record();
  ASSERT_TRUE(keep("stays"));
  const auto lost = keep("is lost");
  const auto content = galleries_->find_unknown_face(ada_, gallery_, *lost)->content;
  ASSERT_TRUE(files_->remove(ada_, *store::BlobName::parse(content)));
  const auto found = galleries_->reconcile();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->orphan_files_removed, 0);
  ASSERT_THAT(faces(), SizeIs(1));
  EXPECT_EQ(*galleries_->read_unknown_face_file(ada_, faces().front()), bytes_of("stays"));
}

TEST_P(RecordingTest, ADuplicateOfAGalleryIsNotRecorded) {
  record();
  ASSERT_TRUE(keep("1"));
  const auto copy = galleries_->duplicate_gallery(ada_, gallery_, "Copy");
  ASSERT_TRUE(copy);
  EXPECT_FALSE(copy->recording.is_on);
  EXPECT_EQ(copy->unknown_face_count, 0);
}

using RecordingMigrationTest = test::OnBothDatabases;
TEST_ON_BOTH_DATABASES(RecordingMigrationTest);

TEST_P(RecordingMigrationTest, AGalleryOfTheVersionBeforeIsNotRecorded) {
  std::vector<store::Migration> steps = store::owner_migrations();
  const auto own = migrations();
  steps.insert(steps.end(), own.begin(), own.begin() + 4);
  ASSERT_EQ(own[4].name, "recording");
  ASSERT_TRUE(store::migrate(database(), steps));
  UserId user;
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    user = TRY(store::create_owner(transaction, 1));
    TRY(transaction.execute(
        "insert into galleries (owner_id, name, created_ms) values ($1, 'Old', 1)", user));
    return {};
  }));
  steps.insert(steps.end(), own.begin() + 4, own.end());
  const auto migrated = store::migrate(database(), steps);
  ASSERT_TRUE(migrated) << migrated.error().message;
  test::TemporaryFolder folder;
  const auto files = store::BlobFiles::open(folder.path());
  const ManualClock clock;
  Galleries galleries(database(), *files, clock);
  const auto list = galleries.list_galleries(user);
  ASSERT_THAT(*list, SizeIs(1));
  EXPECT_EQ(list->front().name, "Old");
  EXPECT_FALSE(list->front().recording.is_on);
  EXPECT_EQ(list->front().recording.kept_days, 30);
  EXPECT_TRUE(galleries.set_recording(user, list->front().id, {true, 5}));
}

TEST_P(RecordingMigrationTest, AGalleryThatIsRecordedGoesOnBeingRecorded) {
  std::vector<store::Migration> steps = store::owner_migrations();
  const auto own = migrations();
  const auto step = std::ranges::find(own, "recorded since", &store::Migration::name);
  steps.insert(steps.end(), own.begin(), step);
  ASSERT_TRUE(store::migrate(database(), steps));
  UserId user;
  ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
    user = TRY(store::create_owner(transaction, 1));
    TRY(transaction.execute(
        "insert into galleries (owner_id, name, created_ms, is_recording) values ($1, 'Old', 1, 1)",
        user));
    return {};
  }));
  steps.insert(steps.end(), step, own.end());
  ASSERT_TRUE(store::migrate(database(), steps));
  test::TemporaryFolder folder;
  const auto files = store::BlobFiles::open(folder.path());
  const ManualClock clock;
  Galleries galleries(database(), *files, clock);
  const GalleryId gallery = galleries.list_galleries(user)->front().id;
  EXPECT_EQ(galleries.recorded_since(user, gallery).value(), 0);
}

}  // namespace
}  // namespace faceforge::gallery
