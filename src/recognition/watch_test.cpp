#include "recognition/watch.h"

#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition {
namespace {

using gallery::Verdict;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kFrame_ms = 100;

using SharedSnapshot = std::shared_ptr<const gallery::Snapshot>;

/// A face in a frame of the fake engine, whose frames are 100 x 100.
struct Standing {
  std::string name;
  int x = 0;
  int y = 10;
  int side = 30;
};

std::vector<std::byte> frame_of(const std::vector<Standing>& people, int serial) {
  std::string lines;
  for (const Standing& one : people) {
    lines += fmt::format("face {} {} {} {}\n", one.name, one.x, one.y, one.side);
  }
  return FakeEngine::photo(lines + fmt::format("frame {}\n", serial));
}

class WatchTest : public testing::Test {
 protected:
  SharedSnapshot snapshot_of(const std::vector<std::string>& names) {
    gallery::GalleryModel model{.model_id = engine_.model_id(),
                                .metric = face::Metric::Cosine,
                                .embedding_length = FakeEngine::kLength,
                                .pack_id = "fake"};
    for (const std::string& name : names) {
      const auto photo = engine_.decode(frame_of({{name}}, 999)).value();
      const auto aligned = engine_.align(photo, engine_.detect(photo)->front()).value();
      auto embedding = engine_.embed({&aligned, 1})->front().values;
      gallery::ModelPerson person{.name = name, .photo_count = 1, .mean = embedding};
      person.references.push_back({.name = name + ".jpg", .embedding = std::move(embedding)});
      model.people.push_back(std::move(person));
    }
    return std::make_shared<const gallery::Snapshot>(model);
  }

  WatchReport look(const std::vector<Standing>& people) {
    auto report = watch_.look(frame_of(people, ++serial_), time_ms_, snapshot_, engine_, policy_);
    time_ms_ += kFrame_ms;
    EXPECT_TRUE(report) << report.error().message;
    return std::move(report).value_or(WatchReport{});
  }

  /// As `look_often`, with recording; out: what was recorded until then
  std::vector<TrackRecord> record(const std::vector<Standing>& people, int count) {
    for (int i = 0; i < count; ++i, time_ms_ += kFrame_ms) {
      EXPECT_TRUE(watch_.look(frame_of(people, ++serial_), time_ms_, snapshot_, engine_, policy_,
                              {.recording = TrackRecording::On}));
    }
    return watch_.finish();
  }

  /// out: the last of `count` frames
  WatchReport look_often(const std::vector<Standing>& people, int count) {
    for (int i = 1; i < count; ++i) look(people);
    return look(people);
  }

