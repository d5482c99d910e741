#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "packs/card.h"
#include "packs/registry.h"
#include "vision/spec.h"

namespace faceforge::packs {

/// Two packs about to become one: the detector, contour and liveness of the first, the embedders of
/// both.
struct Combination {
  Card card = {};                                   ///< not yet weighted nor calibrated
  std::vector<std::filesystem::path> sources = {};  ///< where each of the card's files comes from
  vision::PipelineSpec spec = {};                   ///< the card's, of the files where they lie
};

/// What photos say of one embedder: `evaluate::fit_fusion`.
struct EmbedderFit {
  std::vector<float> output_mean = {};
  float weight = 1;
};

/// Plans a pack of the embedders of two. Files of the second whose names are taken get its id in
/// front; equal files are kept once. The licence is both together, and non-commercial when one of
/// them is.
///
/// in:    packs that are on this machine; `id` as a card allows it
/// fails: not_found/pack_not_installed; as the faults of the packs and as `Registry::open` of their
///        files; conflict/landmarks_differ when only the second finds the 68 points that its
///        template needs; invalid_input/card_invalid when the whole breaks a card's rule
[[nodiscard]] Result<Combination> plan_combination(const PackEntry& first, const PackEntry& second,
                                                   const std::string& id);

/// Writes the pack: card and copies of all files, all of it or nothing.
///
/// in:    one fit an embedder (a CHECK); `folder` must not exist yet
/// out:   the card as written
/// fails: as NewPack
[[nodiscard]] Result<Card> write_combination(const Combination& combination,
                                             std::span<const EmbedderFit> fits, face::Metric metric,
                                             const std::filesystem::path& folder);

}  // namespace faceforge::packs
