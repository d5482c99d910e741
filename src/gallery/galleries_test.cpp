#include "gallery/galleries.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include <gmock/gmock.h>

#include "gallery/galleries_test_fixture.h"
#include "support/ordinary_user.h"

namespace faceforge::gallery {
namespace {

using ::testing::ElementsAre;

class GalleriesTest : public GalleriesFixture {};
TEST_ON_BOTH_DATABASES(GalleriesTest);

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

std::vector<std::string> names_of(const auto& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.push_back(item.name);
  return names;
}

TEST_P(GalleriesTest, AreMadeListedRenamedAndDeleted) {
  const auto family = galleries_->create_gallery(ada_, " Family ");
  ASSERT_TRUE(family) << family.error().message;
  EXPECT_EQ(family->name, "Family");
  EXPECT_EQ(family->created_ms, clock_.now_ms());
  EXPECT_EQ(family->latest_version, std::nullopt);
  ASSERT_TRUE(galleries_->create_gallery(ada_, "Colleagues"));
  EXPECT_THAT(names_of(*galleries_->list_galleries(ada_)), ElementsAre("Colleagues", "Family"));
  const auto renamed = galleries_->rename_gallery(ada_, family->id, "At home");
  EXPECT_EQ(renamed->name, "At home");
  EXPECT_EQ(renamed->id, family->id);
  ASSERT_TRUE(galleries_->delete_gallery(ada_, family->id));
  EXPECT_THAT(names_of(*galleries_->list_galleries(ada_)), ElementsAre("Colleagues"));
  EXPECT_EQ(reason_of(galleries_->find_gallery(ada_, family->id)), "gallery_not_found");
}

TEST_P(GalleriesTest, ANameIsUniqueForItsOwnerAndLetterCaseCounts) {
  const auto first = galleries_->create_gallery(ada_, "Zo\u00E9");
  EXPECT_EQ(reason_of(galleries_->create_gallery(ada_, "Zoe\u0301")), "gallery_name_taken");
  EXPECT_EQ(reason_of(galleries_->create_gallery(ada_, "zo\u00E9")), "fine");
  EXPECT_EQ(reason_of(galleries_->create_gallery(eve_, "Zo\u00E9")), "fine");
  const auto other = galleries_->create_gallery(ada_, "Other");
  EXPECT_EQ(reason_of(galleries_->rename_gallery(ada_, other->id, "Zo\u00E9")),
            "gallery_name_taken");
  EXPECT_EQ(reason_of(galleries_->rename_gallery(ada_, first->id, "Zo\u00E9")), "fine");
  EXPECT_EQ(reason_of(galleries_->create_gallery(ada_, std::string(300, 'x'))), "name_too_long");
  EXPECT_EQ(reason_of(galleries_->rename_gallery(ada_, first->id, "")), "name_empty");
}

TEST_P(GalleriesTest, PeopleAreMadeListedRenamedAndDeleted) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto bob = galleries_->add_person(ada_, gallery, "Bob");
  ASSERT_TRUE(bob) << bob.error().message;
  ASSERT_TRUE(galleries_->add_person(ada_, gallery, "Alice; drop table people;--"));
  EXPECT_EQ(reason_of(galleries_->add_person(ada_, gallery, "Bob")), "person_name_taken");
  EXPECT_THAT(names_of(*galleries_->list_people(ada_, gallery)),
              ElementsAre("Alice; drop table people;--", "Bob"));
  EXPECT_EQ(galleries_->rename_person(ada_, gallery, bob->id, "Robert 😀")->name, "Robert 😀");
  EXPECT_EQ(
      reason_of(galleries_->rename_person(ada_, gallery, bob->id, "Alice; drop table people;--")),
      "person_name_taken");
  EXPECT_EQ(galleries_->find_gallery(ada_, gallery)->person_count, 2);
  ASSERT_TRUE(galleries_->delete_person(ada_, gallery, bob->id));
  EXPECT_EQ(reason_of(galleries_->find_person(ada_, gallery, bob->id)), "person_not_found");
}

TEST_P(GalleriesTest, AGalleryKnowsWhenItWasTrainedAndHowManyPhotosCameAfterThat) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto first = add(ada_, gallery, person, "1", {1, 0, 0})->id;
  const auto found = [&] { return *galleries_->find_gallery(ada_, gallery); };
  EXPECT_EQ(found().untrained_photo_count, 1);
  EXPECT_FALSE(found().trained_ms);

