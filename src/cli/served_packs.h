#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "face/model_id.h"
#include "packs/registry.h"
#include "recognition/face_engine.h"

namespace faceforge::cli {

/// The packs that a server can take up: those of this machine, or in tests some that need no files.
class ServedPacks {
 public:
  virtual ~ServedPacks() = default;

  /// As packs::Registry::list and model_of.
  [[nodiscard]] virtual Result<std::vector<packs::PackEntry>> list() const = 0;
  [[nodiscard]] virtual Result<face::ModelId> model_of(const packs::PackEntry& entry) const = 0;

  /// Checks every file of a pack, and loads it.
  ///
  /// fails: as packs::Registry::open and vision::Pipeline::load
  /// cost:  seconds
  [[nodiscard]] virtual Result<recognition::Engines> load(const std::string& pack_id) const = 0;
};

class RegistryPacks final : public ServedPacks {
 public:
  /// in: `registry` outlives this object
  RegistryPacks(const packs::Registry& registry, int core_count)
      : registry_(registry), core_count_(core_count) {}

  [[nodiscard]] Result<std::vector<packs::PackEntry>> list() const override;
  [[nodiscard]] Result<face::ModelId> model_of(const packs::PackEntry& entry) const override;
  [[nodiscard]] Result<recognition::Engines> load(const std::string& pack_id) const override;

 private:
  const packs::Registry& registry_;
  const int core_count_;
};

/// Finds and loads the pack of a model.
///
/// in:  `packs` outlives what comes back
/// out: see recognition::LoadEngines; it fails as the functions of ServedPacks, and with the fault
/// of
///      a pack that may be the one and cannot be read
[[nodiscard]] recognition::LoadEngines engines_among(const ServedPacks& packs);

}  // namespace faceforge::cli