  FakeEngine engine_;
  SharedSnapshot snapshot_ = snapshot_of({"ada", "bob", "eve"});
  gallery::MatchPolicy policy_ = gallery::MatchPolicy::create(engine_.calibration()).value();
  Watch watch_;
  int64_t time_ms_ = 0;
  int serial_ = 0;
};

/// `ada`, `unknown`, `ambiguous` or `undecided`.
std::string shown(const WatchedFace& face) {
  if (!face.decision) return "undecided";
  if (face.decision->verdict != Verdict::Match) {
    return std::string(gallery::to_string(face.decision->verdict));
  }
  return face.candidates.front().person;
}

TEST_F(WatchTest, NamesAFaceOnceThreeLooksAgree) {
  EXPECT_EQ(shown(look({{"ada", 10}}).faces.at(0)), "undecided");
  EXPECT_EQ(shown(look({{"ada", 12}}).faces.at(0)), "undecided");
  const WatchReport third = look({{"ada", 14}});
  ASSERT_THAT(third.faces, SizeIs(1));
  EXPECT_EQ(shown(third.faces[0]), "ada");
  EXPECT_EQ(third.faces[0].track, TrackId(1));
  EXPECT_EQ(third.faces[0].seen_for_ms, 2 * kFrame_ms);
  EXPECT_GT(third.faces[0].candidates.front().similarity, 0.7F);
  EXPECT_EQ(third.faces[0].candidates.front().reference, "ada.jpg");
  EXPECT_EQ(third.person_count, 3U);
  EXPECT_NEAR(third.false_positive_identification_rate, 0.01, 1e-6);
}

TEST_F(WatchTest, AStrangerIsUnknownAndStillHasANearestPerson) {
  const WatchReport report = look_often({{"stranger", 10}}, 5);
  EXPECT_EQ(shown(report.faces.at(0)), "unknown");
  ASSERT_FALSE(report.faces[0].candidates.empty());
  EXPECT_LT(report.faces[0].candidates.front().similarity,
            report.faces[0].decision->match_threshold.similarity);
}

TEST_F(WatchTest, AFaceThatIsKnownIsLookedAtOnlyFromTimeToTime) {
  look_often({{"ada", 10}}, 3);
  size_t look_count = 0;
  for (int frame = 0; frame < 28; ++frame) {
    const WatchReport report = look({{"ada", 10}});
    EXPECT_EQ(shown(report.faces.at(0)), "ada");
    look_count += report.look_count;
  }
  EXPECT_EQ(look_count, 4U) << "2800 ms, every 700 ms";
}

TEST_F(WatchTest, WhoeverTakesAnothersPlaceIsNeverCalledByTheirName) {
  look_often({{"ada", 10}}, 8);
  const WatchReport cut = look({{"bob", 10}});
  EXPECT_EQ(shown(cut.faces.at(0)), "undecided");
  EXPECT_THAT(cut.faces[0].candidates, IsEmpty()) << "what is known is about another face";
  const WatchReport second = look({{"bob", 10}});
  EXPECT_EQ(shown(second.faces.at(0)), "undecided");
  EXPECT_EQ(second.faces[0].track, TrackId(2)) << "another face, another track";
  EXPECT_EQ(second.faces[0].seen_for_ms, 0);
  look({{"bob", 10}});
  EXPECT_EQ(shown(look({{"bob", 10}}).faces.at(0)), "bob");
}

TEST_F(WatchTest, ALookThatShowsAnotherFaceOnceIsForgivenAtTheNext) {
  look_often({{"ada", 10}}, 4);
  EXPECT_EQ(shown(look({{"bob", 10}}).faces.at(0)), "undecided");
  const WatchReport back = look({{"ada", 10}});
  EXPECT_EQ(shown(back.faces.at(0)), "ada");
  EXPECT_EQ(back.faces[0].track, TrackId(1));
}

TEST_F(WatchTest, WhoeverComesWhereAnotherWasLostIsNeverCalledByTheirName) {
  look_often({{"ada", 10}}, 5);
  look_often({}, 3);
  for (int frame = 0; frame < 6; ++frame) {
    EXPECT_NE(shown(look({{"bob", 12}}).faces.at(0)), "ada");
  }
  EXPECT_EQ(shown(look({{"bob", 12}}).faces.at(0)), "bob");
}

TEST_F(WatchTest, WhoComesBackIsNamedAtTheFirstLook) {
  look_often({{"ada", 10}}, 5);
  look_often({}, 3);
  const WatchReport back = look({{"ada", 11}});
  EXPECT_EQ(shown(back.faces.at(0)), "ada");
  EXPECT_EQ(back.faces[0].track, TrackId(1));
}

TEST_F(WatchTest, ANewStateOfTheGalleryBeginsEveryVerdictAnew) {
  snapshot_ = snapshot_of({"bob"});
  EXPECT_EQ(shown(look_often({{"ada", 10}}, 5).faces.at(0)), "unknown");
  snapshot_ = snapshot_of({"ada", "bob"});
  EXPECT_EQ(shown(look({{"ada", 10}}).faces.at(0)), "undecided");
  look({{"ada", 10}});
  const WatchReport named = look({{"ada", 10}});
  EXPECT_EQ(shown(named.faces.at(0)), "ada") << "the unknown face became a person";
  EXPECT_EQ(named.faces[0].track, TrackId(1));
}

TEST_F(WatchTest, WhoWasDeletedFromTheGalleryIsNamedNoMore) {
  look_often({{"ada", 10}}, 5);
  snapshot_ = snapshot_of({"bob"});
  for (int frame = 0; frame < 5; ++frame) {
    const WatchReport report = look({{"ada", 10}});
    EXPECT_NE(shown(report.faces.at(0)), "ada");
    for (const auto& candidate : report.faces[0].candidates) EXPECT_NE(candidate.person, "ada");
  }
}

TEST_F(WatchTest, AFaceTooSmallToKeepAPromiseIsUnknown) {
  const WatchReport report = look_often({{"ada", 10, 10, 15}}, 4);
  EXPECT_TRUE(report.faces.at(0).too_small);
  EXPECT_EQ(shown(report.faces[0]), "unknown");
  EXPECT_THAT(report.faces[0].candidates, IsEmpty());
  EXPECT_EQ(report.look_count, 0U);
}

TEST_F(WatchTest, AFaceThatCannotBeAlignedIsLeftOut) {
  EXPECT_THAT(look({{"flat", 10}, {"ada", 60}}).faces, SizeIs(1));
}

TEST_F(WatchTest, MoreFacesThanLooksTakeTurns) {
  const std::vector<std::string> names{"ada", "bob", "eve", "dan", "fay", "gus", "hal"};
  snapshot_ = snapshot_of(names);
  std::vector<Standing> people;
  for (size_t i = 0; i < names.size(); ++i) {
    people.push_back({names[i], static_cast<int>(i % 4) * 25, static_cast<int>(i / 4) * 25, 20});
  }
  // Seven faces need three looks each, four a frame: six frames.
  for (int frame = 0; frame < 6; ++frame) {
    EXPECT_LE(look(people).look_count, Watch::kLooksPerFrame);
  }
  std::set<std::string> seen;
  for (const WatchedFace& face : look(people).faces) seen.insert(shown(face));
  EXPECT_EQ(seen, std::set<std::string>(names.begin(), names.end()));
}

TEST_F(WatchTest, AFrameThatFailsEndsNothing) {
  look_often({{"ada", 10}}, 4);
  const std::vector<std::byte> damaged(20);
  const auto failed = watch_.look(damaged, time_ms_, snapshot_, engine_, policy_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "not_an_image");
  EXPECT_EQ(shown(look({{"ada", 10}}).faces.at(0)), "ada");
}

TEST_F(WatchTest, RefusesAGalleryOfAnotherModel) {
  const FakeEngine other("m2");
  const auto failed = watch_.look(frame_of({{"ada"}}, 1), 0, snapshot_, other, policy_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "model_mismatch");
}

/// People who walk, stand before each other, leave and take each other's places, at random.
class Scene {
 public:
  explicit Scene(uint32_t seed) : random_(seed) {
    for (const char* name : {"ada", "bob", "eve", "stranger"}) {
      people_.push_back({.name = name, .x = below(80), .y = below(70), .side = 20});
      present_.push_back(below(2) == 0);
    }
  }

