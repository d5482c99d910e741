#include <algorithm>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "base/file.h"
#include "recognition/end_to_end_engine_test_support.h"
#include "recognition/identify.h"
#include "recognition/inference_scheduler.h"
#include "recognition/train_folder.h"
#include "recognition/verify.h"
#include "support/test_data.h"

namespace faceforge::recognition {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPhotoBytes = 25'000'000;
constexpr size_t kPeople = 12;
constexpr size_t kTrainedPhotos = 4;  ///< of each person; the next two are asked about

/// The first people of LFW with enough photos, each with these photos in order.
std::vector<std::vector<fs::path>> people_of(const fs::path& data) {
  std::vector<fs::path> folders(fs::directory_iterator(data / "lfw"), {});
  std::ranges::sort(folders);
  std::vector<std::vector<fs::path>> people;
  for (const fs::path& folder : folders) {
    std::vector<fs::path> photos(fs::directory_iterator(folder), {});
    if (photos.size() < kTrainedPhotos + 2) continue;
    std::ranges::sort(photos);
    photos.resize(kTrainedPhotos + 2);
    people.push_back(std::move(photos));
    if (people.size() == kPeople) break;
  }
  return people;
}

TEST(EndToEnd, PeopleTrainedFromAFolderAreFoundInOtherPhotosOfThem) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto engine = real_engine(data);
  ASSERT_TRUE(engine);
  const auto people = people_of(data);
  ASSERT_EQ(people.size(), kPeople);
  const test::TemporaryFolder folder;
  for (const auto& photos : people) {
    const fs::path own = folder.path() / photos[0].parent_path().filename();
    fs::create_directory(own);
    for (size_t photo = 0; photo < kTrainedPhotos; ++photo) {
      fs::copy_file(photos[photo], own / photos[photo].filename());
    }
  }
  // A photo of another person among those of the first must not enter the template.
  const fs::path wrong = folder.path() / people[0][0].parent_path().filename() / "wrong.jpg";
  fs::copy_file(people[1][kTrainedPhotos], wrong);

  const SystemClock clock;
  const auto training = train_folder(folder.path(), *engine, clock);
  ASSERT_TRUE(training) << training.error().message;
  EXPECT_EQ(training->model.people.size(), kPeople);
  const bool wrong_skipped = std::ranges::any_of(training->skipped, [](const SkippedPhoto& photo) {
    return photo.path.filename() == "wrong.jpg";
  });
  EXPECT_TRUE(wrong_skipped);

  const gallery::Snapshot snapshot(training->model);
  const auto policy = *gallery::MatchPolicy::create(engine->calibration());
  int found = 0;
  int wrongly_named = 0;
  for (const auto& photos : people) {
    const std::string name = photos[0].parent_path().filename().string();
    for (size_t photo = kTrainedPhotos; photo < photos.size(); ++photo) {
      const auto bytes = *read_file(photos[photo], kPhotoBytes);
      const auto report = identify(bytes, snapshot, *engine, policy);
      ASSERT_TRUE(report) << report.error().message;
      bool right = false;
      for (const IdentifiedFace& face : report->faces) {
        if (face.decision.verdict != gallery::Verdict::Match) continue;
        const bool is_named_rightly = face.candidates[0].person == name;
        right |= is_named_rightly;
        wrongly_named += is_named_rightly ? 0 : 1;
      }
      found += right ? 1 : 0;
    }
  }
  // Of 24 photos the pack misses under 1 % at this rate; bystanders are strangers to the gallery.
  EXPECT_GE(found, 23);
  EXPECT_EQ(wrongly_named, 0);
}

TEST(EndToEnd, StrangersStayUnknown) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto engine = real_engine(data);
  ASSERT_TRUE(engine);
  const auto people = people_of(data);
  const test::TemporaryFolder folder;
  for (size_t person = 0; person < 4; ++person) {
    const fs::path own = folder.path() / people[person][0].parent_path().filename();
    fs::create_directory(own);
    fs::copy_file(people[person][0], own / "only.jpg");
  }
  const SystemClock clock;
  const auto training = train_folder(folder.path(), *engine, clock);
  ASSERT_TRUE(training) << training.error().message;
  const gallery::Snapshot snapshot(training->model);
  const auto policy = *gallery::MatchPolicy::create(engine->calibration());
  for (size_t person = 4; person < kPeople; ++person) {
    const auto bytes = *read_file(people[person][0], kPhotoBytes);
    const auto report = identify(bytes, snapshot, *engine, policy);
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_FALSE(report->faces.empty());
    for (const IdentifiedFace& face : report->faces) {
      EXPECT_EQ(face.decision.verdict, gallery::Verdict::Unknown) << people[person][0];
      EXPECT_FALSE(face.too_small || face.candidates.empty());
    }
  }
}

TEST(EndToEnd, TwoPhotosOfOnePersonMatchAndOfTwoDoNot) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto engine = real_engine(data);
  ASSERT_TRUE(engine);
  const auto people = people_of(data);
  const auto policy = *gallery::MatchPolicy::create(engine->calibration());
  const auto file = [&](size_t person, size_t photo) {
    return *read_file(people[person][photo], kPhotoBytes);
  };
  const VerifyOptions largest{.wanted_face = FaceChoice::Largest};
  const auto same = compare(file(0, 0), file(0, 1), *engine, policy, largest);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->decision.verdict, gallery::Verdict::Match);
  const auto other = compare(file(0, 0), file(1, 0), *engine, policy, largest);
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->decision.verdict, gallery::Verdict::Unknown);
}

/// oneDNN chooses another order of summation for another batch and another number of threads, so
/// that the last bits of a float differ: 512 numbers of unit length to within a few roundings.
constexpr float kRoundings = 1e-5F;

TEST(EndToEnd, AnEmbeddingDependsNeitherOnWhoElseAsksNorOnTheNumberOfCores) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto pipeline = real_pipeline(data);
  ASSERT_TRUE(pipeline);
  const Engines engines = make_engines(pipeline, 2);
  std::vector<std::vector<std::byte>> files;
  std::vector<PhotoFaces> expected;
  for (const auto& photos : people_of(data)) {
    files.push_back(*read_file(photos[0], kPhotoBytes));
    expected.push_back(*embed(*engines.one_core, files.back()));
  }
  const auto scheduler =
      *InferenceScheduler::start({.core_count = 2, .gathering = std::chrono::milliseconds(50)});
  const auto look = [&](size_t index) {
    const auto request = scheduler->begin(engines);
    const auto found = embed(**request, files[index]);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->faces.size(), expected[index].faces.size());
    for (size_t face = 0; face < found->faces.size(); ++face) {
      const auto& values = found->faces[face].embedding.values;
      const auto& alone = expected[index].faces[face].embedding.values;
      ASSERT_EQ(values.size(), alone.size());
      for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], alone[i], kRoundings);
    }
  };
  for (size_t index = 0; index < files.size(); ++index) look(index);  // with all cores
  std::vector<std::jthread> together;
  for (size_t index = 0; index < files.size(); ++index) {
    together.emplace_back([&look, index] { look(index); });
  }
}

}  // namespace
}  // namespace faceforge::recognition
