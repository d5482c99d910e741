#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace faceforge::packs {

/// Checks that a folder holds the unpacked npm package that a pack is made from.
///
/// fails: not_found/npm_package_missing; invalid_input/npm_package_differs when its package.json
///        has another name or version than `package` and `version`
[[nodiscard]] Result<void> check_npm_package(const std::filesystem::path& folder,
                                             const std::string& package,
                                             const std::string& version);

}  // namespace faceforge::packs
