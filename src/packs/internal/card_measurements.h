#pragma once

#include "base/json.h"
#include "base/result.h"
#include "packs/card.h"
#include "packs/internal/card_fields.h"

namespace faceforge::packs {

// What a card tells of measurements: accuracy, and what quantization cost.

/// fails: invalid_input/card_invalid
[[nodiscard]] Result<MeasuredAccuracy> parse_accuracy(CardFields fields);

/// in:    `card` whose files are read already
/// fails: invalid_input/card_invalid
[[nodiscard]] Result<Quantization> parse_quantization(CardFields fields, const Card& card);

/// As the parsers read them.
[[nodiscard]] json::object accuracy_json(const MeasuredAccuracy& measured);
[[nodiscard]] json::object quantization_json(const Quantization& quantization);

}  // namespace faceforge::packs
