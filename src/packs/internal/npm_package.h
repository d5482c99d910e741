#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"
#include "packs/card.h"

namespace faceforge::packs {

/// The version that a folder with an unpacked npm package says it is.
///
/// fails: not_found/npm_package_missing; invalid_input/npm_package_differs when its package.json
///        is damaged or of another package
[[nodiscard]] Result<std::string> npm_package_version(const std::filesystem::path& folder,
                                                      const std::string& package);

/// Checks that a folder holds the unpacked npm package that a pack is made from.
///
/// fails: as npm_package_version, and invalid_input/npm_package_differs for another version
[[nodiscard]] Result<void> check_npm_package(const std::filesystem::path& folder,
                                             const std::string& package,
                                             const std::string& version);

/// Finds the folder of an npm package.
///
/// in:    `folders` that the user named: the package itself, a `node_modules`, or another package
///        beside it; when empty, `node_modules` and `packaging/npm/node_modules` of the working
///        folder and those above it
/// fails: not_found/npm_package_missing naming what to run
[[nodiscard]] Result<std::filesystem::path> find_npm_package(
    const std::string& package, std::span<const std::filesystem::path> folders);

/// Converts the networks of one package that a pack takes, into the existing folder `destination`.
/// The same package gives the same bytes.
///
/// in:    `files` of the pack; those that are not made from this package are left to others
/// fails: unsupported/npm_package_unknown when nobody knows how; as check_npm_package,
///        read_npm_weights, read_graph_model, the builders of faceapi_convert.h and
///        human_convert.h, and write_file_atomically
[[nodiscard]] Result<void> convert_npm_package(const NpmPackage& package,
                                               const std::filesystem::path& folder,
                                               std::span<const std::string> files,
                                               const std::filesystem::path& destination);

}  // namespace faceforge::packs
