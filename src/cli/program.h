#pragma once

#include <memory>

#include <CLI/App.hpp>

#include "cli/command.h"

namespace faceforge::cli {

/// The tree of subcommands. `chosen` is filled in when a command line was parsed, and outlives it.
[[nodiscard]] std::unique_ptr<CLI::App> make_app(Chosen& chosen);

/// Parses a command line and runs it.
///
/// out: the exit code
[[nodiscard]] int run_program(int argument_count, const char* const* arguments);

}  // namespace faceforge::cli
