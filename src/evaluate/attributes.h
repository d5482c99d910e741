#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/people_folder.h"

namespace faceforge::evaluate {

/// Into which groups an attribute parts photos.
struct AttributeGroups {
  std::string attribute{};
  std::vector<std::string> groups{};                      ///< by name
  std::vector<std::optional<uint32_t>> group_of_photo{};  ///< nothing where the file says nothing
};

/// What a file of attributes may ask for.
struct AttributeLimits {
  size_t file_bytes = size_t{16} << 20;
  size_t field_bytes = 200;
  size_t attribute_count = 20;
  size_t group_count = 50;  ///< of one attribute: more cannot be compared, ages are given as ranges
};

/// Reads a CSV file (RFC 4180) whose first line names the columns: the first one holds a person's
/// name or a photo's (`PERSON/PHOTO`), every other one is an attribute. A photo's own line comes
/// before its person's. An empty field says nothing.
///
/// out:    one entry a column, in order
/// fails:  too_large/attributes_too_large; invalid_input/attributes_malformed with the row: a
///         quote that is not closed, another number of fields than the first line, no attribute or
///         too many, a field that is too long, a name that occurs twice, too many groups;
///         invalid_input/attributes_of_nobody when not one name is that of a person or photo here
[[nodiscard]] Result<std::vector<AttributeGroups>> parse_attributes(
    std::string_view csv, const PeopleFolder& photos, const AttributeLimits& limits = {});

/// Reads it from a file. Fails as `read_text_file` and `parse_attributes`, naming the file.
[[nodiscard]] Result<std::vector<AttributeGroups>> read_attributes(
    const std::filesystem::path& file, const PeopleFolder& photos,
    const AttributeLimits& limits = {});

}  // namespace faceforge::evaluate