  std::vector<Standing> next() {
    for (size_t i = 0; i < people_.size(); ++i) {
      if (below(12) == 0) present_[i] = !present_[i];
      people_[i].x = std::clamp(people_[i].x + below(13) - 6, 0, 80);
      people_[i].y = std::clamp(people_[i].y + below(13) - 6, 0, 70);
    }
    if (below(8) == 0) {  // two of them change places, as in a cut of a film
      const auto one = static_cast<size_t>(below(4));
      const auto other = static_cast<size_t>(below(4));
      std::swap(people_[one].x, people_[other].x);
      std::swap(people_[one].y, people_[other].y);
    }
    std::vector<Standing> seen;
    std::set<std::pair<int, int>> places;
    for (size_t i = 0; i < people_.size(); ++i) {
      // The fake engine tells faces apart by where they are.
      if (present_[i] && places.emplace(people_[i].x, people_[i].y).second) {
        seen.push_back(people_[i]);
      }
    }
    return seen;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }

  std::mt19937 random_;
  std::vector<Standing> people_;
  std::vector<bool> present_;
};

TEST_F(WatchTest, InAnyCrowdNobodyIsCalledByAnothersNameAndNoTrackHasTwo) {
  int named = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    watch_ = Watch();
    Scene scene(seed);
    std::map<TrackId, std::set<std::string>> names_of_track;
    for (int frame = 0; frame < 80; ++frame) {
      const auto people = scene.next();
      for (const WatchedFace& face : look(people).faces) {
        const auto truth = std::ranges::find_if(people, [&](const Standing& one) {
          return static_cast<float>(one.x) == face.face.box.x &&
                 static_cast<float>(one.y) == face.face.box.y;
        });
        ASSERT_NE(truth, people.end());
        const std::string name = shown(face);
        if (name == "undecided" || name == "unknown") continue;
        ++named;
        ASSERT_EQ(name, truth->name) << "seed " << seed << ", frame " << frame;
        names_of_track[face.track].insert(name);
        ASSERT_THAT(names_of_track[face.track], SizeIs(1));
      }
    }
  }
  EXPECT_GT(named, 1'000) << "or the scenes show nothing";
}

TEST_F(WatchTest, WhoWasThereBeforeRecordingWasTurnedOnIsRecordedFromThenOn) {
  look_often({{"ada", 10}}, 20);
  const int64_t on_ms = time_ms_;
  auto records = record({{"ada", 10}}, 20);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].first_seen_ms, on_ms);
  look_often({{"ada", 10}}, 20);
  const int64_t again_ms = time_ms_;
  records = record({{"ada", 10}}, 20);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].first_seen_ms, again_ms);
}

TEST_F(WatchTest, RecordsThatAreForgottenBeginAnewAndTheFacesStayWhoTheyAre) {
  look_often({{"ada", 10}}, 3);
  record({{"ada", 10}}, 10);
  watch_.forget_records();
  const int64_t forgotten_ms = time_ms_;
  const auto records = record({{"ada", 10}}, 10);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].first_seen_ms, forgotten_ms);
  EXPECT_EQ(shown(look({{"ada", 10}}).faces.at(0)), "ada");
}

}  // namespace
}  // namespace faceforge::recognition
