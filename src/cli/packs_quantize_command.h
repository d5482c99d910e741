#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"
#include "evaluate/quantize_pack.h"

namespace faceforge::cli {

/// `evaluate::quantize_pack` by this version of FaceForge, with a progress bar a phase.
[[nodiscard]] Result<evaluate::QuantizePackReport> quantize_with_progress(
    evaluate::QuantizePackRequest request, const Interrupt& interrupt);

/// `faceforge packs quantize`
void add_packs_quantize_command(CLI::App& packs, Chosen& chosen);

}  // namespace faceforge::cli
