#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "jobs/jobs.h"
#include "packs/registry.h"
#include "recognition/catch_up.h"
#include "recognition/face_engine.h"
#include "recognition/inference_scheduler.h"
#include "recognition/recognition.h"
#include "vision/pipeline.h"

namespace faceforge::cli {

/// Finds and loads the pack of a model among those of this machine.
///
/// in:  `registry` outlives what comes back
/// out: see recognition::LoadEngines, which fails as packs::Registry::list, open and
///      vision::Pipeline::load
[[nodiscard]] recognition::LoadEngines engines_among(const packs::Registry& registry,
                                                     int core_count);

/// Which pack a server works with.
enum class ServedPack {
  Fixed,    ///< the one that was named when it was started
  Default,  ///< the best installed or promoted one, also when that becomes another
};

/// Looks after the packs of a server that runs: has programs compiled before a request needs them,
/// takes another default pack up, and has galleries catch up with the pack in use. By a thread of
/// its own, for that takes seconds.
class PackUpkeep {
 public:
  struct Parts {
    const packs::Registry& registry;
    recognition::InferenceScheduler& scheduler;
    recognition::Recognition& recognition;
    jobs::Jobs& jobs;
    int core_count = 1;
    ServedPack served = ServedPack::Default;
  };

  /// in: everything in `parts` outlives this object
  explicit PackUpkeep(const Parts& parts)
      : parts_(parts), catch_up_(parts.jobs, parts.recognition) {}

  /// Has the batches of `in_use` compiled, then looks every kLookEvery until `stop`. Nothing that
  /// fails ends it: it is logged, once, and what was in use goes on.
  void run(const recognition::Engines& in_use, const std::stop_token& stop);
  static constexpr std::chrono::seconds kLookEvery{5};
  /// While a gallery is learnt: whether the next one can be.
  static constexpr std::chrono::milliseconds kFollowEvery{200};

 private:
  /// What a pack is told from another by.
  struct Identity {
    std::string pack_id;
    face::ModelId model_id;
    bool operator==(const Identity&) const = default;
  };

  void look_at_default(const std::stop_token& stop);
  [[nodiscard]] Result<void> take_up(const Identity& next, const std::stop_token& stop);
  void prepare(const recognition::Engines& engines, const std::stop_token& stop);
  [[nodiscard]] bool is_here(const std::string& pack_id);
  [[nodiscard]] recognition::CatchUp::State catch_up(const std::stop_token& stop);

  Parts parts_;
  recognition::CatchUp catch_up_;
  /// A default pack that could not be taken up: not tried again before that time.
  std::optional<Identity> refused_{};
  std::chrono::steady_clock::time_point try_again_{};
  // Troubles that have no end of their own; each is logged once.
  std::string last_trouble_{};  ///< with telling the default
  std::string last_gone_{};     ///< with the pack in use
  std::string last_lag_{};      ///< with catching up
};

}  // namespace faceforge::cli
