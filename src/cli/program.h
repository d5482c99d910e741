#pragma once

#include <functional>
#include <memory>

#include <CLI/App.hpp>

#include "cli/command.h"

namespace faceforge::cli {

/// The tree of subcommands of `faceforge`. `chosen` is filled in when a command line was parsed,
/// and outlives it.
[[nodiscard]] std::unique_ptr<CLI::App> make_app(Chosen& chosen);

/// Runs the subcommand that was chosen, and tells its error on standard error (and as JSON where it
/// prints JSON). What is thrown is an error too: out of memory, or a bug.
///
/// out: the exit code
[[nodiscard]] int run_chosen(const Chosen& chosen, const Interrupt& interrupt);

using MakeApp = std::function<std::unique_ptr<CLI::App>(Chosen& chosen)>;

/// Parses a command line and runs it.
///
/// in:  `make` makes the tree of subcommands of this program
/// out: the exit code
[[nodiscard]] int run_program(int argument_count, const char* const* arguments,
                              const MakeApp& make);

}  // namespace faceforge::cli
