#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crops/crop_file.h"

namespace faceforge::crops {

/// Two lists of people that share nobody.
struct PersonSplit {
  std::vector<std::string> train;
  std::vector<std::string> test;
};

/// Divides people by a draw that is the same on every machine and does not depend on the order
/// they come in: they are sorted by the SHA-256 of `SEED:NAME`, and the first part trains.
///
/// in:  `train_share` in [0, 1]; the part that trains is rounded to the nearest whole person
/// out: each list in the order of names
[[nodiscard]] PersonSplit split_people(std::vector<std::string> people, double train_share,
                                       uint64_t seed);

/// One name a line, as `dataset split` writes them.
[[nodiscard]] std::string to_list_text(const std::vector<std::string>& people);

/// The names of a list, in its order; empty lines are passed over.
///
/// fails: as read_text_file; invalid_input/person_list when it names nobody, or someone twice
[[nodiscard]] Result<std::vector<std::string>> read_name_list(const std::filesystem::path& path);

/// The people of a list that occur in the file, as indices in rising order.
///
/// fails: as read_name_list; invalid_input/person_list when it names someone who is not in the
///        file: a list for other crops is a mistake
[[nodiscard]] Result<std::vector<uint32_t>> read_person_list(const std::filesystem::path& path,
                                                             const CropFile& crops);

}  // namespace faceforge::crops
