#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace faceforge::cli {

/// `faceforge packs promote`
void add_packs_promote_command(CLI::App& packs, Chosen& chosen);

}  // namespace faceforge::cli
