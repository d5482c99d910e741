#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gallery/model_file.h"
#include "gallery/name.h"
#include "recognition/identify.h"
#include "recognition/recognition_test_engine.h"
#include "recognition/report_json.h"
#include "recognition/train_folder.h"
#include "recognition/verify.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::string reason_of(const Result<T>& outcome) {
  return outcome ? "fine" : outcome.error().reason;
}

/// A folder of people with photos, trained by the fake engine.
class FlowsTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::vector<std::byte>& bytes) {
    const auto file = folder_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  Result<FolderTraining> train(const FolderProgress& progress = {}) {
    return train_folder(folder_.path(), engine_, clock_, {}, progress);
  }

  gallery::Snapshot two_people() {
    write("Ann/1.jpg", FakeEngine::photo("face ann 10 10 50"));
    write("Ann/2.jpg", FakeEngine::photo("face ann 20 10 50"));
    write("Ben/1.jpg", FakeEngine::photo("face ben 10 10 50"));
    return gallery::Snapshot(train()->model);
  }

  gallery::MatchPolicy policy() { return *gallery::MatchPolicy::create(engine_.calibration()); }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  FakeEngine engine_;
};

TEST_F(FlowsTest, IdentifyNamesEveryFaceByFallingArea) {
  const auto snapshot = two_people();
  const auto photo = FakeEngine::photo("face ben 0 0 30\nface ann 40 40 40\nface zoe 70 0 20");
  const auto report = identify(photo, snapshot, engine_, policy());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->width_px, FakeEngine::kSide_px);
  ASSERT_EQ(report->faces.size(), 3U);
  EXPECT_EQ(report->faces[0].decision.verdict, gallery::Verdict::Match);
  EXPECT_EQ(report->faces[0].candidates[0].person, "Ann");
  EXPECT_TRUE(report->faces[0].candidates[0].reference_similarity);
  EXPECT_EQ(report->faces[1].candidates[0].person, "Ben");
  EXPECT_EQ(report->faces[2].decision.verdict, gallery::Verdict::Unknown);
  EXPECT_EQ(report->faces[2].candidates.size(), 2U);  // the nearest are still shown
}

TEST_F(FlowsTest, IdentifyWithoutAFaceIsAnEmptyListAndATinyFaceStaysUnknown) {
  const auto snapshot = two_people();
  EXPECT_TRUE(identify(FakeEngine::photo(""), snapshot, engine_, policy())->faces.empty());
  const auto tiny = identify(FakeEngine::photo("face ann 0 0 15"), snapshot, engine_, policy());
  ASSERT_EQ(tiny->faces.size(), 1U);
  EXPECT_TRUE(tiny->faces[0].too_small);
  EXPECT_TRUE(tiny->faces[0].candidates.empty());
  EXPECT_EQ(tiny->faces[0].decision.verdict, gallery::Verdict::Unknown);
}

TEST_F(FlowsTest, IdentifySeesASecondPersonEvenWhenOnlyOneCandidateIsAskedFor) {
  write("Ann/1.jpg", FakeEngine::photo("face ann 10 10 50"));
  write("Anna/1.jpg", FakeEngine::photo("face ann 20 10 50"));
  const gallery::Snapshot snapshot(train()->model);
  const auto report = identify(FakeEngine::photo("face ann 0 0 50"), snapshot, engine_, policy(),
                               {.candidate_count = 1});
  EXPECT_EQ(report->faces[0].candidates.size(), 1U);
  EXPECT_EQ(report->faces[0].decision.verdict, gallery::Verdict::Ambiguous);
}

TEST_F(FlowsTest, IdentifyRefusesAnotherModelNoImageAndAnOddCount) {
  const auto snapshot = two_people();
  const FakeEngine other("m2");
  const auto photo = FakeEngine::photo("face ann 0 0 50");
  const auto mismatch = identify(photo, snapshot, other, policy());
  EXPECT_EQ(reason_of(mismatch), "model_mismatch");
  EXPECT_THAT(mismatch.error().message, HasSubstr("m1"));
  EXPECT_THAT(mismatch.error().message, HasSubstr("m2"));
  EXPECT_EQ(reason_of(identify({}, snapshot, engine_, policy())), "not_an_image");
  for (const size_t count : {size_t{0}, gallery::Snapshot::kMaxCandidates + 1}) {
    EXPECT_EQ(reason_of(identify(photo, snapshot, engine_, policy(), {.candidate_count = count})),
              "candidate_count");
  }
}

