#include "recognition/recognition.h"

#include <atomic>
#include <latch>
#include <new>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gallery/model_file.h"
#include "recognition/recognition_test_engine.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

class RecognitionTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    std::vector<store::Migration> steps = store::owner_migrations();
    const auto own = gallery::migrations();
    steps.insert(steps.end(), own.begin(), own.end());
    migrate(steps);
    files_ = std::make_unique<store::BlobFiles>(*store::BlobFiles::open(folder_.path() / "photos"));
    galleries_ = std::make_unique<gallery::Galleries>(database(), *files_, clock_);
    engine_ = std::make_shared<FakeEngine>();
    scheduler_ = *InferenceScheduler::start({.core_count = 2});
    recognition_ = std::make_unique<Recognition>(*galleries_, *scheduler_, engine_);
    user_ = new_user();
    stranger_ = new_user();
    gallery_ = galleries_->create_gallery(user_, "g")->id;
    ann_ = galleries_->add_person(user_, gallery_, "Ann")->id;
    ben_ = galleries_->add_person(user_, gallery_, "Ben")->id;
  }

  UserId new_user() {
    return *database().transact([&](store::Transaction& transaction) {
      return store::create_owner(transaction, clock_.now_ms());
    });
  }

  Result<EnrollReport> enroll(PersonId person, std::string_view lines,
                              std::string_view file_name = "photo.jpg") {
    return recognition_->enroll(user_, gallery_, person, FakeEngine::photo(lines), file_name);
  }

  /// The reason of the refusal, or "taken".
  std::string outcome_of(const Result<EnrollReport>& report) {
    if (!report) return "failed: " + report.error().reason;
    return report->photo ? "taken" : report->refusal->reason;
  }

  void enroll_both() {
    EXPECT_EQ(outcome_of(enroll(ann_, "face ann 10 10 50")), "taken");
    EXPECT_EQ(outcome_of(enroll(ann_, "face ann 11 10 50")), "taken");
    EXPECT_EQ(outcome_of(enroll(ben_, "face ben 10 10 50")), "taken");
  }

  Result<IdentifyReport> identify(std::string_view lines) {
    return recognition_->identify(user_, gallery_, FakeEngine::photo(lines));
  }

  /// Who Ann is by identify and by verify, and by which models.
  std::string answers(std::optional<int64_t> version = std::nullopt) {
    const auto named = recognition_->identify(user_, gallery_, photo_of_ann_, {}, 5, version);
    const auto verified = recognition_->verify(user_, gallery_, ann_, photo_of_ann_, {},
                                               FaceChoice::OnlyFace, version);
    if (!named || !verified) return reason_of(named) + " " + reason_of(verified);
    return fmt::format("{} {} {} {}", named->model_id.hex(),
                       named->faces.at(0).candidates.at(0).person, verified->model_id.hex(),
                       gallery::to_string(verified->decision.verdict));
  }

  std::string nearest(std::string_view lines) {
    const auto report = identify(lines);
    if (!report) return report.error().reason;
    const auto& candidates = report->faces.at(0).candidates;
    return candidates.empty() ? "nobody" : candidates[0].person;
  }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<store::BlobFiles> files_;
  std::unique_ptr<gallery::Galleries> galleries_;
  std::shared_ptr<FakeEngine> engine_;
  std::unique_ptr<InferenceScheduler> scheduler_;
  std::unique_ptr<Recognition> recognition_;
  UserId user_;
  UserId stranger_;
  GalleryId gallery_;
  PersonId ann_;
  PersonId ben_;
  const std::vector<std::byte> photo_of_ann_ = FakeEngine::photo("face ann 1 1 50");
};
TEST_ON_BOTH_DATABASES(RecognitionTest);

