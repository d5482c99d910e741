#include "evaluate/attributes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <csv.h>

#include "base/file.h"

namespace faceforge::evaluate {
namespace {

using Line = std::vector<std::string>;

template <typename... Args>
Unexpected malformed(size_t row_index, fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::InvalidInput, "attributes_malformed", "row {}: {}", row_index + 1,
              fmt::format(format, std::forward<Args>(args)...));
}

/// The lines of a CSV file, as libcsv reads them. Empty lines are left out by it.
///
/// fails: invalid_input/attributes_malformed
Result<std::vector<Line>> read_lines(std::string_view csv) {
  struct Reading {
    std::vector<Line> lines{};
    Line line{};
  } reading;
  csv_parser parser;
  if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory to read attributes");
  }
  const std::unique_ptr<csv_parser, void (*)(csv_parser*)> freed(&parser, csv_free);
  const auto on_field = [](void* field, size_t bytes, void* context) {
    static_cast<Reading*>(context)->line.emplace_back(static_cast<const char*>(field), bytes);
  };
  const auto on_line = [](int, void* context) {
    auto& [lines, line] = *static_cast<Reading*>(context);
    lines.push_back(std::exchange(line, {}));
  };
  const size_t read_bytes = csv_parse(&parser, csv.data(), csv.size(), on_field, on_line, &reading);
  if (read_bytes != csv.size() || csv_fini(&parser, on_field, on_line, &reading) != 0) {
    return malformed(reading.lines.size(), "{}", csv_strerror(csv_error(&parser)));
  }
  return std::move(reading.lines);
}

Result<void> check_line(const Line& line, size_t line_index, const Line& header,
                        const AttributeLimits& limits) {
  if (line.size() != header.size()) {
    return malformed(line_index, "{} fields; the first line has {}", line.size(), header.size());
  }
  for (const std::string& field : line) {
    if (field.size() > limits.field_bytes) {
      return malformed(line_index, "a field of {} bytes; the limit is {}", field.size(),
                       limits.field_bytes);
    }
  }
  return {};
}

Result<void> check_header(const std::vector<Line>& lines, const AttributeLimits& limits) {
  if (lines.empty()) return malformed(0, "the file is empty; the first line names the columns");
  const size_t attribute_count = lines.front().size() - 1;
  if (attribute_count < 1 || attribute_count > limits.attribute_count) {
    return malformed(0, "{} attributes beside the name; 1 to {} are allowed", attribute_count,
                     limits.attribute_count);
  }
  return {};
}

/// For every photo the line that tells of it: its own, or its person's.
std::vector<const Line*> lines_of_photos(const std::map<std::string_view, const Line*>& by_name,
                                         const PeopleFolder& photos) {
  std::vector<const Line*> found;
  for (const PeopleFolder::Photo& photo : photos.photos) {
    auto line = by_name.find(photo.name);
    if (line == by_name.end()) line = by_name.find(photos.people[photo.person_index]);
    found.push_back(line == by_name.end() ? nullptr : line->second);
  }
  return found;
}

Result<AttributeGroups> group_by(size_t column, const std::string& attribute,
                                 std::span<const Line* const> line_of_photo,
                                 const AttributeLimits& limits) {
  std::map<std::string_view, uint32_t> index_of;
  for (const Line* line : line_of_photo) {
    if (line != nullptr && !(*line)[column].empty()) index_of.emplace((*line)[column], 0);
  }
  if (index_of.size() > limits.group_count) {
    return malformed(0, "the attribute `{}` has {} groups; the limit is {}: give numbers as ranges",
                     attribute, index_of.size(), limits.group_count);
  }
  AttributeGroups groups{.attribute = attribute};
  for (auto& [name, index] : index_of) {
    index = static_cast<uint32_t>(groups.groups.size());
    groups.groups.emplace_back(name);
  }
  for (const Line* line : line_of_photo) {
    const bool is_told = line != nullptr && !(*line)[column].empty();
    groups.group_of_photo.push_back(is_told ? std::optional(index_of.at((*line)[column]))
                                            : std::nullopt);
  }
  return groups;
}

}  // namespace

Result<std::vector<AttributeGroups>> parse_attributes(std::string_view csv,
                                                      const PeopleFolder& photos,
                                                      const AttributeLimits& limits) {
  if (csv.size() > limits.file_bytes) {
    return fail(ErrorCode::TooLarge, "attributes_too_large", "{} bytes; the limit is {}",
                csv.size(), limits.file_bytes);
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // spreadsheets write it
  if (csv.starts_with(kByteOrderMark)) csv.remove_prefix(kByteOrderMark.size());
  const std::vector<Line> lines = TRY(read_lines(csv));
  TRY(check_header(lines, limits));
  std::map<std::string_view, const Line*> by_name;
  for (size_t index = 0; index < lines.size(); ++index) {
    TRY(check_line(lines[index], index, lines.front(), limits));
    if (index == 0) continue;
    const bool is_new = by_name.emplace(lines[index].front(), &lines[index]).second;
    if (!is_new) return malformed(index, "`{}` occurs a second time", lines[index].front());
  }
  const auto line_of_photo = lines_of_photos(by_name, photos);
  if (std::ranges::all_of(line_of_photo, [](const Line* line) { return line == nullptr; })) {
    return fail(ErrorCode::InvalidInput, "attributes_of_nobody",
                "not one of the {} names is that of a person or of a photo (PERSON/PHOTO) here",
                by_name.size());
  }
  std::vector<AttributeGroups> attributes;
  for (size_t column = 1; column < lines.front().size(); ++column) {
    attributes.push_back(TRY(group_by(column, lines.front()[column], line_of_photo, limits)));
  }
  return attributes;
}

Result<std::vector<AttributeGroups>> read_attributes(const std::filesystem::path& file,
                                                     const PeopleFolder& photos,
                                                     const AttributeLimits& limits) {
  const std::string text = TRY(read_text_file(file, limits.file_bytes));
  auto attributes = parse_attributes(text, photos, limits);
  if (!attributes) {
    attributes.error().message = fmt::format("{}: {}", file.string(), attributes.error().message);
  }
  return attributes;
}

}  // namespace faceforge::evaluate
