#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace faceforge::cli {

/// `faceforge packs combine`
void add_packs_combine_command(CLI::App& packs, Chosen& chosen);

}  // namespace faceforge::cli
