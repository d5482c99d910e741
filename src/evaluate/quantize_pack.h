#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "base/result.h"
#include "evaluate/calibrate.h"
#include "evaluate/quantize.h"
#include "packs/registry.h"

namespace faceforge::evaluate {

struct QuantizePackRequest {
  packs::PackEntry parent;                     ///< as `packs::Registry::info` tells it
  vision::PipelineSpec parent_spec;            ///< as `packs::Registry::open` tells it
  std::filesystem::path range_photos;          ///< `PERSON/PHOTO`
  std::filesystem::path calibration_people;    ///< `PERSON/PHOTO`
  std::set<std::string> excluded_people = {};  ///< of both
  std::filesystem::path output;                ///< the new pack's folder, whose name is its id
  std::string faceforge_version = {};
  uint64_t seed = 1;  ///< of the choice of range photos
};

struct QuantizePackReport {
  QuantizedNetworks quantized;
  CalibrationReport calibration;
  packs::Card card;  ///< as written
};

/// Makes a pack of 8-bit networks from one of floats: `quantize_networks`, then `calibrate_folder`,
/// then the new pack with a card that says how it was made, all of it or nothing.
///
/// fails: invalid_input/already_quantized; invalid_input/card_invalid for a name that is no id; as
/// `split_range_photos`, `check_enough_people`,
///        `quantize_networks`, `require_unseen`, `calibrate_folder` and `packs::NewPack`
[[nodiscard]] Result<QuantizePackReport> quantize_pack(const QuantizePackRequest& request,
                                                       const BeginPhase& begin_phase);

/// A layer's name for people and cards: the network's own where it is short plain text, else its
/// operator and place.
[[nodiscard]] std::string layer_label(const LayerChoice& choice, size_t layer_index);

}  // namespace faceforge::evaluate
