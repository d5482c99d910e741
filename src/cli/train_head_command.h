#pragma once

#include "cli/command.h"

namespace faceforge::cli {

/// `train head`; in: `train` the command that `add_train_command` added
void add_train_head_command(CLI::App& train, Chosen& chosen);

}  // namespace faceforge::cli
