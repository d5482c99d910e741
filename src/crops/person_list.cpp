#include "crops/person_list.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/unicode.h"

namespace faceforge::crops {
namespace {

constexpr size_t kMaxListBytes = size_t{1} << 30;
constexpr size_t kShownBytes = 100;  // of a name in a message

}  // namespace

PersonSplit split_people(std::vector<std::string> people, double train_share, uint64_t seed) {
  CHECK(train_share >= 0.0 && train_share <= 1.0);
  std::vector<std::pair<Sha256, std::string>> drawn;
  for (std::string& name : people) {
    const Sha256 lot = sha256(fmt::format("{}:{}", seed, name));
    drawn.emplace_back(lot, std::move(name));
  }
  std::ranges::sort(drawn);
  const auto train_count =
      static_cast<size_t>(std::llround(train_share * static_cast<double>(drawn.size())));
  PersonSplit split;
  for (size_t i = 0; i < drawn.size(); ++i) {
    (i < train_count ? split.train : split.test).push_back(std::move(drawn[i].second));
  }
  std::ranges::sort(split.train);
  std::ranges::sort(split.test);
  return split;
}

std::string to_list_text(const std::vector<std::string>& people) {
  std::string text;
  for (const std::string& name : people) text += name + "\n";
  return text;
}

Result<std::vector<std::string>> read_name_list(const std::filesystem::path& path) {
  const std::string text = TRY(read_text_file(path, kMaxListBytes));
  std::vector<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view name(text.data() + begin, end - begin);
    begin = end + 1;
    if (name.ends_with('\r')) name.remove_suffix(1);
    if (!name.empty()) names.emplace_back(name);
  }
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    return fail(ErrorCode::InvalidInput, "person_list", "{} names `{}` twice", path.string(),
                to_valid_utf8(twice->substr(0, kShownBytes)));
  }
  if (names.empty()) {
    return fail(ErrorCode::InvalidInput, "person_list", "{} names nobody", path.string());
  }
  return names;
}

Result<std::vector<uint32_t>> read_person_list(const std::filesystem::path& path,
                                               const CropFile& crops) {
  const auto names = TRY(read_name_list(path));
  std::map<std::string_view, uint32_t> index_of;
  for (uint32_t i = 0; i < crops.person_count(); ++i) index_of.emplace(crops.name(i), i);
  std::vector<uint32_t> people;
  for (const std::string& name : names) {
    const auto found = index_of.find(name);
    if (found == index_of.end()) {
      return fail(ErrorCode::InvalidInput, "person_list",
                  "{}: `{}` is not among the people of the crops", path.string(),
                  to_valid_utf8(name.substr(0, kShownBytes)));
    }
    people.push_back(found->second);
  }
  std::ranges::sort(people);
  return people;
}

}  // namespace faceforge::crops
