#pragma once

#include <string>

#include <CLI/App.hpp>

#include "base/result.h"

namespace faceforge::cli {

/// A script that completes subcommands, options, pack ids and file names, made from the tree of
/// subcommands itself, so that it cannot fall behind.
///
/// in:    `shell` is bash, zsh or fish
/// fails: invalid_input/shell_unknown
[[nodiscard]] Result<std::string> completion_script(const CLI::App& app, const std::string& shell);

}  // namespace faceforge::cli