TEST_F(FlowsTest, VerifyComparesWithOnePerson) {
  const auto snapshot = two_people();
  const auto photo = FakeEngine::photo("face ann 5 5 50");
  const auto ann = verify(photo, std::string("Ann"), snapshot, engine_, policy());
  ASSERT_TRUE(ann) << ann.error().message;
  EXPECT_EQ(ann->decision.verdict, gallery::Verdict::Match);
  EXPECT_GT(ann->candidate.similarity, 0.8);
  const auto ben = verify(photo, std::string("Ben"), snapshot, engine_, policy());
  EXPECT_EQ(ben->decision.verdict, gallery::Verdict::Unknown);
  EXPECT_EQ(reason_of(verify(photo, std::string("Eve"), snapshot, engine_, policy())),
            "person_not_trained");
}

TEST_F(FlowsTest, OneFaceIsWantedAndItsSizeHasALimit) {
  const auto snapshot = two_people();
  const auto reason = [&](std::string_view lines, const WantedFace& wanted) {
    return reason_of(verify(FakeEngine::photo(lines), std::string("Ann"), snapshot, engine_,
                            policy(), {.wanted_face = wanted}));
  };
  EXPECT_EQ(reason("", FaceChoice::Largest), "no_face_found");
  EXPECT_EQ(reason("face ann 0 0 50\nface ben 50 50 20", FaceChoice::OnlyFace), "several_faces");
  EXPECT_EQ(reason("face ann 0 0 50\nface ben 50 50 20", FaceChoice::Largest), "fine");
  EXPECT_EQ(reason("face ann 0 0 5", FaceChoice::OnlyFace), "face_too_small");
}

TEST_F(FlowsTest, VerifyComparesTheFaceAtTheGivenPlaceHoweverSmallBesideOthers) {
  const auto snapshot = two_people();
  const auto photo = FakeEngine::photo("face ben 0 0 60\nface ann 60 60 30");
  const auto at = [&](const face::BoundingBox& place) {
    return verify(photo, std::string("Ann"), snapshot, engine_, policy(), {.wanted_face = place});
  };
  const auto ann = at({62, 58, 30, 30});
  ASSERT_TRUE(ann) << ann.error().message;
  EXPECT_EQ(ann->decision.verdict, gallery::Verdict::Match);
  EXPECT_EQ(ann->probe.face.box.x, 60);
  EXPECT_EQ(at({0, 0, 60, 60})->decision.verdict, gallery::Verdict::Unknown);
  // A quarter of the face: 15 * 15 / 30 * 30, under the least overlap of 0.3.
  EXPECT_EQ(reason_of(at({60, 60, 15, 15})), "no_face_there");
  EXPECT_EQ(reason_of(verify(FakeEngine::photo(""), std::string("Ann"), snapshot, engine_, policy(),
                             {.wanted_face = face::BoundingBox{0, 0, 9, 9}})),
            "no_face_found");
}

TEST_F(FlowsTest, CompareSaysWhichPhotoIsTheProblem) {
  const auto ann = FakeEngine::photo("face ann 0 0 50");
  const auto again = FakeEngine::photo("face ann 1 1 50");
  const auto ben = FakeEngine::photo("face ben 0 0 50");
  EXPECT_EQ(compare(ann, again, engine_, policy())->decision.verdict, gallery::Verdict::Match);
  EXPECT_EQ(compare(ann, ben, engine_, policy())->decision.verdict, gallery::Verdict::Unknown);
  EXPECT_NEAR(compare(ann, ann, engine_, policy())->similarity, 1, 1e-6);
  const auto failed = compare(ann, FakeEngine::photo(""), engine_, policy());
  EXPECT_EQ(reason_of(failed), "no_face_found");
  EXPECT_THAT(failed.error().message, HasSubstr("second photo"));
}

