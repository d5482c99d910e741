#include "cli/served_packs.h"

#include <algorithm>
#include <utility>

#include "packs/card.h"
#include "vision/pipeline.h"

namespace faceforge::cli {

Result<std::vector<packs::PackEntry>> RegistryPacks::list() const {
  return registry_.list();
}

Result<face::ModelId> RegistryPacks::model_of(const packs::PackEntry& entry) const {
  return registry_.model_of(entry);
}

Result<recognition::Engines> RegistryPacks::load(const std::string& pack_id) const {
  const vision::PipelineSpec spec = TRY(registry_.open(pack_id));
  const auto pipeline = TRY(vision::Pipeline::load(spec));
  return recognition::make_engines(pipeline, core_count_);
}

namespace {

using Loaded = Result<std::optional<recognition::Engines>>;

/// Loads a pack if it is of a model.
///
/// out:   nothing where it is not, or where nobody can tell and it is not called like the one that
///        is wanted
/// fails: with the fault of one that is or may be it; as the functions of ServedPacks
Loaded load_if_of(const face::ModelId& model, const std::string& wanted_id,
                  const packs::PackEntry& entry, const ServedPacks& packs) {
  const auto known = packs::model_id(entry.card);
  if (known && *known != model) return std::nullopt;
  const bool may_be_it = known.has_value() || entry.card.id == wanted_id;
  if (entry.fault && !may_be_it) return std::nullopt;
  if (entry.fault) return Unexpected(*entry.fault);
  const auto made = packs.model_of(entry);
  if (!made && !may_be_it) return std::nullopt;
  if (TRY(made) != model) return std::nullopt;
  return TRY(packs.load(entry.card.id));
}

}  // namespace

recognition::LoadEngines engines_among(const ServedPacks& packs) {
  return [&packs](const face::ModelId& model, const std::string& pack_id) -> Loaded {
    auto entries = TRY(packs.list());
    // Of one model, the pack that trained the version finds the faces as it did then.
    std::ranges::stable_partition(entries,
                                  [&](const auto& entry) { return entry.card.id == pack_id; });
    Loaded outcome = std::nullopt;
    for (const packs::PackEntry& entry : entries) {
      if (entry.state == packs::PackState::NotInstalled) continue;
      auto loaded = load_if_of(model, pack_id, entry, packs);
      if (loaded && *loaded) return loaded;
      // Another pack may have the same network, and be whole; else the first trouble counts.
      if (!loaded && outcome) outcome = std::move(loaded);
    }
    return outcome;
  };
}

}  // namespace faceforge::cli
