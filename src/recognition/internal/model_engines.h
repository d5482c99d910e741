#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "face/model_id.h"
#include "gallery/snapshot.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition::internal {

/// The engines of a process: those of the pack in use and, of other models that trained versions
/// still name, those that were asked for last. Thread safe.
class ModelEngines {
 public:
  /// Most models beside that of the pack in use: those asked for longest ago make room.
  static constexpr size_t kMaxOthers = 2;
  /// A model that could not be loaded is not tried again for so long.
  static constexpr int64_t kTryAgain_ms = 60'000;

  /// in: `clock` outlives this object
  ModelEngines(Engines in_use, LoadEngines load, const Clock& clock);

  [[nodiscard]] Engines in_use() const;

  /// The former ones stay, as those of another model. Of none, those of a server that is not ready,
  /// nothing stays.
  void use(Engines engines);

  /// The engines of the model that a version was trained with. They are loaded once, however many
  /// threads ask meanwhile: those wait, and whoever asks for another model does not.
  ///
  /// fails: conflict/model_mismatch where no pack of this machine makes that model, or none that
  ///        can be loaded, which the log tells once in kTryAgain_ms
  [[nodiscard]] Result<Engines> engines_of(const gallery::Snapshot& snapshot);

 private:
  using Outcome = std::shared_future<std::optional<Engines>>;

  [[nodiscard]] std::optional<Engines> find_or_load(const face::ModelId& model);
  [[nodiscard]] std::optional<Engines> load(const face::ModelId& model) const;
  [[nodiscard]] std::optional<Engines> find_locked(const face::ModelId& model);
  [[nodiscard]] bool failed_lately_locked(const face::ModelId& model) const;
  /// out: what had to make room, to be let go of outside the lock
  [[nodiscard]] std::list<Engines> keep_locked(Engines engines);

  const LoadEngines load_;
  const Clock& clock_;
  mutable std::mutex mutex_;  ///< guards all that follows; nothing is loaded under it
  Engines in_use_;
  std::list<Engines> others_;                      ///< used last first
  std::map<face::ModelId, UnixTime_ms> failed_;    ///< and when; bounded
  std::map<face::ModelId, Outcome> being_loaded_;  ///< bounded by the threads that ask
};

}  // namespace faceforge::recognition::internal
