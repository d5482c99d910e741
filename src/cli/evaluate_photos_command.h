#pragma once

#include "cli/command.h"

namespace faceforge::cli {

/// `evaluate folder` and `evaluate identify`
void add_evaluate_photos_commands(CLI::App& evaluate, Chosen& chosen);

/// `evaluate compare`
void add_evaluate_compare_command(CLI::App& evaluate, Chosen& chosen);

}  // namespace faceforge::cli