  clock_.advance(std::chrono::milliseconds(5));
  const auto trained_ms = clock_.now_ms();
  ASSERT_TRUE(galleries_->train(ada_, gallery, training()));
  clock_.advance(std::chrono::milliseconds(5));
  EXPECT_EQ(found().untrained_photo_count, 0);
  EXPECT_EQ(found().trained_ms, trained_ms);
  ASSERT_TRUE(add(ada_, gallery, person, "2", {1, 0, 0}));
  ASSERT_TRUE(add(ada_, gallery, person, "3", {1, 0, 0}));
  EXPECT_EQ(found().untrained_photo_count, 2);
  const auto other = galleries_->add_person_of_photos(ada_, gallery, "q", std::vector{first});
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery, first));
  EXPECT_EQ(found().untrained_photo_count, 2) << "what moves and goes does so in versions too";
  EXPECT_EQ(found().trained_ms, trained_ms);

  ASSERT_TRUE(galleries_->train(ada_, gallery, training()));
  ASSERT_TRUE(galleries_->use_version(ada_, gallery, 1));
  EXPECT_EQ(found().untrained_photo_count, 0) << "the latest counts, whichever is in use";
}

TEST_P(GalleriesTest, PeopleAreFoundByAPartOfTheirNameWhateverItsCaseAndAccents) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  for (const char* name : {"Zoë Åberg", "zoe 100%", "Zo_Berg", "Bob", "BERGMAN"}) {
    ASSERT_TRUE(galleries_->add_person(ada_, gallery, name));
  }
  const auto found = [&](std::string_view wanted, const Part<std::string>& part = {}) {
    return names_of(*galleries_->find_people(ada_, gallery, wanted, part));
  };
  EXPECT_THAT(found("ZOE"), ElementsAre("Zoë Åberg", "zoe 100%"));
  EXPECT_THAT(found(" ë "), ElementsAre("BERGMAN", "Zo_Berg", "Zoë Åberg", "zoe 100%"));
  EXPECT_THAT(found("%"), ElementsAre("zoe 100%"));
  EXPECT_THAT(found("_"), ElementsAre("Zo_Berg"));
  EXPECT_THAT(found("nobody"), ElementsAre());
  EXPECT_THAT(found("berg", {.limit = 2}), ElementsAre("BERGMAN", "Zo_Berg"));
  EXPECT_THAT(found("berg", {.after = "Zo_Berg", .limit = 2}), ElementsAre("Zoë Åberg"));
  EXPECT_EQ(reason_of(galleries_->find_people(ada_, gallery, "\xff")), "name_not_utf8");
  EXPECT_EQ(reason_of(galleries_->find_people(ada_, gallery, std::string(201, 'x'))),
            "name_too_long");
  EXPECT_EQ(reason_of(galleries_->find_people(eve_, gallery, "z")), "gallery_not_found");
  const auto person = galleries_->find_people(ada_, gallery, "bob")->front();
  EXPECT_EQ(person.id, galleries_->find_person(ada_, gallery, person.id)->id);
}

TEST_P(GalleriesTest, APhotoComesBackAsItWasAdded) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto photo = add(ada_, gallery, person, "front", {1, 0, 0});
  ASSERT_TRUE(photo) << photo.error().message;
  const auto found = galleries_->find_photo(ada_, gallery, photo->id);
  EXPECT_EQ(found->file_name, "front.jpg");
  EXPECT_EQ(found->person_id, person);
  EXPECT_EQ(found->file_bytes, 5);
  EXPECT_EQ(found->width_px, 640);
  EXPECT_EQ(found->face.box.height, 40);
  EXPECT_EQ(found->face.detection_score, 0.9F);
  EXPECT_EQ(found->face.landmarks[4].y, 8);
  EXPECT_EQ(found->quality.yaw_deg, -12.5F);
  EXPECT_EQ(found->quality.roll_deg, 3);
  EXPECT_FALSE(found->file_missing);
  EXPECT_EQ(*galleries_->read_photo_file(ada_, gallery, photo->id), bytes_of("front"));
  EXPECT_EQ(galleries_->list_photos(ada_, gallery, person)->size(), 1U);
  const auto with_photo = galleries_->find_person(ada_, gallery, person);
  EXPECT_EQ(with_photo->photo_count, 1);
  EXPECT_EQ(with_photo->cover_photo_id, photo->id);
  EXPECT_EQ(galleries_->list_people(ada_, gallery)->front().cover_photo_id, photo->id);
}

