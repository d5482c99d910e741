#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "dataset/crop_photo.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

struct AlignOptions {
  std::filesystem::path output = {};
  int side_px = kDefaultSide_px;
  std::string aligned_by = {};  ///< what the crops depend on beside the photos: a ModelId
  bool dry_run = false;         ///< look at every photo, write nothing
  size_t thread_count = 1;
  Supervision supervision = {};
};

struct AlignReport {
  size_t photo_count = 0;
  size_t aligned_count = 0;
  size_t kept_count = 0;           ///< crops that an earlier call made
  std::vector<Skipped> skipped;    ///< in the order of names
  std::vector<std::string> stale;  ///< `PERSON/CROP` that no photo stands behind any more
};

/// Writes the aligned crop of every photo of a folder of `PERSON/PHOTO` to
/// `OUTPUT/PERSON/PHOTO.png` (PNG loses nothing), or `PHOTO.jpg.png` where two photos of a person
/// differ in the ending only. Files without a photo's ending are passed over. Each crop appears
/// whole or not at all, and one that is newer than its photo is kept: a call after one that was
/// stopped goes on where it was. A crop that no photo stands behind any more is moved to
/// `OUTPUT/.faceforge-stale/PERSON`.
///
/// fails: invalid_input/output_among_photos; conflict/aligned_otherwise when `output` holds crops
/// of
///        another size or another `aligned_by`; conflict/output_not_empty when it holds something
///        else; not_found/no_photos; as list_person_folders and write_file_atomically (a full disk
///        ends the work); cancelled/cancelled, with what was made in its place. A photo that fails
///        is skipped.
[[nodiscard]] Result<AlignReport> align_people(const std::filesystem::path& photos,
                                               const CropPhoto& crop_photo,
                                               const AlignOptions& options);

}  // namespace faceforge::dataset
