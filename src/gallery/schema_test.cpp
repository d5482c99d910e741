#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "face/calibration_json.h"
#include "gallery/galleries.h"
#include "gallery/head_trial.h"
#include "gallery/internal/rows.h"
#include "store/owners.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::gallery {
namespace {

/// A database of the release that first had personal heads.
class HeadMigrationTest : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    const auto next = std::ranges::find(own_, "trained for", &store::Migration::name);
    ASSERT_NE(next, own_.end());
    ASSERT_EQ(std::prev(next)->name, "personal head");
    migrate_to(next);
    ASSERT_TRUE(database().transact([&](store::Transaction& transaction) -> Result<void> {
      user_ = TRY(store::create_owner(transaction, 1));
      const auto made = TRY(transaction.query(
          "insert into galleries (owner_id, name, created_ms) values ($1, 'Old', 1) returning id",
          user_));
      gallery_ = made[0].id<GalleryId>(0);
      return {};
    }));
  }

  void migrate_to(std::vector<store::Migration>::const_iterator end) {
    std::vector<store::Migration> steps = store::owner_migrations();
    steps.insert(steps.end(), own_.begin(), end);
    const auto migrated = store::migrate(database(), steps);
    ASSERT_TRUE(migrated) << migrated.error().message;
  }

  /// Adds a version for two people's numbers with a head's trial and, where there is one, a head.
  void add_version(std::optional<FloatTable> head,
                   const std::optional<face::Calibration>& of_head) {
    std::optional<store::Blob> matrix;
    if (head) matrix = internal::floats_to_bytes(head->values);
    std::optional<std::string> calibration;
    if (of_head) calibration = json::to_text(face::to_json(*of_head));
    const auto added = database().transact([&](store::Transaction& transaction) -> Result<void> {
      const auto numbers =
          TRY(transaction.query("update galleries set last_version = last_version + 1 where id = $1"
                                " returning last_version",
                                gallery_));
      TRY(transaction.execute(
          "insert into versions (owner_id, gallery_id, number, trained_ms, model_id, metric,"
          " embedding_length, pack_id, head_trial, head, head_calibration)"
          " values ($1, $2, $3, 5, 'm1', 'cosine', 2, 'pack', $4, $5, $6)",
          user_, gallery_, numbers[0].integer(0), json::to_text(to_json(trial())), matrix,
          calibration));
      return {};
    });
    ASSERT_TRUE(added) << added.error().message;
  }

  static HeadTrial trial() {
    return {.photo_count = 3,
            .person_count = 2,
            .fold_count = 5,
            .without_head = {2, 1, 1},
            .with_head = HeadAnswers{0, 0, 3},
            .mended_count = 2};
  }

  const std::vector<store::Migration> own_ = migrations();
  test::TemporaryFolder folder_;
  UserId user_;
  GalleryId gallery_;
};
TEST_ON_BOTH_DATABASES(HeadMigrationTest);

TEST_P(HeadMigrationTest, HeadsWithACalibrationStayAndThoseWithoutOneGoWithTheirTrials) {
  const FloatTable matrix{2, 2, {1, 0.5F, 0, 1}};
  face::Calibration calibration;
  calibration.model_id = head_model_id(face::ModelId("m1"), matrix);
  calibration.points = {{1e-2, 0.2F}, {1e-3, 0.3F}};
  add_version(matrix, calibration);
  add_version(matrix, std::nullopt);
  add_version(std::nullopt, std::nullopt);  // tried, and not kept
  migrate_to(own_.end());
  const auto files = store::BlobFiles::open(folder_.path());
  const ManualClock clock;
  Galleries galleries(database(), *files, clock);
  const auto kept = galleries.read_model(user_, gallery_, 1);
  ASSERT_TRUE(kept) << kept.error().message;
  ASSERT_TRUE(kept->head);
  EXPECT_EQ(kept->head->matrix.values, matrix.values);
  EXPECT_EQ(kept->head->model_id, calibration.model_id);
  EXPECT_EQ(kept->head->calibration.points[1].match_threshold, 0.3F);
  EXPECT_EQ(kept->head->trial.mended_count, 2);
  const auto gone = galleries.read_model(user_, gallery_, 2);
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_FALSE(gone->head);
  EXPECT_FALSE(galleries.find_version(user_, gallery_, 2)->head_trial);
  const auto not_kept = galleries.find_version(user_, gallery_, 3);
  ASSERT_TRUE(not_kept) << not_kept.error().message;
  EXPECT_FALSE(not_kept->has_head);
  EXPECT_TRUE(not_kept->head_trial);
}

TEST_P(HeadMigrationTest, VersionsFromBeforeAreTheirOwners) {
  for (int version = 0; version < 2; ++version) add_version(std::nullopt, std::nullopt);
  migrate_to(own_.end());
  const auto files = store::BlobFiles::open(folder_.path());
  const ManualClock clock;
  Galleries galleries(database(), *files, clock, {.versions_per_gallery = 2});
  const Training by_server{.model_id = face::ModelId("m1"),
                           .embedding_length = 2,
                           .pack_id = "pack",
                           .trained_for = TrainedFor::Server};
  const auto room = galleries.check_version_room(user_, gallery_, by_server);
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().reason, "too_many_versions") << "the server replaces none of them";
}

}  // namespace
}  // namespace faceforge::gallery