TEST_P(GalleriesTest, APersonIsShownByTheBestFaceThatNoTrainingFlagged) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto add_with = [&](std::string_view text, std::vector<float> direction, float sharpness) {
    const auto bytes = bytes_of(text);
    const face::Quality quality{.face_size_px = 90, .sharpness = sharpness, .brightness = 0.5F};
    const NewPhoto photo{.bytes = bytes,
                         .file_name = std::string(text),
                         .quality = quality,
                         .embedding = embedding(std::move(direction))};
    return galleries_->add_photo(ada_, gallery, person, photo)->id;
  };
  const auto cover = [&] { return galleries_->find_person(ada_, gallery, person)->cover_photo_id; };
  const auto blurred = add_with("blurred", {1, 0, 0}, 15);
  EXPECT_EQ(cover(), blurred) << "the only one";
  const auto sharp = add_with("sharp", {1, 0.1F, 0}, 100);
  add_with("as sharp", {1, 0.2F, 0}, 100);
  EXPECT_EQ(cover(), sharp) << "the older of equals";
  const auto of_somebody_else = add_with("somebody else", {0, 0, 1}, 500);
  EXPECT_EQ(cover(), of_somebody_else) << "nobody knows yet";
  ASSERT_EQ(galleries_->train(ada_, gallery, training())->flagged_count, 1);
  EXPECT_EQ(cover(), sharp);
  EXPECT_EQ(galleries_->list_people(ada_, gallery)->front().cover_photo_id, sharp);
  const auto copy = galleries_->duplicate_gallery(ada_, gallery, "copy")->id;
  const auto copied = galleries_->list_people(ada_, copy)->front();
  EXPECT_EQ(galleries_->find_photo(ada_, copy, *copied.cover_photo_id)->file_name, "somebody else")
      << "the copy was never trained";
}

TEST_P(GalleriesTest, TheSamePhotoIsTakenOnceAGalleryAndItsHolderIsNamed) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto other_gallery = galleries_->create_gallery(ada_, "h")->id;
  const auto ann = galleries_->add_person(ada_, gallery, "Ann")->id;
  const auto ben = galleries_->add_person(ada_, gallery, "Ben")->id;
  const auto cid = galleries_->add_person(ada_, other_gallery, "Cid")->id;
  EXPECT_FALSE(galleries_->find_holder(ada_, gallery, bytes_of("photo"))->has_value());
  const auto photo = add(ada_, gallery, ann, "photo", {1, 0, 0})->id;
  const auto holder = **galleries_->find_holder(ada_, gallery, bytes_of("photo"));
  EXPECT_EQ(holder.photo_id, photo);
  EXPECT_EQ(holder.person_id, ann);
  EXPECT_EQ(holder.person_name, "Ann");
  EXPECT_FALSE(galleries_->find_holder(ada_, other_gallery, bytes_of("photo"))->has_value());
  EXPECT_EQ(reason_of(galleries_->find_holder(eve_, gallery, bytes_of("photo"))),
            "gallery_not_found");
  for (const PersonId person : {ann, ben}) {
    const auto again = add(ada_, gallery, person, "photo", {1, 0, 0});
    EXPECT_EQ(reason_of(again), "photo_duplicate");
    EXPECT_THAT(again.error().message, ::testing::HasSubstr("`Ann`"));
  }
  ASSERT_TRUE(add(ada_, other_gallery, cid, "photo", {1, 0, 0}));
  EXPECT_EQ(file_count(ada_), 1U);  // one file serves both rows
  ASSERT_TRUE(galleries_->delete_gallery(ada_, gallery));
  EXPECT_EQ(file_count(ada_), 1U);
  ASSERT_TRUE(galleries_->delete_gallery(ada_, other_gallery));
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(GalleriesTest, EightUploadsOfOnePhotoAtOnceTakeItOnce) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  std::vector<std::string> reasons(8);
  {
    std::vector<std::jthread> uploads;
    for (std::string& reason : reasons) {
      uploads.emplace_back([&] {
        reason = reason_of(add(ada_, gallery, person, "photo", {1, 0, 0}));
      });
    }
  }
  EXPECT_EQ(std::ranges::count(reasons, "fine"), 1);
  EXPECT_EQ(std::ranges::count(reasons, "photo_duplicate"), 7);
  EXPECT_EQ(file_count(ada_), 1U);
}