TEST_P(RecognitionTest, APhotoWithOneFaceIsTakenWithItsFace) {
  const auto report = enroll(ann_, "face ann 10 20 50", "C:\\photos\\ann at home.jpg");
  ASSERT_EQ(outcome_of(report), "taken");
  EXPECT_EQ(report->photo->file_name, "ann at home.jpg");
  EXPECT_EQ(report->photo->face.box.y, 20);
  EXPECT_EQ(report->photo->quality.face_size_px, 50);
  EXPECT_EQ(report->faces.size(), 1U);
  EXPECT_EQ(report->width_px, FakeEngine::kSide_px);
}

TEST_P(RecognitionTest, APhotoThatCannotBeUsedIsRefusedWithItsReasonAndChangesNothing) {
  EXPECT_EQ(outcome_of(enroll(ann_, "")), "no_face_found");
  const auto several = enroll(ann_, "face ann 0 0 40\nface ben 50 50 40");
  EXPECT_EQ(outcome_of(several), "several_faces");
  EXPECT_EQ(several->faces.size(), 2U);  // to be drawn
  EXPECT_EQ(outcome_of(enroll(ann_, "face ann 0 0 5")), "face_too_small");
  EXPECT_EQ(outcome_of(enroll(ann_, "face flat 0 0 50")), "degenerate_landmarks");
  EXPECT_EQ(
      outcome_of(recognition_->enroll(user_, gallery_, ann_, std::span<const std::byte>(), "x")),
      "not_an_image");
  EXPECT_EQ(galleries_->find_gallery(user_, gallery_)->photo_count, 0);
  EXPECT_TRUE(files_->list(user_)->empty());
}

