#include "packs/internal/npm_package.h"

#include <array>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "packs/faceapi_convert.h"
#include "packs/human_convert.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

constexpr int kParentLimit = 32;

bool holds_package(const fs::path& modules, const std::string& package) {
  std::error_code ignored;
  return fs::exists(modules / package / "package.json", ignored);
}

/// The nearest `node_modules` of a folder and those above it that holds the package.
std::optional<fs::path> find_upwards(fs::path folder, const std::string& package,
                                     std::span<const std::string_view> modules) {
  for (int level = 0; level < kParentLimit; ++level) {
    for (const std::string_view below : modules) {
      if (holds_package(folder / below, package)) return folder / below / package;
    }
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> npm_package_version(const fs::path& folder, const std::string& package) {
  constexpr size_t kPackageLimit_bytes = size_t{1} << 20;
  const auto text = read_text_file(folder / "package.json", kPackageLimit_bytes);
  if (!text) {
    return fail(ErrorCode::NotFound, "npm_package_missing",
                "{} is not the npm package {}: it has no readable package.json", folder.string(),
                package);
  }
  const auto differs = [&](std::string_view found) {
    return fail(ErrorCode::InvalidInput, "npm_package_differs",
                "{} holds {}, not the npm package {}", folder.string(), found, package);
  };
  const auto document = json::parse(*text, kPackageLimit_bytes);
  if (!document || !document->is_object()) return differs("a damaged package.json");
  const auto name = json::string_field(document->as_object(), "name");
  auto version = json::string_field(document->as_object(), "version");
  if (!name || !version) return differs("a package.json without name or version");
  if (*name != package) return differs(fmt::format("{}@{}", *name, *version));
  return *std::move(version);
}

Result<void> check_npm_package(const fs::path& folder, const std::string& package,
                               const std::string& version) {
  const std::string found = TRY(npm_package_version(folder, package));
  if (found == version) return {};
  return fail(ErrorCode::InvalidInput, "npm_package_differs",
              "{} holds {}@{}, not the version {} that the pack is made from and was measured with "
              "(`--accept-other-weights` installs it unmeasured)",
              folder.string(), package, found, version);
}

Result<fs::path> find_npm_package(const std::string& package, std::span<const fs::path> folders) {
  for (const fs::path& folder : folders) {
    if (npm_package_version(folder, package)) return folder;
  }
  for (const fs::path& folder : folders) {
    std::error_code failed;
    const fs::path whole = fs::absolute(folder, failed);
    constexpr std::array<std::string_view, 1> kBesides = {""};
    const auto found = failed ? std::nullopt : find_upwards(whole, package, kBesides);
    if (found) return *found;
  }
  if (folders.empty()) {
    std::error_code failed;
    const fs::path here = fs::current_path(failed);
    constexpr std::array<std::string_view, 2> kUsual = {"node_modules",
                                                        "packaging/npm/node_modules"};
    const auto found = failed ? std::nullopt : find_upwards(here, package, kUsual);
    if (found) return *found;
  } else {
    // Says what is wrong with what was named.
    TRY(npm_package_version(folders.front(), package));
  }
  return fail(ErrorCode::NotFound, "npm_package_missing",
              "the npm package {} is in no node_modules here or above: run `npm ci "
              "--ignore-scripts` in packaging/npm, or name its folder with --from",
              package);
}

Result<void> convert_npm_package(const NpmPackage& package, const fs::path& folder,
                                 const fs::path& destination) {
  using Convert =
      Result<void> (*)(const fs::path&, const std::string&, const std::string&, const fs::path&);
  struct Conversion {
    std::string_view package;
    Convert convert;
  };
  constexpr std::array<Conversion, 2> kConversions = {
      {{"@vladmandic/face-api", convert_faceapi}, {"@vladmandic/human", convert_human_faceres}}};
  for (const Conversion& conversion : kConversions) {
    if (conversion.package == package.name) {
      return conversion.convert(folder, package.name, package.version, destination);
    }
  }
  return fail(ErrorCode::Unsupported, "npm_package_unknown",
              "no network of the npm package {} can be converted", package.name);
}

}  // namespace faceforge::packs
