#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataset/skipped.h"

namespace faceforge::dataset {

struct MoveReport {
  std::vector<std::string> moved;  ///< `PERSON/PHOTO`, as they now lie in the other folder
  std::vector<Skipped> skipped;
};

/// Refuses a folder for photos that are moved aside within the folder of people: there they would
/// be taken for photos of a person again.
///
/// fails: invalid_input/output_among_photos
[[nodiscard]] Result<void> check_outside(const std::filesystem::path& output,
                                         const std::filesystem::path& people);

/// Moves photos to the same place below another folder, each in one step: whatever happens, it is
/// whole in one of the two, or, between two file systems, for a moment in both. Never over another
/// file, and nothing is ever deleted. Times and modes stay.
///
/// in:    `photos` as `PERSON/PHOTO` below `people`
/// out:   skipped: already_exists/name_taken; invalid_input/symbolic_link, of a photo or its
/// person;
///        as file_error
/// fails: as check_outside; as make_output_folder for `aside`
[[nodiscard]] Result<MoveReport> move_aside(const std::filesystem::path& people,
                                            const std::vector<std::string>& photos,
                                            const std::filesystem::path& aside);

}  // namespace faceforge::dataset
