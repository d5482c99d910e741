#include "archive/internal/entry_name.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/unicode.h"

namespace faceforge::archive::internal {
namespace {

constexpr size_t kMaxName_bytes = 512;
constexpr size_t kMaxPart_bytes = 255;  // what file systems allow

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// For messages: the beginning of a foreign name with whatever may not be shown replaced.
std::string shown(std::string_view name) {
  constexpr size_t kShown_bytes = 80;
  std::string text(name.substr(0, kShown_bytes));
  for (char& c : text) {
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

// What is wrong with one part between slashes; nothing when it is fine.
std::string_view fault_of_part(std::string_view part) {
  if (part.empty()) return "has an empty part";
  if (part == "." || part == "..") return "has a part that leads elsewhere";
  if (part.size() > kMaxPart_bytes) return "has a part of more than 255 bytes";
  return {};
}

std::string_view fault_of(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxName_bytes) return "has more than 512 bytes";
  if (name.front() == '/') return "is absolute";
  if (name.size() > 1 && name[1] == ':') return "names a drive";
  if (name.find('\\') != std::string_view::npos) return "has a backslash";
  if (std::ranges::any_of(name, is_control)) return "has a control character";
  if (!is_utf8(name)) return "is not UTF-8";
  if (name.ends_with('/')) name.remove_suffix(1);
  while (true) {
    const size_t slash = name.find('/');
    if (const auto fault = fault_of_part(name.substr(0, slash)); !fault.empty()) return fault;
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<void> check_entry_name(std::string_view name, std::string_view kind) {
  const std::string_view fault = fault_of(name);
  if (fault.empty()) return {};
  return fail(ErrorCode::InvalidInput, fmt::format("{}_unsafe_name", kind),
              "the name `{}` in the {} file {}", shown(name), kind, fault);
}

Result<void> check_no_duplicates(std::span<const std::string_view> names, std::string_view kind) {
  const auto duplicate = [kind](std::string_view name) {
    return fail(ErrorCode::InvalidInput, fmt::format("{}_duplicate_name", kind),
                "`{}` is in the {} file twice, or both as a file and as a folder", shown(name),
                kind);
  };
  std::set<std::string> files;
  std::set<std::string> folders;
  for (const std::string_view name : names) {
    const std::string folded = TRY(fold_case(name));
    if (!files.insert(folded).second) return duplicate(name);
    for (size_t slash = folded.find('/'); slash != std::string::npos;
         slash = folded.find('/', slash + 1)) {
      folders.insert(folded.substr(0, slash));
    }
  }
  for (const std::string& file : files) {
    if (folders.contains(file)) return duplicate(file);
  }
  return {};
}

}  // namespace faceforge::archive::internal
