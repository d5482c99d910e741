#include "cli/pack_upkeep.h"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recognition/recognition_test_engine.h"
#include "recognition/train_job.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

using recognition::Engines;
using recognition::FakeEngine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Packs that lie nowhere, by rank.
class FakePacks final : public ServedPacks {
 public:
  struct Pack {
    std::string id{};
    std::string network{};  ///< its hash: two packs of one network are of one model
    bool has_hashes = true;
    bool is_calibrated = true;
    std::optional<Error> fault{};
    std::optional<Error> unread{};   ///< when its model is asked for
    std::optional<Error> trouble{};  ///< when it is loaded
  };

  static packs::Card card_of(const Pack& pack) {
    packs::Card card{.id = pack.id, .name = pack.id};
    card.files = {{.path = "embedder.onnx", .sha256 = pack.network, .size_bytes = 1}};
    if (!pack.has_hashes) card.files.front().sha256.reset();
    card.embedders = {{.file = "embedder.onnx"}};
    if (pack.is_calibrated) card.calibration = face::Calibration{};
    return card;
  }

  static face::ModelId model_of_network(const std::string& network) {
    return *packs::model_id(card_of({.id = "any", .network = network}));
  }

  static Engines engines_of(const Pack& pack) {
    const auto engine = std::make_shared<FakeEngine>(model_of_network(pack.network).hex(), pack.id);
    if (!pack.is_calibrated) engine->calibrate(std::nullopt);
    return engine;
  }

  [[nodiscard]] Pack& at(std::string_view id) { return *std::ranges::find(all, id, &Pack::id); }

  [[nodiscard]] Result<std::vector<packs::PackEntry>> list() const override {
    if (trouble) return Unexpected(*trouble);
    std::vector<packs::PackEntry> entries;
    for (const Pack& pack : all) {
      entries.push_back(
          {.card = card_of(pack), .state = packs::PackState::InPlace, .fault = pack.fault});
      if (pack.id == promoted) entries.back().default_mark = packs::DefaultMark::Default;
    }
    return entries;
  }

  [[nodiscard]] Result<face::ModelId> model_of(const packs::PackEntry& entry) const override {
    const auto pack = std::ranges::find(all, entry.card.id, &Pack::id);
    if (pack->unread) return Unexpected(*pack->unread);
    return model_of_network(pack->network);
  }

  [[nodiscard]] Result<Engines> load(const std::string& pack_id) const override {
    loaded.push_back(pack_id);
    if (on_load) on_load();
    const auto pack = std::ranges::find(all, pack_id, &Pack::id);
    if (pack->trouble) return Unexpected(*pack->trouble);
    return engines_of(*pack);
  }

  std::vector<Pack> all{{.id = "a", .network = std::string(64, 'a')},
                        {.id = "b", .network = std::string(64, 'b')}};
  std::string promoted = "a";
  std::optional<Error> trouble;
  std::function<void()> on_load;
  mutable std::vector<std::string> loaded;
};

class PackUpkeepTest : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<store::Migration> steps = store::owner_migrations();
    for (const auto& step : jobs::migrations()) steps.push_back(step);
    for (const auto& step : gallery::migrations()) steps.push_back(step);
    ASSERT_TRUE(store::migrate(*database_, steps));
    serve(ServedPack::Default);
  }

  void serve(ServedPack served) {
    upkeep_.emplace(PackUpkeep::Parts{.packs = packs_,
                                      .scheduler = *scheduler_,
                                      .recognition = recognition_,
                                      .jobs = jobs_,
                                      .clock = clock_,
                                      .served = served});
  }

  /// One look; then which pack is in use.
  std::string look() {
    upkeep_->look(stop_.get_token());
    return recognition_.engine()->pack_id();
  }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<test::FreshDatabase> fresh_ = test::FreshDatabase::make(store::Dialect::Sqlite);
  std::shared_ptr<store::Database> database_ = fresh_->open();
  store::BlobFiles files_ = *store::BlobFiles::open(folder_.path() / "photos");
  gallery::Galleries galleries_{*database_, files_, clock_};
  std::unique_ptr<recognition::InferenceScheduler> scheduler_ =
      *recognition::InferenceScheduler::start({.core_count = 1});
  FakePacks packs_;
  recognition::Recognition recognition_{
      galleries_, *scheduler_, FakePacks::engines_of(packs_.all[0]), {}, engines_among(packs_)};
  jobs::Jobs jobs_{database_, clock_};
  std::stop_source stop_;
  std::optional<PackUpkeep> upkeep_;
};

