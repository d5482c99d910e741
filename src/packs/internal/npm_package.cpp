#include "packs/internal/npm_package.h"

#include <string_view>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"

namespace faceforge::packs {

Result<void> check_npm_package(const std::filesystem::path& folder, const std::string& package,
                               const std::string& version) {
  constexpr size_t kPackageLimit_bytes = size_t{1} << 20;
  const auto text = read_text_file(folder / "package.json", kPackageLimit_bytes);
  if (!text) {
    return fail(ErrorCode::NotFound, "npm_package_missing",
                "{} is not the npm package {}: it has no readable package.json", folder.string(),
                package);
  }
  const auto differs = [&](std::string_view found) {
    return fail(ErrorCode::InvalidInput, "npm_package_differs",
                "{} holds {}, not the npm package {}@{} that the pack is made from",
                folder.string(), found, package, version);
  };
  const auto document = json::parse(*text, kPackageLimit_bytes);
  if (!document || !document->is_object()) return differs("a damaged package.json");
  const auto name = json::string_field(document->as_object(), "name");
  const auto found_version = json::string_field(document->as_object(), "version");
  if (!name || !found_version) return differs("a package.json without name or version");
  if (*name != package || *found_version != version) {
    return differs(fmt::format("{}@{}", *name, *found_version));
  }
  return {};
}

}  // namespace faceforge::packs
