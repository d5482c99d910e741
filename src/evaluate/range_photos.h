#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace faceforge::evaluate {

/// Photos whose faces show a network's ranges, and others of other people, which judge what came of
/// it.
struct RangePhotos {
  std::vector<std::filesystem::path> observed;
  std::vector<std::filesystem::path> held_out;
};

/// Splits a folder of `PERSON/PHOTO` in halves by person, each in the order of a seeded shuffle:
/// the first photos of either half are a fair choice of it.
///
/// in:    people in `excluded_people` are left out
/// out:   nobody is on both sides; the same halves for the same folder and seed
/// fails: as `list_people`; invalid_input/too_few_range_people for fewer than two
[[nodiscard]] Result<RangePhotos> split_range_photos(const std::filesystem::path& folder,
                                                     const std::set<std::string>& excluded_people,
                                                     uint64_t seed);

}  // namespace faceforge::evaluate