TEST_P(GalleriesTest, AddingAndDeletingOnePhotoAtOnceNeverLosesTheFileOfARow) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&] {
        for (int round = 0; round < 5; ++round) {
          const auto added = add(ada_, gallery, person, "photo", {1, 0, 0});
          if (!added) continue;
          EXPECT_TRUE(galleries_->delete_photo(ada_, gallery, added->id));
        }
      });
    }
  }
  const auto photos = galleries_->list_photos(ada_, gallery, person);
  for (const Photo& photo : *photos) {
    EXPECT_TRUE(galleries_->read_photo_file(ada_, gallery, photo.id));
  }
  EXPECT_EQ(file_count(ada_), photos->size());
}

TEST_P(GalleriesTest, LimitsHoldAndNameValueAndLimit) {
  Galleries small(database(), *files_, clock_,
                  {.galleries_per_user = 1,
                   .people_per_gallery = 1,
                   .photos_per_person = 1,
                   .versions_per_gallery = 1});
  const auto gallery = small.create_gallery(ada_, "g")->id;
  EXPECT_EQ(small.create_gallery(ada_, "h").error().message,
            "you have 1 galleries; the limit is 1");
  EXPECT_EQ(reason_of(small.create_gallery(ada_, "h")), "too_many_galleries");
  const auto person = small.add_person(ada_, gallery, "p")->id;
  EXPECT_EQ(reason_of(small.add_person(ada_, gallery, "q")), "too_many_people");
  ASSERT_TRUE(add(ada_, gallery, person, "1", {1, 0, 0}));
  EXPECT_EQ(reason_of(small.check_new_photo(ada_, gallery, person, bytes_of("2"))),
            "too_many_photos");
  ASSERT_TRUE(small.train(ada_, gallery, training()));
  EXPECT_EQ(reason_of(small.train(ada_, gallery, training())), "too_many_versions");
}

TEST_P(GalleriesTest, AGalleryHoldsNoMorePhotosThanItsLimitHoweverManyPeopleItHas) {
  Galleries small(database(), *files_, clock_, {.photos_per_gallery = 2});
  const auto gallery = small.create_gallery(ada_, "g")->id;
  for (const char* name : {"p", "q"}) {
    const auto person = small.add_person(ada_, gallery, name)->id;
    ASSERT_TRUE(add(ada_, gallery, person, name, {1, 0, 0}));
  }
  const auto third = small.add_person(ada_, gallery, "r")->id;
  const auto refused = small.check_new_photo(ada_, gallery, third, bytes_of("3"));
  ASSERT_EQ(reason_of(refused), "too_many_photos");
  EXPECT_EQ(refused.error().message, "the gallery `g` has 2 photos; the limit is 2");
  const auto other = small.create_gallery(ada_, "h")->id;
  const auto person = small.add_person(ada_, other, "p")->id;
  EXPECT_TRUE(small.check_new_photo(ada_, other, person, bytes_of("3")));
}

TEST_P(GalleriesTest, EverythingOfAnotherUserIsNotThere) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto photo = add(ada_, gallery, person, "photo", {1, 0, 0})->id;
  ASSERT_TRUE(galleries_->train(ada_, gallery, training()));
  Galleries& all = *galleries_;
  const std::vector<std::function<std::string()>> attempts{
      [&] { return reason_of(all.find_gallery(eve_, gallery)); },
      [&] { return reason_of(all.rename_gallery(eve_, gallery, "x")); },
      [&] { return reason_of(all.delete_gallery(eve_, gallery)); },
      [&] { return reason_of(all.add_person(eve_, gallery, "x")); },
      [&] { return reason_of(all.list_people(eve_, gallery)); },
      [&] { return reason_of(all.find_person(eve_, gallery, person)); },
      [&] { return reason_of(all.rename_person(eve_, gallery, person, "x")); },
      [&] { return reason_of(all.delete_person(eve_, gallery, person)); },
      [&] { return reason_of(all.check_new_photo(eve_, gallery, person, bytes_of("x"))); },
      [&] {
        return reason_of(add(eve_, gallery, person, "x", {1, 0, 0}));
      },
      [&] { return reason_of(all.list_photos(eve_, gallery, person)); },
      [&] { return reason_of(all.find_photo(eve_, gallery, photo)); },
      [&] { return reason_of(all.read_photo_file(eve_, gallery, photo)); },
      [&] { return reason_of(all.delete_photo(eve_, gallery, photo)); },
      [&] { return reason_of(all.photos_without_embedding(eve_, gallery, face::ModelId("m2"))); },
      [&] {
        return reason_of(all.add_embedding(eve_, gallery, photo, embedding({1, 0, 0}, "m2")));
      },
      [&] { return reason_of(all.train(eve_, gallery, training())); },
      [&] { return reason_of(all.list_versions(eve_, gallery)); },
      [&] { return reason_of(all.find_version(eve_, gallery)); },
      [&] { return reason_of(all.report_version(eve_, gallery, 1)); },
      [&] { return reason_of(all.delete_version(eve_, gallery, 1)); },
      [&] { return reason_of(all.read_model(eve_, gallery, 1)); }};
  for (size_t index = 0; index < attempts.size(); ++index) {
    EXPECT_EQ(attempts[index](), "gallery_not_found") << "attempt " << index;
  }
  EXPECT_TRUE(all.list_galleries(eve_)->empty());
  ASSERT_TRUE(all.delete_everything(eve_));
  EXPECT_EQ(file_count(eve_), 0U);
  EXPECT_EQ(all.find_gallery(ada_, gallery)->photo_count, 1);
}

