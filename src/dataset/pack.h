#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/person_folders.h"
#include "base/result.h"
#include "dataset/crop_photo.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

/// Photos of one file of crops.
inline constexpr size_t kMaxPhotoCount = 20'000'000;

struct PackOptions {
  std::filesystem::path output = {};  ///< empty: look at every photo, write nothing
  int side_px = kDefaultSide_px;      ///< crops of another size are scaled
  size_t min_photos = 1;  ///< people with fewer usable photos are left out, and counted as skipped
  size_t thread_count = 1;
  std::function<void(size_t done_count, size_t total_count)> report =
      {};  ///< on the calling thread
  std::stop_token stop = {};
};

struct PackReport {
  size_t photo_count = 0;
  size_t crop_count = 0;
  size_t person_count = 0;
  std::vector<Skipped> skipped;
};

/// Those of the people who are named, in the order of the folders.
///
/// fails: invalid_input/person_list when someone is named who is not there
[[nodiscard]] Result<std::vector<PersonFolder>> only_named(std::vector<PersonFolder> people,
                                                           const std::vector<std::string>& names);

/// Turns a folder of photos into one file of aligned crops. The result does not depend on the
/// number of threads.
///
/// in:    `side_px` in 1 to crops::kMaxSide_px, `thread_count` 1 or more (a CHECK)
/// fails: as CropWriter; cancelled/cancelled, with nothing written. A photo that fails is skipped
///        and reported, and so is a person with too few photos or a name that no person may have.
/// cost:  holds one person's crops in memory
[[nodiscard]] Result<PackReport> pack(const std::vector<PersonFolder>& people,
                                      const CropPhoto& crop_photo, const PackOptions& options);

}  // namespace faceforge::dataset
