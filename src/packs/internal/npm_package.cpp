#include "packs/internal/npm_package.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "packs/faceapi_convert.h"
#include "packs/human_convert.h"
#include "packs/npm_weights.h"

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

using Bytes = std::vector<std::byte>;

/// A network of face-api from its weights.
template <Result<Bytes> (*kBuild)(const NpmWeights&)>
Result<Bytes> from_weights(const fs::path& folder, const char* name) {
  return kBuild(TRY(read_npm_weights(folder / "model", name)));
}

/// How one file is made from an unpacked package.
struct Conversion {
  std::string_view package;
  std::string_view file;
  Result<Bytes> (*build)(const fs::path& folder);
};

constexpr const char* kFaceapi = "@vladmandic/face-api";
constexpr const char* kHuman = "@vladmandic/human";
constexpr std::array<Conversion, 6> kConversions = {{
    {kFaceapi, kFaceapiDetectorFile,
     [](const fs::path& folder) {
       return from_weights<build_ssd_mobilenet>(folder, "ssd_mobilenetv1_model");
     }},
    {kFaceapi, kFaceapiTinyDetectorFile,
     [](const fs::path& folder) {
       return from_weights<build_tiny_face_detector>(folder, "tiny_face_detector_model");
     }},
    {kFaceapi, kFaceapiContourFile,
     [](const fs::path& folder) {
       return from_weights<build_face_landmark_68>(folder, "face_landmark_68_model");
     }},
    {kFaceapi, kFaceapiEmbedderFile,
     [](const fs::path& folder) {
       return from_weights<build_face_recognition>(folder, "face_recognition_model");
     }},
    {kHuman, kHumanDetectorFile, build_human_blazeface},
    {kHuman, kHumanEmbedderFile, build_human_faceres},
}};

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
                                 std::span<const std::string> files, const fs::path& destination) {
  if (std::ranges::find(kConversions, package.name, &Conversion::package) == kConversions.end()) {
    return fail(ErrorCode::Unsupported, "npm_package_unknown",
                "no network of the npm package {} can be converted", package.name);
  }
  TRY(check_npm_package(folder, package.name, package.version));
  for (const Conversion& conversion : kConversions) {
    if (conversion.package != package.name) continue;
    if (std::ranges::find(files, conversion.file) == files.end()) continue;
    const auto model = TRY(conversion.build(folder));
    TRY(write_file_atomically(destination / conversion.file, model));
  }
  return {};
}

}  // namespace faceforge::packs
