#include "recognition/internal/model_engines.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition::internal {
namespace {

using ::testing::UnorderedElementsAre;

/// A machine with packs of the models m1 to m9, of which m9 is damaged.
class ModelEnginesTest : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kStay{ModelEngines::kStay_ms};

  static gallery::Snapshot snapshot_of(const std::string& model) {
    return gallery::Snapshot({.model_id = face::ModelId(model),
                              .metric = face::Metric::Cosine,
                              .embedding_length = FakeEngine::kLength,
                              .pack_id = "pack of " + model});
  }

  Result<std::optional<Engines>> load(const face::ModelId& model, const std::string& pack_id) {
    EXPECT_EQ(pack_id, "pack of " + model.hex());
    EXPECT_EQ(++loading_now_, 1) << "one at a time";
    {
      const std::scoped_lock lock(mutex_);
      ++loads_[model.hex()];
    }
    if (on_load) on_load(model.hex());
    --loading_now_;
    if (model.hex() == "m9") return fail(ErrorCode::Corrupt, "pack_file_sha256", "damaged");
    if (trouble) return Unexpected(*trouble);
    if (!model.hex().starts_with("m")) return std::nullopt;
    return Engines(std::make_shared<FakeEngine>(model.hex()));
  }

  static std::string told(const Result<Engines>& engines) {
    return engines ? engines->one_core->model_id().hex() : engines.error().reason;
  }

  /// The model of the engines for a version, or the reason why there are none.
  std::string asked(const std::string& model, VersionChoice choice = VersionChoice::InUse) {
    return told(engines_.engines_of(snapshot_of(model), choice));
  }
  std::string asked_by_number(const std::string& model) {
    return asked(model, VersionChoice::ByNumber);
  }

  void need(const std::vector<std::string>& models) {
    std::vector<gallery::AnsweringPack> packs;
    for (const std::string& model : models) {
      packs.push_back({.model_id = face::ModelId(model), .pack_id = "pack of " + model});
    }
    engines_.need(packs);
  }

  std::vector<std::string> others() const {
    std::vector<std::string> models;
    for (const Engines& held : engines_.others()) models.push_back(held.one_core->model_id().hex());
    return models;
  }

  int loads(const std::string& model) {
    const std::scoped_lock lock(mutex_);
    return loads_[model];
  }