TEST_F(PackUpkeepTest, AnotherDefaultIsTakenUpOnceAndBack) {
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, IsEmpty());
  packs_.promoted = "b";
  EXPECT_EQ(look(), "b");
  EXPECT_EQ(look(), "b");
  packs_.promoted = "a";
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, ElementsAre("b", "a"));
}

TEST_F(PackUpkeepTest, APackThatWasNamedAtTheStartStays) {
  serve(ServedPack::Fixed);
  packs_.promoted = "b";
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, IsEmpty());
}

TEST_F(PackUpkeepTest, APackWhoseCardKnowsNoHashesIsTakenUpOnce) {
  packs_.at("b").has_hashes = false;
  packs_.promoted = "b";
  for (int looks = 0; looks < 3; ++looks) EXPECT_EQ(look(), "b");
  EXPECT_THAT(packs_.loaded, ElementsAre("b"));
}

TEST_F(PackUpkeepTest, APackWithoutThresholdsIsRefusedUnloadedUntilItHasSome) {
  packs_.at("b").is_calibrated = false;
  packs_.promoted = "b";
  for (int looks = 0; looks < 3; ++looks) EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, IsEmpty());
  packs_.at("b").is_calibrated = true;
  EXPECT_EQ(look(), "b") << "at the next look, not ten minutes later";
}

TEST_F(PackUpkeepTest, WhatCannotBeLoadedIsTriedAgainAfterTenMinutes) {
  packs_.at("b").trouble = Error{ErrorCode::Corrupt, "pack_file_sha256", "damaged"};
  packs_.promoted = "b";
  for (int looks = 0; looks < 3; ++looks) EXPECT_EQ(look(), "a");
  packs_.at("b").trouble.reset();
  clock_.advance(std::chrono::milliseconds(PackUpkeep::kTryRefusedAgain_ms - 1));
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, ElementsAre("b"));
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(look(), "b");
}

TEST_F(PackUpkeepTest, AStopWhileAPackIsLoadedLeavesTheOneInUse) {
  packs_.on_load = [&] { stop_.request_stop(); };
  packs_.promoted = "b";
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, ElementsAre("b"));
}

TEST_F(PackUpkeepTest, WhereThePackInUseOrEveryDefaultIsGoneItGoesOn) {
  packs_.at("a").fault = Error{ErrorCode::Internal, "file_error", "too many open files"};
  packs_.promoted = "b";
  EXPECT_EQ(look(), "a") << "the next best one is nobody's wish";
  packs_.at("b").fault = packs_.at("a").fault;
  packs_.promoted.clear();
  EXPECT_EQ(look(), "a");
  packs_.trouble = packs_.at("a").fault;
  EXPECT_EQ(look(), "a");
  packs_.all.clear();
  packs_.trouble.reset();
  EXPECT_EQ(look(), "a");
  EXPECT_THAT(packs_.loaded, IsEmpty());
}