TEST_P(RecognitionTest, ADuplicateIsRefusedAndAnotherUsersGalleryIsNotThere) {
  ASSERT_EQ(outcome_of(enroll(ann_, "face ann 10 10 50")), "taken");
  EXPECT_EQ(outcome_of(enroll(ann_, "face ann 10 10 50")), "photo_duplicate");
  EXPECT_EQ(outcome_of(enroll(ben_, "face ann 10 10 50")), "photo_duplicate");
  EXPECT_EQ(outcome_of(
                recognition_->enroll(stranger_, gallery_, ann_, std::span<const std::byte>(), "x")),
            "failed: gallery_not_found");
  EXPECT_EQ(outcome_of(enroll(PersonId(999'999), "face ann 1 1 50")), "failed: person_not_found");
}

TEST_P(RecognitionTest, AFileNameThatIsNoNameIsReplaced) {
  const auto report = enroll(ann_, "face ann 10 10 50", std::string(300, 'x'));
  ASSERT_EQ(outcome_of(report), "taken");
  EXPECT_EQ(report->photo->file_name, "photo-" + report->photo->content.substr(0, 8));
}

TEST_P(RecognitionTest, EightEnrollmentsOfOnePhotoAtOnceTakeItOnce) {
  std::vector<std::string> outcomes(8);
  {
    std::vector<std::jthread> uploads;
    for (std::string& outcome : outcomes) {
      uploads.emplace_back([&] { outcome = outcome_of(enroll(ann_, "face ann 10 10 50")); });
    }
  }
  EXPECT_EQ(std::ranges::count(outcomes, "taken"), 1);
  EXPECT_EQ(std::ranges::count(outcomes, "photo_duplicate"), 7);
}

TEST_P(RecognitionTest, TrainsThenIdentifiesAndVerifies) {
  EXPECT_EQ(reason_of(identify("face ann 1 1 50")), "gallery_not_trained");
  EXPECT_EQ(reason_of(recognition_->train(user_, gallery_)), "gallery_empty");
  enroll_both();
  const auto trained = recognition_->train(user_, gallery_);
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_EQ(trained->version.photo_count, 3);
  EXPECT_EQ(trained->version.pack_id, "fake");

  const auto report = identify("face ann 1 1 50\nface zoe 60 60 30");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->faces[0].decision.verdict, gallery::Verdict::Match);
  EXPECT_EQ(report->faces[0].candidates[0].person_id, ann_);
  EXPECT_TRUE(report->faces[0].candidates[0].reference_photo_id);
  EXPECT_EQ(report->faces[1].decision.verdict, gallery::Verdict::Unknown);

  const auto photo = FakeEngine::photo("face ben 1 1 50");
  EXPECT_EQ(recognition_->verify(user_, gallery_, ben_, photo)->decision.verdict,
            gallery::Verdict::Match);
  EXPECT_EQ(recognition_->verify(user_, gallery_, ann_, photo)->decision.verdict,
            gallery::Verdict::Unknown);
  EXPECT_EQ(reason_of(recognition_->verify(user_, gallery_, PersonId(999'999), photo)),
            "person_not_found");
  const auto later = galleries_->add_person(user_, gallery_, "Later")->id;
  EXPECT_EQ(reason_of(recognition_->verify(user_, gallery_, later, photo)), "person_not_trained");
  EXPECT_EQ(reason_of(recognition_->identify(user_, gallery_, photo,
                                             {.false_positive_identification_rate = 2})),
            "false_positive_identification_rate_out_of_range");
  EXPECT_EQ(reason_of(recognition_->identify(stranger_, gallery_, photo)), "gallery_not_found");
  EXPECT_EQ(reason_of(recognition_->identify(user_, gallery_, photo, {}, 5, 7)),
            "version_not_found");
}

TEST_P(RecognitionTest, DetectAndCompareNeedNoGallery) {
  const auto ann = FakeEngine::photo("face ann 1 1 50");
  EXPECT_EQ(recognition_->detect(ann)->faces.size(), 1U);
  EXPECT_EQ(recognition_->compare(ann, ann)->decision.verdict, gallery::Verdict::Match);
}

TEST_P(RecognitionTest, ADeletedPersonIsNotFoundByTheVeryNextQuestion) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "Ann");
  ASSERT_TRUE(recognition_->delete_person(user_, gallery_, ann_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "Ben");
  // Another process deletes the rest: nothing of it passes through this Recognition.
  ASSERT_TRUE(galleries_->delete_person(user_, gallery_, ben_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "nobody");
  ASSERT_TRUE(recognition_->delete_gallery(user_, gallery_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "gallery_not_found");
  EXPECT_TRUE(files_->list(user_)->empty());
}

TEST_P(RecognitionTest, ARenamedPersonIsShownByTheNewName) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "Ann");
  ASSERT_TRUE(galleries_->rename_person(user_, gallery_, ann_, "Anna"));
  EXPECT_EQ(nearest("face ann 1 1 50"), "Anna");
}

TEST_P(RecognitionTest, DeletingAPhotoOrAVersionOrEverythingIsSeenAtOnce) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  const auto photo = galleries_->list_photos(user_, gallery_, ben_)->front().id;
  EXPECT_EQ(nearest("face ben 1 1 50"), "Ben");
  ASSERT_TRUE(recognition_->delete_photo(user_, gallery_, photo));
  EXPECT_EQ(nearest("face ben 1 1 50"), "Ann");  // the nearest of those who are left
  ASSERT_TRUE(recognition_->delete_version(user_, gallery_, 2));
  EXPECT_EQ(galleries_->find_version(user_, gallery_)->number, 1);
  ASSERT_TRUE(recognition_->delete_everything(user_));
  EXPECT_TRUE(galleries_->list_galleries(user_)->empty());
  EXPECT_TRUE(files_->list(user_)->empty());
}

TEST_P(RecognitionTest, AGalleryAnswersByItsPackUntilTheNextOneHasLearntItAndThenByThat) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  EXPECT_EQ(answers(), "m1 Ann m1 match");
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  EXPECT_EQ(answers(), "m1 Ann m1 match");
  std::vector<int64_t> done;
  const auto trained = recognition_->train(user_, gallery_, [&](const TrainProgress& progress) {
    EXPECT_EQ(progress.photos_in_all, 3);
    EXPECT_EQ(answers(), "m1 Ann m1 match");
    done.push_back(progress.photos_done);
    return Result<void>();
  });
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_EQ(trained->version.model_id, face::ModelId("m2"));
  EXPECT_EQ(done.back(), 3);
  EXPECT_EQ(answers(), "m2 Ann m2 match");
  EXPECT_EQ(answers(1), "m1 Ann m1 match") << "a version that is named is asked by its own pack";
  ASSERT_TRUE(galleries_->use_version(user_, gallery_, 1));
  EXPECT_EQ(answers(), "m1 Ann m1 match");
}

TEST_P(RecognitionTest, AfterARestartTheEnginesOfAVersionAreFoundAmongThePacks) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  recognition_ =
      std::make_unique<Recognition>(*galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"));
  EXPECT_EQ(nearest("face ann 1 1 50"), "model_mismatch");
  EXPECT_EQ(reason_of(recognition_->begin_watch(user_, gallery_)), "model_mismatch");
  std::vector<std::string> loaded;
  const auto load = [&](const face::ModelId& model,
                        const std::string& pack_id) -> Result<std::optional<Engines>> {
    loaded.push_back(model.hex() + " of " + pack_id);
    return Engines(std::make_shared<FakeEngine>(model.hex()));
  };
  recognition_ = std::make_unique<Recognition>(
      *galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"), RecognitionLimits{}, load);
  EXPECT_EQ(answers(), "m1 Ann m1 match");
  EXPECT_TRUE(recognition_->begin_watch(user_, gallery_));
  EXPECT_EQ(loaded, std::vector<std::string>{"m1 of fake"});
}

TEST_P(RecognitionTest, FormerPacksThatAnswerAreLoadedBeforeAQuestionAndLetGoWhenNoneIsLeft) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  std::atomic<int> load_count = 0;
  const auto load = [&](const face::ModelId& model,
                        const std::string&) -> Result<std::optional<Engines>> {
    ++load_count;
    return Engines(std::make_shared<FakeEngine>(model.hex()));
  };
  recognition_ = std::make_unique<Recognition>(
      *galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"), RecognitionLimits{}, load);
  EXPECT_TRUE(recognition_->former_engines().empty());
  ASSERT_TRUE(recognition_->hold_answering_packs());
  for (int round = 0; round < 1'000 && recognition_->former_engines().empty(); ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(recognition_->former_engines().size(), 1U);
  EXPECT_EQ(recognition_->former_engines().front().one_core->model_id().hex(), "m1");
  EXPECT_EQ(answers(), "m1 Ann m1 match");
  EXPECT_EQ(load_count, 1);
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  ASSERT_TRUE(galleries_->use_version(user_, gallery_, 1));
  ASSERT_TRUE(recognition_->hold_answering_packs());
  EXPECT_EQ(recognition_->former_engines().size(), 1U) << "it was chosen by hand";
  ASSERT_TRUE(galleries_->use_version(user_, gallery_, 2));
  ASSERT_TRUE(recognition_->hold_answering_packs());
  EXPECT_EQ(recognition_->former_engines().size(), 1U) << "a stream may ask it for a second still";
  clock_.advance(std::chrono::minutes(1));
  ASSERT_TRUE(recognition_->hold_answering_packs());
  EXPECT_TRUE(recognition_->former_engines().empty());
}

TEST_P(RecognitionTest, NeitherAStreamNorItsBeginWaitsForAPackAndAPauseNeedsNone) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  auto watch = recognition_->begin_watch(user_, gallery_);
  ASSERT_TRUE(watch);
  std::latch leave(1);
  const auto load = [&](const face::ModelId& model,
                        const std::string&) -> Result<std::optional<Engines>> {
    leave.wait();
    return Engines(std::make_shared<FakeEngine>(model.hex()));
  };
  recognition_ = std::make_unique<Recognition>(
      *galleries_, *scheduler_, std::make_shared<FakeEngine>("m2"), RecognitionLimits{}, load);
  EXPECT_TRUE(recognition_->refresh_watch(*watch, 2'000));
  const auto frame = FakeEngine::photo("face ann 1 1 50");
  const auto refused = recognition_->watch(*watch, frame, 2'100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "pack_unavailable");
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(reason_of(recognition_->begin_watch(user_, gallery_)), "pack_unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - began, RecognitionLimits{}.pack_wait / 2);
  leave.count_down();
  const auto later = [&] { return recognition_->watch(*watch, frame, 2'200).has_value(); };
  for (int round = 0; round < 1'000 && !later(); ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(later()) << "the same stream goes on";
}

TEST_P(RecognitionTest, AVersionIsJudgedByItsOwnCalibrationAndByThePacksWhereItHasNone) {
  enroll_both();
  const auto threshold = [&] {
    const auto watch = recognition_->begin_watch(user_, gallery_);
    const auto report =
        recognition_->verify(user_, gallery_, ann_, photo_of_ann_, {.false_match_rate = 1e-2});
    return report && watch ? report->decision.match_threshold.similarity : -1;
  };
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  face::Calibration stricter = *engine_->calibration();
  stricter.points = {{1e-2, 0.5F}, {1e-3, 0.6F}};
  const auto recalibrated = std::make_shared<FakeEngine>();
  recalibrated->calibrate(stricter);
  recognition_->use_engines(recalibrated);
  EXPECT_FLOAT_EQ(threshold(), 0.3F);
  const auto uncalibrated = std::make_shared<FakeEngine>();
  uncalibrated->calibrate(std::nullopt);
  recognition_->use_engines(uncalibrated);
  EXPECT_FLOAT_EQ(threshold(), 0.3F);
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  EXPECT_EQ(nearest("face ann 1 1 50"), "pack_not_calibrated");
  recognition_->use_engines(recalibrated);
  EXPECT_FLOAT_EQ(threshold(), 0.5F);
}

TEST_P(RecognitionTest, AStreamGoesOnWhileItsGalleryIsLearntByAnotherPack) {
  enroll_both();
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  auto before = *recognition_->begin_watch(user_, gallery_);
  int64_t time_ms = 0;
  TrackId track;
  const auto look = [&](GalleryWatch& watch) -> std::string {
    time_ms += 100;
    const auto report = recognition_->watch(
        watch, FakeEngine::photo(fmt::format("face ann 10 10 40\nframe {}", time_ms)), time_ms);
    if (!report) return report.error().reason;
    EXPECT_TRUE(recognition_->refresh_watch(watch, time_ms));
    const WatchedFace& face = report->faces.at(0);
    track = face.track;
    const std::string who = !face.decision            ? "undecided"
                            : face.candidates.empty() ? "nobody"
                                                      : face.candidates[0].person;
    return report->model_id.hex() + " " + who;
  };
  const auto last_of_eight = [&](GalleryWatch& watch) {
    for (int frame = 1; frame < 8; ++frame) {
      EXPECT_THAT(look(watch),
                  testing::AnyOf(testing::EndsWith("Ann"), testing::EndsWith("undecided")));
    }
    return look(watch);
  };
  EXPECT_EQ(last_of_eight(before), "m1 Ann");
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  auto between = *recognition_->begin_watch(user_, gallery_);
  EXPECT_EQ(look(before), "m1 Ann") << "what was known is not forgotten before it must be";
  EXPECT_EQ(last_of_eight(between), "m1 Ann");
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  std::string said = look(before);
  const TrackId followed = track;
  for (int frame = 0; frame < 12 && said.starts_with("m1"); ++frame) said = look(before);
  EXPECT_EQ(said, "m2 undecided") << "what another model made of the face is forgotten";
  EXPECT_EQ(last_of_eight(before), "m2 Ann");
  EXPECT_EQ(track, followed) << "no look is held against another model's: the face stays the same";
  EXPECT_EQ(last_of_eight(between), "m2 Ann");
}

TEST_P(RecognitionTest, ATrainingWhosePackIsReplacedBeginsAgainWithTheNextOne) {
  enroll_both();
  const auto replaced_at = [&](int64_t photos_done, int times) {
    recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
    return recognition_->train(
        user_, gallery_, [&, times](const TrainProgress& progress) mutable -> Result<void> {
          if (progress.photos_done < photos_done || times-- <= 0) return {};
          recognition_->use_engines(std::make_shared<FakeEngine>(times % 2 == 0 ? "m3" : "m4"));
          return {};
        });
  };
  EXPECT_EQ(replaced_at(1, 1)->version.model_id, face::ModelId("m3"));
  EXPECT_EQ(galleries_->list_versions(user_, gallery_)->size(), 1U) << "none of m2";
  EXPECT_EQ(reason_of(replaced_at(0, 100)), "pack_replaced");
}

TEST_P(RecognitionTest, ATrainingForANewPackLeavesAVersionThatWasChosenByHandAndOneOfThePackInUse) {
  enroll_both();
  const auto train_for_new_pack = [&] {
    return recognition_->train(user_, gallery_, {}, TrainingCause::NewPack);
  };
  EXPECT_EQ(reason_of(train_for_new_pack()), "gallery_not_trained");
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  const auto untouched = train_for_new_pack();
  EXPECT_EQ(untouched->version.number, 1);
  EXPECT_FALSE(untouched->is_new) << "nothing is to be done";
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  ASSERT_TRUE(galleries_->use_version(user_, gallery_, 1));
  const auto trained = train_for_new_pack();
  EXPECT_EQ(trained->version.number, 2);
  EXPECT_TRUE(trained->is_new);
  EXPECT_EQ(answers(), "m1 Ann m1 match");
  EXPECT_EQ(answers(2), "m2 Ann m2 match");
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  EXPECT_EQ(answers(), "m2 Ann m2 match") << "whoever asks for a training wants it to answer";
}

TEST_P(RecognitionTest, ACancelledTrainingKeepsWhatItEmbeddedAndTheNextOneResumes) {
  enroll_both();
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  const auto cancelled =
      recognition_->train(user_, gallery_, [](const TrainProgress& progress) -> Result<void> {
        if (progress.photos_done < 2) return {};
        return fail(ErrorCode::Cancelled, "job_cancelled", "as asked");
      });
  EXPECT_EQ(reason_of(cancelled), "job_cancelled");
  EXPECT_EQ(reason_of(galleries_->find_version(user_, gallery_)), "gallery_not_trained");
  int64_t remaining = -1;
  ASSERT_TRUE(recognition_->train(user_, gallery_, [&](const TrainProgress& progress) {
    if (remaining < 0) remaining = progress.photos_in_all;
    return Result<void>();
  }));
  EXPECT_EQ(remaining, 1);
}

TEST_P(RecognitionTest, APackThatFindsNoFaceUsesTheFaceFoundAtEnrolment) {
  enroll_both();
  const auto blind = std::make_shared<FakeEngine>("m2");
  blind->is_blind = true;
  recognition_->use_engines(blind);
  EXPECT_EQ(recognition_->train(user_, gallery_)->version.photo_count, 3);
}

TEST_P(RecognitionTest, APhotoWhoseFileIsGoneIsUnusableAndStopsNoTraining) {
  enroll_both();
  const auto photo = galleries_->list_photos(user_, gallery_, ann_)->front();
  ASSERT_TRUE(files_->remove(user_, *store::BlobName::parse(photo.content)));
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  const auto trained = recognition_->train(user_, gallery_);
  EXPECT_EQ(trained->version.photo_count, 2);
  EXPECT_EQ(trained->version.unusable_count, 1);
}

TEST_P(RecognitionTest, TwoTrainingsOfOneGalleryAtOnceAreRefused) {
  enroll_both();
  std::string second = "not asked";
  const auto first = recognition_->train(user_, gallery_, [&](const TrainProgress&) {
    second = reason_of(recognition_->train(user_, gallery_));
    return Result<void>();
  });
  EXPECT_TRUE(first);
  EXPECT_EQ(second, "training_running");
  EXPECT_TRUE(recognition_->train(user_, gallery_));
}

TEST_P(RecognitionTest, AfterATrainingThatThrewTheGalleryCanBeTrained) {
  enroll_both();
  const auto out_of_memory = [](const TrainProgress&) -> Result<void> { throw std::bad_alloc(); };
  EXPECT_THROW((void)recognition_->train(user_, gallery_, out_of_memory), std::bad_alloc);
  EXPECT_EQ(reason_of(recognition_->train(user_, gallery_)), "fine");
}

TEST_P(RecognitionTest, APhotoDeletedDuringATrainingIsNotInItsVersion) {
  enroll_both();
  recognition_->use_engines(std::make_shared<FakeEngine>("m2"));
  const auto photo = galleries_->list_photos(user_, gallery_, ann_)->front().id;
  bool deleted = false;
  const auto trained = recognition_->train(user_, gallery_, [&](const TrainProgress& progress) {
    if (!deleted && progress.photos_done == 1) {
      deleted = true;
      EXPECT_TRUE(recognition_->delete_photo(user_, gallery_, photo));
    }
    return Result<void>();
  });
  ASSERT_TRUE(trained) << trained.error().message;
  EXPECT_EQ(trained->version.photo_count, 2);
  EXPECT_EQ(trained->version.unusable_count, 0);
}

TEST_P(RecognitionTest, TooManyPhotosAtOnceAreToldToComeBack) {
  std::latch inside(1);
  std::latch leave(1);
  engine_->on_detect = [&] {
    inside.count_down();
    leave.wait();
  };
  const auto scheduler = *InferenceScheduler::start({.core_count = 1, .live_requests = 1});
  Recognition narrow(*galleries_, *scheduler, engine_);
  const auto photo = FakeEngine::photo("face ann 1 1 50");
  std::jthread first([&] { EXPECT_TRUE(narrow.detect(photo)); });
  inside.wait();
  const auto refused = narrow.detect(photo);
  EXPECT_EQ(reason_of(refused), "recognition_busy");
  EXPECT_EQ(refused.error().code, ErrorCode::Busy);
  leave.count_down();
  first.join();
  engine_->on_detect = nullptr;
  EXPECT_TRUE(narrow.detect(photo));
}

TEST_P(RecognitionTest, APhotoIsDecodedByTheCoresThatLookAtPhotos) {
  const auto photo = FakeEngine::photo("face ann 10 10 50");
  const auto decoded = recognition_->decode(photo);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->width_px, FakeEngine::kSide_px);
  EXPECT_EQ(reason_of(recognition_->decode(std::as_bytes(std::span("no photo")))), "not_an_image");
  scheduler_->stop();
  EXPECT_EQ(reason_of(recognition_->decode(photo)), "server_stopping");
}

TEST_P(RecognitionTest, AnExportedVersionIsAGalleryModelFile) {
  enroll_both();
  EXPECT_EQ(reason_of(recognition_->export_model(user_, gallery_)), "gallery_not_trained");
  ASSERT_TRUE(recognition_->train(user_, gallery_));
  const auto model = gallery::read_model(*recognition_->export_model(user_, gallery_));
  ASSERT_TRUE(model) << model.error().message;
  const auto offline =
      recognition::identify(FakeEngine::photo("face ann 1 1 50"), gallery::Snapshot(*model),
                            *engine_, *gallery::MatchPolicy::create(model->calibration));
  EXPECT_EQ(offline->faces[0].candidates[0].person, "Ann");
  EXPECT_EQ(reason_of(recognition_->export_model(stranger_, gallery_)), "gallery_not_found");
}

}  // namespace
}  // namespace faceforge::recognition
