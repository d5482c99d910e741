#pragma once

#include <string>

#include "evaluate/quantize_pack.h"

namespace faceforge::evaluate {

/// Writes what quantization measured as one HTML page that needs nothing else: for each network
/// the range methods, what the detector kept, and the loss of each layer as a bar.
[[nodiscard]] std::string quantization_page(const QuantizePackReport& report);

}  // namespace faceforge::evaluate