TEST_P(GalleriesTest, AnIdOfAnotherGalleryIsNotThereEither) {
  const auto first = galleries_->create_gallery(ada_, "1")->id;
  const auto second = galleries_->create_gallery(ada_, "2")->id;
  const auto person = galleries_->add_person(ada_, first, "p")->id;
  const auto photo = add(ada_, first, person, "photo", {1, 0, 0})->id;
  EXPECT_EQ(reason_of(galleries_->find_person(ada_, second, person)), "person_not_found");
  EXPECT_EQ(reason_of(galleries_->delete_person(ada_, second, person)), "person_not_found");
  EXPECT_EQ(reason_of(add(ada_, second, person, "x", {1, 0, 0})), "person_not_found");
  EXPECT_EQ(reason_of(galleries_->find_photo(ada_, second, photo)), "photo_not_found");
  EXPECT_EQ(reason_of(galleries_->delete_photo(ada_, second, photo)), "photo_not_found");
}

TEST_P(GalleriesTest, ARefusedPhotoLeavesNoFile) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  EXPECT_EQ(reason_of(add(ada_, gallery, PersonId(person.value() + 1), "x", {1, 0, 0})),
            "person_not_found");
  const auto bytes = bytes_of("y");
  EXPECT_EQ(reason_of(galleries_->add_photo(
                ada_, gallery, person,
                {.bytes = bytes, .file_name = "", .embedding = embedding({1, 0, 0})})),
            "name_empty");
  EXPECT_EQ(reason_of(galleries_->add_photo(ada_, gallery, person,
                                            {.bytes = bytes, .file_name = "y.jpg"})),
            "embedding_out_of_range");
  EXPECT_EQ(reason_of(galleries_->create_gallery(UserId(999'999), "g")), "user_not_found");
  EXPECT_EQ(file_count(ada_), 0U);
}

TEST_P(GalleriesTest, DeletingEverythingLeavesNeitherRowsNorFiles) {
  for (const char* name : {"g", "h"}) {
    const auto gallery = galleries_->create_gallery(ada_, name)->id;
    const auto person = galleries_->add_person(ada_, gallery, "p")->id;
    ASSERT_TRUE(add(ada_, gallery, person, name, {1, 0, 0}));
  }
  EXPECT_EQ(file_count(ada_), 2U);
  ASSERT_TRUE(galleries_->delete_everything(ada_));
  EXPECT_EQ(file_count(ada_), 0U);
  EXPECT_TRUE(galleries_->list_galleries(ada_)->empty());
}

TEST_P(GalleriesTest, AStartRemovesFilesWithoutRowsAndMarksRowsWithoutFiles) {
  ASSERT_TRUE(galleries_->reconcile());
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto kept = add(ada_, gallery, person, "kept", {1, 0, 0});
  const auto lost = add(ada_, gallery, person, "lost", {1, 0, 0});
  ASSERT_TRUE(files_->put(ada_, bytes_of("cut off before its row")));
  ASSERT_TRUE(files_->put(UserId(999'999), bytes_of("of nobody")));
  ASSERT_TRUE(files_->remove(ada_, *store::BlobName::parse(lost->content)));

  const auto found = galleries_->reconcile();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->orphan_files_removed, 1);
  EXPECT_EQ(found->accounts_removed, 1);
  EXPECT_EQ(found->photos_without_file, 1);
  EXPECT_EQ(file_count(ada_), 1U);
  EXPECT_TRUE(galleries_->find_photo(ada_, gallery, lost->id)->file_missing);
  EXPECT_FALSE(galleries_->find_photo(ada_, gallery, kept->id)->file_missing);

  ASSERT_TRUE(files_->put(ada_, bytes_of("lost")));  // restored from a backup
  EXPECT_EQ(galleries_->reconcile()->photos_without_file, 0);
  EXPECT_FALSE(galleries_->find_photo(ada_, gallery, lost->id)->file_missing);
}

TEST_P(GalleriesTest, ListsAreReadInPartsThatNeitherRepeatNorHide) {
  // Bytes decide, on both databases alike: capitals before small letters, then what is not ASCII.
  for (const char* name : {"b", "a", "Z", "\xc3\xa9", "c"}) {
    ASSERT_TRUE(galleries_->create_gallery(ada_, name));
  }
  ASSERT_TRUE(galleries_->create_gallery(eve_, "b2"));
  const auto galleries_after = [&](const char* key) {
    return names_of(*galleries_->list_galleries(ada_, {.after = key, .limit = 2}));
  };
  EXPECT_THAT(names_of(*galleries_->list_galleries(ada_, {.limit = 2})), ElementsAre("Z", "a"));
  EXPECT_THAT(galleries_after("a"), ElementsAre("b", "c"));
  EXPECT_THAT(galleries_after("bb"), ElementsAre("c", "\xc3\xa9")) << "what is gone meanwhile too";
  EXPECT_THAT(galleries_after("\xc3\xa9"), ElementsAre());

  const auto gallery = galleries_->list_galleries(ada_)->front().id;
  std::vector<PersonId> people;
  for (const char* name : {"q", "p", "r"}) {
    people.push_back(galleries_->add_person(ada_, gallery, name)->id);
  }
  const auto first = add(ada_, gallery, people[0], "1", {1, 0, 0})->id;
  const auto second = add(ada_, gallery, people[0], "2", {1, 0, 0})->id;
  const auto listed = galleries_->list_people(ada_, gallery, {.after = "p", .limit = 1});
  ASSERT_THAT(names_of(*listed), ElementsAre("q"));
  EXPECT_EQ(listed->front().photo_count, 2) << "all photos count, whatever the part";
  EXPECT_EQ(listed->front().cover_photo_id, first);
  const auto photos = galleries_->list_photos(ada_, gallery, people[0], {.after = first.value()});
  ASSERT_EQ(photos->size(), 1U);
  EXPECT_EQ(photos->front().id, second);

  for (int version = 0; version < 3; ++version) {
    ASSERT_TRUE(galleries_->train(ada_, gallery, training()));
  }
  const auto numbers = [&](const Part<int64_t>& part) {
    std::vector<int64_t> found;
    const auto versions = galleries_->list_versions(ada_, gallery, part);
    for (const Version& version : *versions) found.push_back(version.number);
    return found;
  };
  EXPECT_THAT(numbers({.limit = 2}), ElementsAre(3, 2));
  EXPECT_THAT(numbers({.after = 2, .limit = 2}), ElementsAre(1));
}

TEST_P(GalleriesTest, AFileThatCannotBeRemovedNowIsRemovedLater) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto stuck = add(ada_, gallery, person, "stuck", {1, 0, 0});
  const auto other = add(ada_, gallery, person, "other", {1, 0, 0});
  {
    const test::AsOrdinaryUser ordinary(folder_.path());
    const auto file = folder_.path() / "photos" / std::to_string(ada_.value()) /
                      stuck->content.substr(0, 2) / stuck->content;
    ASSERT_TRUE(std::filesystem::exists(file));
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_read |
                                                         std::filesystem::perms::owner_exec);
    const auto deleted = galleries_->delete_photo(ada_, gallery, stuck->id);
    EXPECT_TRUE(deleted) << "the photo is deleted, whatever becomes of its file";
    EXPECT_EQ(reason_of(galleries_->find_photo(ada_, gallery, stuck->id)), "photo_not_found");
    EXPECT_EQ(file_count(ada_), 2U);
    EXPECT_EQ(galleries_->remove_leftovers(), 1U);
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all);
    EXPECT_EQ(galleries_->remove_leftovers(), 0U);
    EXPECT_EQ(file_count(ada_), 1U);
    EXPECT_TRUE(galleries_->read_photo_file(ada_, gallery, other->id));
  }
}

TEST_P(GalleriesTest, TheFilesOfADeletedAccountThatCannotBeRemovedNowAreRemovedLater) {
  const auto gallery = galleries_->create_gallery(eve_, "g")->id;
  const auto person = galleries_->add_person(eve_, gallery, "p")->id;
  ASSERT_TRUE(add(eve_, gallery, person, "a photo", {1, 0, 0}));
  const test::AsOrdinaryUser ordinary(folder_.path());
  ASSERT_TRUE(database().transact(
      [&](store::Transaction& transaction) { return store::delete_owner(transaction, eve_); }));
  std::filesystem::permissions(folder_.path() / "photos", std::filesystem::perms::owner_read |
                                                              std::filesystem::perms::owner_exec);
  galleries_->remove_files_of_deleted(eve_);
  EXPECT_EQ(galleries_->remove_leftovers(), 1U);
  std::filesystem::permissions(folder_.path() / "photos", std::filesystem::perms::owner_all);
  EXPECT_EQ(galleries_->remove_leftovers(), 0U);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "photos" / std::to_string(eve_.value())));
}