TEST_F(FlowsTest, ChooseFaceTakesTheLargest) {
  std::vector<PhotoFace> faces(2);
  faces[0].face.box = {0, 0, 30, 30};
  faces[1].face.box = {0, 0, 40, 40};
  EXPECT_EQ(*choose_face(faces, FaceChoice::Largest, 16), 1U);
  EXPECT_EQ(reason_of(choose_face(faces, FaceChoice::OnlyFace, 16)), "several_faces");
  EXPECT_EQ(reason_of(choose_face({}, FaceChoice::Largest, 16)), "no_face_found");
  EXPECT_EQ(reason_of(choose_face(faces, FaceChoice::Largest, 41)), "face_too_small");
}

TEST_F(FlowsTest, DetectAndEmbedLeaveOutAFaceThatCannotBeAligned) {
  const auto photo = FakeEngine::photo("face flat 0 0 60\nface ann 60 60 30");
  EXPECT_EQ(detect(engine_, photo)->faces.size(), 1U);
  EXPECT_TRUE(detect(engine_, photo)->faces[0].embedding.values.empty());
  const auto embedded = embed(engine_, photo);
  ASSERT_EQ(embedded->faces.size(), 1U);
  EXPECT_EQ(embedded->faces[0].embedding.values.size(), size_t{FakeEngine::kLength});
  EXPECT_EQ(reason_of(embed(engine_, {})), "not_an_image");
}

TEST_F(FlowsTest, TrainFolderSkipsWhatCannotBeUsedAndSaysWhy) {
  write("Ann/1.jpg", FakeEngine::photo("face ann 10 10 50"));
  write("Ann/2.jpg", FakeEngine::photo("face ann 11 10 50"));
  write("Ann/3-stranger.jpg", FakeEngine::photo("face eve 10 10 50"));
  write("Ann/4-again.jpg", FakeEngine::photo("face ann 10 10 50"));
  write("Ann/.hidden", FakeEngine::photo("face ann 12 10 50"));
  write("Ben/group.jpg", FakeEngine::photo("face ben 0 0 40\nface ann 50 50 40"));
  write("Ben/none.jpg", FakeEngine::photo("# a tree"));
  write("Ben/text.txt", {});
  write("Ben/tiny.jpg", FakeEngine::photo("face ben 0 0 5"));
  write("not-in-a-folder.jpg", FakeEngine::photo("face ann 1 1 50"));
  std::vector<int64_t> steps;
  const auto training = train([&](int64_t done, int64_t all) {
    EXPECT_EQ(all, 8);
    steps.push_back(done);
    return true;
  });
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(steps.back(), 8);
  EXPECT_EQ(training->photo_count, 8);
  ASSERT_EQ(training->model.people.size(), 1U);
  EXPECT_EQ(training->model.people[0].name, "Ann");
  EXPECT_EQ(training->model.people[0].photo_count, 2);
  EXPECT_EQ(training->model.people[0].references[1].name, "2.jpg");
  EXPECT_EQ(training->model.trained_ms, clock_.now_ms());
  EXPECT_THAT(training->people_left_out, ElementsAre("Ben"));
  std::vector<std::string> skipped;
  for (const SkippedPhoto& photo : training->skipped) {
    skipped.push_back(photo.path.string() + " " + photo.reason.reason);
  }
  EXPECT_THAT(skipped,
              ElementsAre("Ann/4-again.jpg photo_duplicate", "Ann/3-stranger.jpg photo_disagrees",
                          "Ben/group.jpg several_faces", "Ben/none.jpg no_face_found",
                          "Ben/text.txt not_an_image", "Ben/tiny.jpg face_too_small"));
  EXPECT_TRUE(gallery::read_model(*gallery::write_model(training->model)));
}

TEST_F(FlowsTest, AFileWhoseNameIsNoTextBecomesPartOfAModelThatCanBeRead) {
  const auto photo = FakeEngine::photo("face ann 10 10 50");
  write("Ann/caf\xe9.jpg", photo);  // Latin-1, which Linux allows and JSON does not
  const auto training = train();
  ASSERT_TRUE(training) << training.error().message;
  const auto read = gallery::read_model(*gallery::write_model(training->model));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->people[0].references[0].name, gallery::shown_file_name("\xe9", photo));
}

TEST_F(FlowsTest, TrainFolderTakesNoMorePhotosOfAPersonThanItsLimit) {
  for (const char* number : {"1", "2", "3"}) {
    write(fmt::format("Ann/{}.jpg", number),
          FakeEngine::photo(fmt::format("face ann 1{} 10 50", number)));
  }
  const auto training = train_folder(folder_.path(), engine_, clock_, {.photos_per_person = 2});
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(training->model.people[0].photo_count, 2);
  ASSERT_EQ(training->skipped.size(), 1U);
  EXPECT_EQ(training->skipped[0].path, "Ann/3.jpg");
  EXPECT_EQ(training->skipped[0].reason.reason, "too_many_photos");
}

