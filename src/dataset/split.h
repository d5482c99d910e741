#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "crops/person_list.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

inline constexpr const char* kTrainListName = "train_people.txt";
inline constexpr const char* kHeldOutListName = "held_out_people.txt";

struct SplitOptions {
  std::filesystem::path output = {};  ///< a folder, made where it is missing
  double train_share = 0.8;
  uint64_t seed = 1;
  size_t min_photos = 1;  ///< people with fewer are on neither list
  bool dry_run = false;
};

struct SplitReport {
  crops::PersonSplit people;
  size_t train_photo_count = 0;
  size_t held_out_photo_count = 0;
  size_t too_few_count = 0;      ///< people with fewer than `min_photos`
  std::vector<Skipped> skipped;  ///< people whose names no list can hold
};

/// Divides the people of a folder of `PERSON/PHOTO`, or of a `.ffd` file, into those to train on
/// and those to be held out, and writes a list of each: nobody is on both. In a folder, files with
/// a photo's ending count; in a `.ffd` file its crops.
///
/// fails:  invalid_input/train_share_invalid (not between 0 and 1); invalid_input/too_few_people
///         when a list would be empty; too_large/too_many_photos; as list_person_folders or
///         CropFile::open; as write_file_atomically
/// source: the draw: crops::split_people
[[nodiscard]] Result<SplitReport> split_dataset(const std::filesystem::path& photos_or_crops,
                                                const SplitOptions& options);

}  // namespace faceforge::dataset