TEST_P(GalleriesTest, LeftoversThatSomeoneHoldsAreLeftToTheNextRoundAtOnce) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto stuck = add(ada_, gallery, person, "stuck", {1, 0, 0});
  const auto file = folder_.path() / "photos" / std::to_string(ada_.value()) /
                    stuck->content.substr(0, 2) / stuck->content;
  const test::AsOrdinaryUser ordinary(folder_.path());
  std::filesystem::permissions(
      file.parent_path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  ASSERT_TRUE(galleries_->delete_photo(ada_, gallery, stuck->id));
  std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all);
  {
    const auto upload = files_->hold(ada_, store::Purpose::Adding);
    ASSERT_TRUE(upload);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(galleries_->remove_leftovers(), 1U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, store::BlobFiles::kHoldWait / 3);
    EXPECT_TRUE(std::filesystem::exists(file));
  }
  EXPECT_EQ(galleries_->remove_leftovers(), 0U);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_P(GalleriesTest, ARefusedPhotoWhoseFileCannotBeRemovedSaysWhyItWasRefused) {
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  ASSERT_TRUE(add(ada_, gallery, person, "other", {1, 0, 0}));
  const std::string content = store::BlobName::of(bytes_of("late")).text();
  const auto file =
      folder_.path() / "photos" / std::to_string(ada_.value()) / content.substr(0, 2) / content;
  const auto elsewhere = reopened();
  const test::AsOrdinaryUser ordinary(folder_.path());
  // Deletes the person after the photo was looked at, and before its row can be written.
  std::atomic<bool> is_deleting = false;
  std::jthread deletion([&] {
    const auto deleted = elsewhere->transact([&](store::Transaction& transaction) -> Result<void> {
      TRY(transaction.execute("delete from people where id = $1", person));
      is_deleting = true;
      const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      while (!std::filesystem::exists(file) && std::chrono::steady_clock::now() < give_up_at) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_read |
                                                           std::filesystem::perms::owner_exec);
      return {};
    });
    EXPECT_TRUE(deleted) << deleted.error().message;
    is_deleting = true;
  });
  while (!is_deleting) std::this_thread::yield();
  EXPECT_EQ(reason_of(add(ada_, gallery, person, "late", {1, 0, 0})), "person_not_found");
  deletion.join();
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(galleries_->remove_leftovers(), 1U);
  std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all);
  EXPECT_EQ(galleries_->remove_leftovers(), 0U);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_P(GalleriesTest, WhatTheDatabaseCouldNotForgetIsForgottenLater) {
  if (database().dialect() == store::Dialect::Postgres) {
    GTEST_SKIP() << "its vacuum runs in the background and looks after itself";
  }
  auto impatient = options();
  impatient.wait_max = std::chrono::milliseconds(50);
  const auto opened = *store::Database::open(impatient);
  Galleries galleries(*opened, *files_, clock_);
  const auto gallery = galleries.create_gallery(ada_, "g")->id;
  const std::filesystem::path log = options().location + "-wal";
  // As long as this one reads, the log cannot be emptied.
  const auto read = database().read([&](store::Transaction& transaction) -> Result<void> {
    TRY(transaction.query("select id from galleries"));
    EXPECT_TRUE(galleries.delete_gallery(ada_, gallery)) << "it is deleted all the same";
    return {};
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_GT(std::filesystem::file_size(log), 0U);
  EXPECT_EQ(galleries.remove_leftovers(), 0U);
  EXPECT_EQ(std::filesystem::file_size(log), 0U);
}

TEST_P(GalleriesTest, AListThatIsNotAskedForInPartsIsNeverCut) {
  // The database refuses more rows than kMaxQueryRows, if it is asked for more than those.
  EXPECT_GT(Part<int64_t>().limit, static_cast<int64_t>(store::kMaxQueryRows));
}

TEST_P(GalleriesTest, AStartWithAnEmptyFolderAndADatabaseThatNamesPhotosIsRefused) {
  ASSERT_TRUE(galleries_->reconcile());
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto photo = add(ada_, gallery, person, "a photo", {1, 0, 0});
  test::TemporaryFolder elsewhere;
  const auto empty = *store::BlobFiles::open(elsewhere.path() / "photos");
  Galleries moved(database(), empty, clock_);
  const auto refused = moved.reconcile();
  EXPECT_EQ(reason_of(refused), "photos_elsewhere");
  EXPECT_TRUE(refused.error().message.contains(empty.folder().string()));
  EXPECT_FALSE(galleries_->find_photo(ada_, gallery, photo->id)->file_missing);
  EXPECT_FALSE(*empty.mark()) << "nothing is changed by a mistake";
  // With the right folder it goes on as ever; and whoever has lost the photos can say so.
  EXPECT_TRUE(galleries_->reconcile());
  EXPECT_EQ(moved.reconcile(PhotosElsewhere::Accept)->photos_without_file, 1);
  EXPECT_TRUE(galleries_->find_photo(ada_, gallery, photo->id)->file_missing);
  EXPECT_TRUE(moved.reconcile()) << "said once";
}

TEST_P(GalleriesTest, AStartRefusesThePhotosOfAnotherDatabaseAndRemovesNone) {
  ASSERT_TRUE(galleries_->reconcile());
  const auto gallery = galleries_->create_gallery(ada_, "g")->id;
  const auto person = galleries_->add_person(ada_, gallery, "p")->id;
  const auto photo = add(ada_, gallery, person, "a photo", {1, 0, 0});
  ASSERT_TRUE(galleries_->reconcile());

  // The same folder with another, empty database: it has no row of any of these files.
  test::TemporaryFolder elsewhere;
  const auto other =
      *store::Database::open({.location = (elsewhere.path() / "other.sqlite").string()});
  auto steps = store::owner_migrations();
  for (const auto& step : migrations()) steps.push_back(step);
  ASSERT_TRUE(store::migrate(*other, steps));
  Galleries stranger(*other, *files_, clock_);
  EXPECT_EQ(stranger.reconcile().error().reason, "photos_of_another_database");
  EXPECT_TRUE(galleries_->read_photo_file(ada_, gallery, photo->id));

  // Nor may it take over once it has a folder of its own.
  const auto empty = *store::BlobFiles::open(elsewhere.path() / "photos");
  ASSERT_TRUE(Galleries(*other, empty, clock_).reconcile());
  EXPECT_EQ(stranger.reconcile().error().reason, "photos_of_another_database");
  EXPECT_TRUE(galleries_->reconcile());
  EXPECT_TRUE(galleries_->read_photo_file(ada_, gallery, photo->id));
}

TEST_P(GalleriesTest, APersonWithoutPhotosIsDeletedAsSuchAndNobodyElse) {
  const GalleryId gallery = galleries_->create_gallery(ada_, "g")->id;
  const PersonId bob = galleries_->add_person(ada_, gallery, "Bob")->id;
  const PersonId cleo = galleries_->add_person(ada_, gallery, "Cleo")->id;
  ASSERT_TRUE(add(ada_, gallery, bob, "a photo", {1, 0, 0}));
  EXPECT_FALSE(galleries_->delete_person_without_photos(ada_, gallery, bob).value());
  EXPECT_FALSE(galleries_->delete_person_without_photos(eve_, gallery, cleo).value());
  EXPECT_EQ(galleries_->list_people(ada_, gallery)->size(), 2U);
  EXPECT_TRUE(galleries_->delete_person_without_photos(ada_, gallery, cleo).value());
  EXPECT_EQ(galleries_->list_people(ada_, gallery)->size(), 1U);
}

}  // namespace
}  // namespace faceforge::gallery