TEST_F(FlowsTest, TrainFolderRefusesTwoFoldersThatAreOneNameWrittenTwice) {
  write("Zo\u00E9/1.jpg", FakeEngine::photo("face ann 10 10 50"));
  EXPECT_EQ(reason_of(train()), "fine");
  write("Zoe\u0301/1.jpg", FakeEngine::photo("face ben 10 10 50"));
  const auto refused = train();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::AlreadyExists);
  EXPECT_EQ(refused.error().reason, "person_name_taken");
  EXPECT_THAT(refused.error().message, HasSubstr("`Zo\u00E9`"));
}

TEST_F(FlowsTest, TrainFolderFailsWithoutAnythingToTrain) {
  EXPECT_EQ(reason_of(train()), "gallery_empty");
  EXPECT_EQ(reason_of(train_folder(folder_.path() / "none", engine_, clock_)), "folder_not_found");
  write("Ann/1.jpg", FakeEngine::photo("face ann 10 10 50"));
  EXPECT_EQ(reason_of(train([](int64_t, int64_t) { return false; })), "training_cancelled");
  EXPECT_EQ(reason_of(train_folder(folder_.path(), engine_, clock_, {.photo_limit = 0})),
            "too_many_photos");
  write(std::string(201, 'x') + "/1.jpg", FakeEngine::photo("face eve 10 10 50"));
  EXPECT_EQ(reason_of(train()), "name_too_long");
}

TEST_F(FlowsTest, ReportsHaveTheDocumentedJson) {
  const auto snapshot = two_people();
  const auto photo = FakeEngine::photo("face ann 40 40 40\nface zoe 70 0 20");
  const auto identified = to_json(*identify(photo, snapshot, engine_, policy()));
  const auto& faces = identified.at("faces").as_array();
  const auto& ann = faces[0].as_object();
  EXPECT_EQ(ann.at("decision"), "match");
  EXPECT_EQ(ann.at("person"), "Ann");
  EXPECT_EQ(ann.at("box").at("width"), 40.0);
  EXPECT_EQ(ann.at("landmarks").as_array().size(), 5U);
  EXPECT_EQ(ann.at("extrapolated"), false);
  EXPECT_EQ(ann.at("candidates").at(0).at("person"), "Ann");
  EXPECT_TRUE(ann.at("candidates").at(0).at("reference").is_string());
  EXPECT_FALSE(ann.at("candidates").at(0).as_object().contains("person_id"));
  EXPECT_EQ(faces[1].at("decision"), "unknown");
  EXPECT_TRUE(faces[1].at("person").is_null());
  EXPECT_TRUE(faces[1].at("similarity").is_double());

  const auto detected = to_json(*detect(engine_, photo), EmbeddingsInJson::LeftOut);
  EXPECT_EQ(detected.at("width_px"), FakeEngine::kSide_px);
  EXPECT_FALSE(detected.at("faces").at(0).as_object().contains("embedding"));
  const auto embedded = to_json(*embed(engine_, photo), EmbeddingsInJson::Included);
  EXPECT_EQ(embedded.at("faces").at(0).at("embedding").as_array().size(),
            size_t{FakeEngine::kLength});
  EXPECT_EQ(embedded.at("faces").at(0).at("model_id"), "m1");

  const auto one = FakeEngine::photo("face ben 40 40 40");
  const auto verified = to_json(*verify(one, std::string("Ann"), snapshot, engine_, policy()));
  EXPECT_EQ(verified.at("decision"), "no_match");
  EXPECT_EQ(verified.at("person"), "Ann");
  EXPECT_EQ(verified.at("model_id"), "m1");
  EXPECT_EQ(verified.at("false_match_rate"), 1e-4);
  const auto compared = to_json(*compare(one, one, engine_, policy()));
  EXPECT_EQ(compared.at("decision"), "match");
  EXPECT_EQ(compared.at("extrapolated"), true);  // 1e-4 lies beyond the table's 1e-3
}

}  // namespace
}  // namespace faceforge::recognition