  /// Waits for what another thread does, longer than that ever takes.
  static bool comes(const std::function<bool()>& is) {
    for (int round = 0; round < 2'000 && !is(); ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return is();
  }

  std::function<void(const std::string&)> on_load;
  std::optional<Error> trouble;
  ManualClock clock_;
  std::mutex mutex_;
  std::map<std::string, int> loads_;
  std::atomic<int> loading_now_ = 0;
  LoadEngines load_ = [this](const face::ModelId& model, const std::string& pack_id) {
    return load(model, pack_id);
  };
  ModelEngines engines_{std::make_shared<FakeEngine>("m1"), load_, clock_, {.waiting = 8}};
};

/// Keeps the loading of a model until it may go on.
struct HeldLoad {
  HeldLoad(std::function<void(const std::string&)>& on_load, std::string_view held) {
    on_load = [this, held](const std::string& model) {
      if (model != held) return;
      begun.count_down();
      go_on.wait();
    };
  }
  std::latch begun{1};
  std::latch go_on{1};
};

TEST_F(ModelEnginesTest, AVersionIsAskedWithTheEnginesOfItsModelWhichAreLoadedWhenFirstNeeded) {
  EXPECT_EQ(asked("m1"), "m1");
  EXPECT_EQ(loads("m1"), 0);
  EXPECT_EQ(asked("m2"), "m2");
  EXPECT_EQ(asked("m2"), "m2");
  EXPECT_EQ(loads("m2"), 1);
  EXPECT_EQ(engines_.in_use().one_core->model_id().hex(), "m1");
}

TEST_F(ModelEnginesTest, FormerEnginesStayAndNoneIsHeldTwice) {
  const Engines first = engines_.in_use();
  engines_.use(std::make_shared<FakeEngine>("m2"));
  EXPECT_EQ(engines_.engines_of(snapshot_of("m1"))->one_core, first.one_core);
  const Engines again(std::make_shared<FakeEngine>("m1"));
  engines_.use(again);  // back, loaded anew
  EXPECT_EQ(engines_.engines_of(snapshot_of("m1"))->one_core, again.one_core);
  EXPECT_EQ(first.one_core.use_count(), 2) << "both of `first`'s own";
  EXPECT_EQ(asked("m2"), "m2");
  EXPECT_EQ(loads("m1") + loads("m2"), 0);
}

TEST_F(ModelEnginesTest, APackOfTheSameModelReplacesTheOneInUse) {
  const Engines first = engines_.in_use();
  engines_.use(std::make_shared<FakeEngine>("m1"));
  EXPECT_EQ(first.one_core.use_count(), 2) << "both of `first`'s own";
}

TEST_F(ModelEnginesTest, OfThreeModelsThatAnswerTheOneAskedForLongestAgoMakesRoomAfterAWhile) {
  for (const char* model : {"m2", "m3", "m2"}) EXPECT_EQ(asked(model), model);
  EXPECT_EQ(asked("m4"), "pack_unavailable") << "both were just loaded";
  clock_.advance(kStay);
  EXPECT_EQ(asked("m4"), "m4");
  EXPECT_THAT(others(), UnorderedElementsAre("m2", "m4"));
  EXPECT_EQ(asked("m2"), "m2");
  EXPECT_EQ(loads("m2"), 1);
  EXPECT_EQ(asked("m3"), "m3");
  EXPECT_EQ(loads("m3"), 2) << "it had made room for m4";
  EXPECT_THAT(others(), UnorderedElementsAre("m3", "m4")) << "which was just loaded, and stays";
}

TEST_F(ModelEnginesTest, AVersionOfAModelThatAnswersNowherePushesOutNoneThatDoes) {
  for (const char* model : {"m2", "m3"}) EXPECT_EQ(asked(model), model);
  EXPECT_EQ(asked_by_number("m4"), "m4");
  EXPECT_EQ(asked_by_number("m5"), "pack_unavailable");
  clock_.advance(kStay);
  EXPECT_EQ(asked_by_number("m5"), "m5");
  EXPECT_THAT(others(), UnorderedElementsAre("m2", "m3", "m5"));
  EXPECT_EQ(asked_by_number("m3"), "m3");
  for (const char* model : {"m2", "m3"}) EXPECT_EQ(loads(model), 1) << model;
}

TEST_F(ModelEnginesTest, WhatAnswersIsLoadedBeforeItIsAskedForAndWhatAnswersNoMoreIsLetGo) {
  need({"m1", "m3", "m2", "m4"});
  ASSERT_TRUE(comes([&] { return others().size() == 2; }));
  EXPECT_THAT(others(), UnorderedElementsAre("m3", "m2")) << "those of most galleries";
  const std::weak_ptr<const FaceEngine> let_go = engines_.find(face::ModelId("m2"));
  EXPECT_EQ(asked("m3"), "m3");
  clock_.advance(kStay - std::chrono::milliseconds(1));
  need({"m1", "m3"});
  EXPECT_FALSE(let_go.expired()) << "who began with it a moment ago may ask once more";
  clock_.advance(std::chrono::milliseconds(1));
  need({"m1", "m3"});
  EXPECT_THAT(others(), UnorderedElementsAre("m3"));
  EXPECT_TRUE(let_go.expired());
  EXPECT_EQ(loads("m3") + loads("m2"), 2);
  EXPECT_EQ(engines_.find(face::ModelId("m1")), engines_.in_use().one_core);
}

TEST_F(ModelEnginesTest, LookingAfterThemPushesOutNoneThatAnswersHoweverLongItHasBeenThere) {
  const std::vector<std::string> by_galleries{"m2", "m3", "m4"};
  need(by_galleries);
  ASSERT_TRUE(comes([&] { return others().size() == 2; }));
  for (int pass = 0; pass < 3; ++pass) {
    clock_.advance(20 * kStay);
    EXPECT_EQ(told(engines_.engines_at_once(snapshot_of("m2"))), "m2");
    need(by_galleries);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a loader would have begun
    EXPECT_EQ(loads("m4"), 0);
    EXPECT_THAT(others(), UnorderedElementsAre("m2", "m3"));
  }
  // Nor is it a question: m3, for which nobody has asked, makes room for whoever is asked for.
  EXPECT_EQ(asked("m4"), "m4");
  EXPECT_THAT(others(), UnorderedElementsAre("m2", "m4"));
  EXPECT_EQ(loads("m2") + loads("m3") + loads("m4"), 3);
}

TEST_F(ModelEnginesTest, WhereNoPackCanBeUsedItIsAMismatchAndNotLookedForAgainForAMinute) {
  for (const char* model : {"m9", "none"}) {
    EXPECT_EQ(asked(model), "model_mismatch");
    clock_.advance(std::chrono::milliseconds(ModelEngines::kLookAgain_ms - 1));
    EXPECT_EQ(asked(model), "model_mismatch");
    EXPECT_EQ(loads(model), 1);
    clock_.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(asked(model), "model_mismatch");
    EXPECT_EQ(loads(model), 2);
  }
  const auto refused = engines_.engines_of(snapshot_of("m9"));
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_NE(refused.error().message.find("pack of m9"), std::string::npos);
}

TEST_F(ModelEnginesTest, ATroubleThatPassesIsNoMismatchAndSoonTriedAgain) {
  for (const ErrorCode code : {ErrorCode::Busy, ErrorCode::Exhausted, ErrorCode::Internal,
                               ErrorCode::Forbidden, ErrorCode::NotFound}) {
    loads_["m2"] = 0;
    trouble = Error{code, "some_trouble", "/srv/packs/secret.onnx is not there"};
    const auto refused = engines_.engines_of(snapshot_of("m2"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_EQ(refused.error().reason, "pack_unavailable");
    EXPECT_TRUE(refused.error().message.starts_with("try again in 5 s: "));
    EXPECT_EQ(refused.error().message.find("/srv"), std::string::npos);
    EXPECT_EQ(asked("m2"), "pack_unavailable");
    EXPECT_EQ(loads("m2"), 1);
    clock_.advance(std::chrono::milliseconds(ModelEngines::kTryAgain_ms));
  }
  trouble.reset();
  EXPECT_EQ(asked("m2"), "m2");
}

TEST_F(ModelEnginesTest, AModelThatCouldNotBeLoadedIsThereOnceItIsTakenIntoUse) {
  EXPECT_EQ(asked("m9"), "model_mismatch");
  engines_.use(std::make_shared<FakeEngine>("m9"));
  engines_.use(std::make_shared<FakeEngine>("m1"));
  EXPECT_EQ(asked("m9"), "m9");
}

TEST_F(ModelEnginesTest, WithoutALoaderOnlyWhatWasInUseIsThere) {
  ModelEngines alone(std::make_shared<FakeEngine>("m1"), {}, clock_);
  EXPECT_TRUE(alone.engines_of(snapshot_of("m1")));
  EXPECT_EQ(told(alone.engines_of(snapshot_of("m2"))), "model_mismatch");
}

TEST_F(ModelEnginesTest, WhoAsksForAModelThatIsBeingLoadedWaitsAndNobodyElseDoes) {
  HeldLoad held(on_load, "m2");
  std::vector<std::string> answers(3);
  std::string after;
  {
    std::vector<std::jthread> askers;
    for (std::string& answer : answers) {
      askers.emplace_back([&] { answer = asked("m2"); });
    }
    held.begun.wait();
    askers.emplace_back([&] { after = asked("m3"); });
    EXPECT_EQ(asked("m1"), "m1");
    EXPECT_EQ(told(engines_.engines_at_once(snapshot_of("m2"))), "pack_unavailable");
    const Engines anew(std::make_shared<FakeEngine>("m1"));
    engines_.use(anew);
    EXPECT_EQ(engines_.in_use().one_core, anew.one_core);
    held.go_on.count_down();
  }
  EXPECT_EQ(answers, std::vector<std::string>(3, "m2"));
  EXPECT_EQ(loads("m2"), 1);
  EXPECT_EQ(after, "m3") << "after m2, for one is loaded at a time";
  EXPECT_EQ(told(engines_.engines_at_once(snapshot_of("m2"))), "m2");
}

TEST_F(ModelEnginesTest, TheWaitForAPackIsBoundedInTimeAndInNumber) {
  HeldLoad held(on_load, "m2");
  ModelEngines few(std::make_shared<FakeEngine>("m1"), load_, clock_,
                   {.waiting = 1, .wait = std::chrono::milliseconds(200)});
  std::string first;
  {
    std::jthread asker([&] { first = told(few.engines_of(snapshot_of("m2"))); });
    held.begun.wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it waits by now
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(told(few.engines_of(snapshot_of("m2"))), "pack_unavailable");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(100));
  }
  EXPECT_EQ(first, "pack_unavailable");
  held.go_on.count_down();
  EXPECT_TRUE(comes([&] { return few.engines_at_once(snapshot_of("m2")).has_value(); }));
}

TEST_F(ModelEnginesTest, WhoIsGoneWaitsNoLonger) {
  HeldLoad held(on_load, "m2");
  std::stop_source gone;
  std::string answer;
  const auto began = std::chrono::steady_clock::now();
  {
    std::jthread asker([&] {
      answer = told(engines_.engines_of(snapshot_of("m2"), VersionChoice::InUse, gone.get_token()));
    });
    held.begun.wait();
    gone.request_stop();
  }
  EXPECT_EQ(answer, "request_abandoned");
  EXPECT_LT(std::chrono::steady_clock::now() - began, ModelEngines::Limits{}.wait / 2);
  held.go_on.count_down();
  EXPECT_TRUE(comes([&] { return others().size() == 1; })) << "it is loaded all the same";
}

TEST_F(ModelEnginesTest, AModelThatIsTakenIntoUseWhileItIsLoadedIsHeldOnce) {
  const Engines promoted(std::make_shared<FakeEngine>("m2"));
  on_load = [&](const std::string&) { engines_.use(promoted); };
  EXPECT_EQ(engines_.engines_of(snapshot_of("m2"))->one_core, promoted.one_core);
  EXPECT_THAT(others(), UnorderedElementsAre("m1"));
}

}  // namespace
}  // namespace faceforge::recognition::internal
