#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/result.h"
#include "gallery/gallery_model.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition {

struct TrainFolderOptions {
  float min_face_px = 24;
  size_t photo_bytes = 25'000'000;
  size_t photo_limit = 1'000'000;
  /// Used for one person at most; telling who disagrees takes time with its square.
  size_t photos_per_person = 2'000;
};

/// A photo that did not become part of the model, and why: no_face_found, several_faces,
/// face_too_small, photo_duplicate, photo_disagrees, too_many_photos, or an error of decoding.
struct SkippedPhoto {
  std::filesystem::path path{};  ///< relative to the folder: `person_name/photo.jpg`
  Error reason{};
};

struct FolderTraining {
  gallery::GalleryModel model{};
  int64_t photo_count = 0;  ///< those looked at
  std::vector<SkippedPhoto> skipped{};
  std::vector<std::string> people_left_out{};  ///< without a single usable photo
};

/// Called after every photo; answers whether to go on.
using FolderProgress = std::function<bool(int64_t photos_done, int64_t photos_in_all)>;

/// Trains a gallery model from a folder of `person_name/photo.jpg`, without a database. People and
/// photos are taken in the order of their names; folders within a person's folder and hidden files
/// are not looked at.
///
/// fails: not_found/folder_not_found; invalid_input/gallery_empty when not one photo could be used;
///        as gallery::checked_name for a person's folder; already_exists/person_name_taken when
///        two folders are called alike after that; too_large/too_many_photos;
///        cancelled/training_cancelled when `progress` answers false
[[nodiscard]] Result<FolderTraining> train_folder(const std::filesystem::path& folder,
                                                  const FaceEngine& engine, const Clock& clock,
                                                  const TrainFolderOptions& options = {},
                                                  const FolderProgress& progress = {});

}  // namespace faceforge::recognition
