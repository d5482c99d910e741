#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "gallery/galleries.h"
#include "support/databases.h"
#include "support/test_data.h"

namespace faceforge::gallery {

/// A fresh database and folder with two users. Embeddings have three values; their model is "m1"
/// unless said otherwise.
class GalleriesFixture : public test::OnBothDatabases {
 protected:
  void SetUp() override {
    OnBothDatabases::SetUp();
    if (IsSkipped()) return;
    std::vector<store::Migration> steps = store::owner_migrations();
    const auto own = migrations();
    steps.insert(steps.end(), own.begin(), own.end());
    migrate(steps);
    files_ = std::make_unique<store::BlobFiles>(*store::BlobFiles::open(folder_.path() / "photos"));
    galleries_ = std::make_unique<Galleries>(database(), *files_, clock_);
    ada_ = new_user();
    eve_ = new_user();
  }

  UserId new_user() {
    return *database().transact([&](store::Transaction& transaction) {
      return store::create_owner(transaction, clock_.now_ms());
    });
  }

  static std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    return {bytes.begin(), bytes.end()};
  }

  static face::Embedding embedding(std::vector<float> values, std::string model = "m1") {
    EXPECT_TRUE(face::normalize(values));
    return {face::ModelId(std::move(model)), face::Metric::Cosine, std::move(values)};
  }

  /// Adds a photo whose bytes are `text`, looking in this direction.
  Result<Photo> add(UserId user, GalleryId gallery, PersonId person, std::string_view text,
                    std::vector<float> direction) {
    const auto bytes = bytes_of(text);
    NewPhoto photo{.bytes = bytes,
                   .file_name = std::string(text) + ".jpg",
                   .width_px = 640,
                   .height_px = 480,
                   .face = {.box = {10, 20, 30, 40}, .detection_score = 0.9F, .contour = {}},
                   .embedding = embedding(std::move(direction))};
    photo.face.landmarks[4] = {7, 8};
    photo.quality.yaw_deg = -12.5F;
    photo.quality.roll_deg = 3;
    return galleries_->add_photo(user, gallery, person, photo);
  }

  /// Strangers pass 1 in 1000 times at 0.3.
  static face::Calibration calibration(std::string model = "m1") {
    face::Calibration table;
    table.model_id = face::ModelId(std::move(model));
    table.points = {{1e-2, 0.2F}, {1e-3, 0.3F}};
    table.tail_slope = -23;
    table.ambiguity_margin = 0.1F;
    return table;
  }

  static Training training(std::string model = "m1") {
    return {.model_id = face::ModelId(model),
            .embedding_length = 3,
            .pack_id = "test-pack",
            .calibration = calibration(model)};
  }

  [[nodiscard]] size_t file_count(UserId user) const { return files_->list(user)->size(); }

  test::TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<store::BlobFiles> files_;
  std::unique_ptr<Galleries> galleries_;
  UserId ada_;
  UserId eve_;
};

}  // namespace faceforge::gallery