TEST_F(PackUpkeepTest, FormerPacksThatAnswerAreLoadedAtTheStart) {
  recognition::add_train_gallery(jobs_, recognition_);
  const auto user = *database_->transact([&](store::Transaction& transaction) {
    return store::create_owner(transaction, clock_.now_ms());
  });
  const auto gallery = galleries_.create_gallery(user, "g")->id;
  const auto ann = galleries_.add_person(user, gallery, "Ann")->id;
  const auto photo = FakeEngine::photo("face ann 10 10 50");
  ASSERT_TRUE(recognition_.enroll(user, gallery, ann, photo, "a.jpg")->photo);
  ASSERT_TRUE(recognition_.train(user, gallery));
  recognition::Recognition after_a_start(
      galleries_, *scheduler_, FakePacks::engines_of(packs_.all[1]), {}, engines_among(packs_));
  packs_.promoted = "b";
  upkeep_.emplace(PackUpkeep::Parts{.packs = packs_,
                                    .scheduler = *scheduler_,
                                    .recognition = after_a_start,
                                    .jobs = jobs_,
                                    .clock = clock_});
  std::jthread thread([&](const std::stop_token& stop) { upkeep_->run(stop); });
  for (int round = 0; round < 1'000 && after_a_start.former_engines().empty(); ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(after_a_start.former_engines().size(), 1U);
  EXPECT_EQ(after_a_start.former_engines().front().one_core->pack_id(), "a");
}

class EnginesAmongTest : public testing::Test {
 protected:
  /// Which pack is loaded for a model, `none`, or the reason why none can be.
  std::string found(char network, const std::string& pack_id) {
    const auto engines =
        engines_among(packs_)(FakePacks::model_of_network(std::string(64, network)), pack_id);
    if (!engines) return engines.error().reason;
    return *engines ? (*engines)->one_core->pack_id() : "none";
  }

  FakePacks packs_;
};

TEST_F(EnginesAmongTest, OfOneModelThePackThatTrainedTheVersionComesFirst) {
  packs_.all.push_back({.id = "b2", .network = std::string(64, 'b'), .has_hashes = false});
  EXPECT_EQ(found('b', "b"), "b");
  EXPECT_EQ(found('b', "b2"), "b2");
  EXPECT_EQ(found('b', "gone"), "b") << "by rank";
  EXPECT_EQ(found('c', "b"), "none");
}

TEST_F(EnginesAmongTest, WhereTheFirstCannotBeUsedAnotherOfThatModelIs) {
  packs_.all.push_back({.id = "b2", .network = std::string(64, 'b')});
  packs_.at("b").trouble = Error{ErrorCode::Corrupt, "pack_file_sha256", "damaged"};
  EXPECT_EQ(found('b', "b"), "b2");
  packs_.at("b").fault = Error{ErrorCode::Internal, "file_error", "too many open files"};
  EXPECT_EQ(found('b', "b"), "b2");
  packs_.at("b2").trouble = Error{ErrorCode::Exhausted, "out_of_memory", "none left"};
  EXPECT_EQ(found('b', "b"), "file_error") << "that of the one that trained the version";
}

TEST_F(EnginesAmongTest, APackThatCannotBeReadCountsWhereItMayBeTheOne) {
  packs_.at("b").fault = Error{ErrorCode::Internal, "file_error", "too many open files"};
  packs_.at("b").has_hashes = false;
  EXPECT_EQ(found('b', "b"), "file_error");
  EXPECT_EQ(found('c', "c"), "none");
  packs_.trouble = packs_.at("b").fault;
  EXPECT_EQ(found('c', "c"), "file_error");
}

TEST_F(EnginesAmongTest, AnotherPackWhoseFilesCannotBeReadAtPresentKeepsNobodyWaitingForAModel) {
  packs_.at("b").has_hashes = false;
  packs_.at("b").unread = Error{ErrorCode::Exhausted, "out_of_memory", "none left"};
  EXPECT_EQ(found('c', "c"), "none");
  EXPECT_EQ(found('a', "a"), "a");
  EXPECT_EQ(found('b', "b"), "out_of_memory") << "it may be the one";
  packs_.at("b").has_hashes = true;
  EXPECT_EQ(found('b', "gone"), "out_of_memory") << "it is the one";
}

}  // namespace
}  // namespace faceforge::cli
