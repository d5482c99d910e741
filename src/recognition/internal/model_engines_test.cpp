#include "recognition/internal/model_engines.h"

#include <atomic>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"

namespace faceforge::recognition::internal {
namespace {

/// A machine with packs of the models m1 to m4; m9 is broken.
class ModelEnginesTest : public testing::Test {
 protected:
  static gallery::Snapshot snapshot_of(const std::string& model) {
    return gallery::Snapshot({.model_id = face::ModelId(model),
                              .metric = face::Metric::Cosine,
                              .embedding_length = FakeEngine::kLength,
                              .pack_id = "pack of " + model});
  }

  Result<std::optional<Engines>> load(const face::ModelId& model) {
    {
      const std::scoped_lock lock(mutex_);
      ++loads_[model.hex()];
    }
    if (on_load) on_load(model.hex());
    if (model.hex() == "m9") return fail(ErrorCode::Corrupt, "pack_file_sha256", "damaged");
    if (!model.hex().starts_with("m")) return std::nullopt;
    return Engines(std::make_shared<FakeEngine>(model.hex()));
  }

  /// The model of the engines for a version, or the reason why there are none.
  std::string asked(const std::string& model) {
    const auto engines = engines_.engines_of(snapshot_of(model));
    return engines ? engines->one_core->model_id().hex() : engines.error().reason;
  }

  int loads(const std::string& model) {
    const std::scoped_lock lock(mutex_);
    return loads_[model];
  }

  std::function<void(const std::string&)> on_load;
  ManualClock clock_;
  std::mutex mutex_;
  std::map<std::string, int> loads_;
  ModelEngines engines_{std::make_shared<FakeEngine>("m1"),
                        [this](const face::ModelId& model) { return load(model); }, clock_};
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

TEST_F(ModelEnginesTest, OfThreeOtherModelsTheOneAskedForLongestAgoMakesRoom) {
  for (const char* model : {"m2", "m3", "m2", "m4"}) EXPECT_EQ(asked(model), model);
  EXPECT_EQ(asked("m2"), "m2");
  EXPECT_EQ(loads("m2"), 1);
  EXPECT_EQ(asked("m3"), "m3");
  EXPECT_EQ(loads("m3"), 2) << "it had made room for m4";
}

TEST_F(ModelEnginesTest, WhereNoPackCanBeUsedItIsAMismatchAndNotTriedAgainForAMinute) {
  for (const char* model : {"m9", "none"}) {
    EXPECT_EQ(asked(model), "model_mismatch");
    clock_.advance(std::chrono::milliseconds(ModelEngines::kTryAgain_ms - 1));
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

TEST_F(ModelEnginesTest, AModelThatCouldNotBeLoadedIsThereOnceItIsTakenIntoUse) {
  EXPECT_EQ(asked("m9"), "model_mismatch");
  engines_.use(std::make_shared<FakeEngine>("m9"));
  engines_.use(std::make_shared<FakeEngine>("m1"));
  EXPECT_EQ(asked("m9"), "m9");
}

TEST_F(ModelEnginesTest, WithoutALoaderOnlyWhatWasInUseIsThere) {
  ModelEngines alone(std::make_shared<FakeEngine>("m1"), {}, clock_);
  EXPECT_TRUE(alone.engines_of(snapshot_of("m1")));
  EXPECT_FALSE(alone.engines_of(snapshot_of("m2")));
}

TEST_F(ModelEnginesTest, WhoAsksForAModelThatIsBeingLoadedWaitsAndOthersDoNot) {
  std::latch begun(1);
  std::latch go_on(1);
  on_load = [&](const std::string& model) {
    if (model != "m2") return;
    begun.count_down();
    go_on.wait();
  };
  std::vector<std::string> answers(3);
  {
    std::vector<std::jthread> askers;
    for (std::string& answer : answers) {
      askers.emplace_back([&] { answer = asked("m2"); });
    }
    begun.wait();
    EXPECT_EQ(asked("m1"), "m1");
    EXPECT_EQ(asked("m3"), "m3");
    engines_.use(std::make_shared<FakeEngine>("m4"));
    EXPECT_EQ(engines_.in_use().one_core->model_id().hex(), "m4");
    go_on.count_down();
  }
  EXPECT_EQ(answers, std::vector<std::string>(3, "m2"));
  EXPECT_EQ(loads("m2"), 1);
}

TEST_F(ModelEnginesTest, AModelThatIsTakenIntoUseWhileItIsLoadedIsHeldOnce) {
  const Engines promoted(std::make_shared<FakeEngine>("m2"));
  on_load = [&](const std::string&) { engines_.use(promoted); };
  EXPECT_EQ(engines_.engines_of(snapshot_of("m2"))->one_core, promoted.one_core);
}

}  // namespace
}  // namespace faceforge::recognition::internal
