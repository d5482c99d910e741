#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/served_packs.h"
#include "jobs/jobs.h"
#include "recognition/catch_up.h"
#include "recognition/face_engine.h"
#include "recognition/inference_scheduler.h"
#include "recognition/recognition.h"

namespace faceforge::cli {

/// Which pack a server works with.
enum class ServedPack {
  Fixed,    ///< the one that was named when it was started
  Default,  ///< the best installed or promoted one, also when that becomes another
};

/// Looks after the packs of a server that runs: has former packs that are still needed loaded and
/// programs compiled before a request needs them, takes another default pack up, and has galleries
/// catch up with the pack in use. By a thread of its own, for that takes seconds.
class PackUpkeep {
 public:
  struct Parts {
    const ServedPacks& packs;
    recognition::InferenceScheduler& scheduler;
    recognition::Recognition& recognition;
    jobs::Jobs& jobs;
    const Clock& clock;
    ServedPack served = ServedPack::Default;
  };

  /// in: everything in `parts` outlives this object
  explicit PackUpkeep(const Parts& parts)
      : parts_(parts), catch_up_(parts.jobs, parts.recognition) {}

  /// Has the former packs that galleries are answered by loaded and the batches of that in use
  /// compiled, then looks every kLookEvery until `stop`. Nothing that fails ends it: it is logged,
  /// once, and what was in use goes on.
  void run(const std::stop_token& stop);
  static constexpr std::chrono::seconds kLookEvery{5};
  /// While a gallery is learnt: whether the next one can be.
  static constexpr std::chrono::milliseconds kFollowEvery{200};

  /// One look: takes another default pack up, where that is followed, and has the batches of former
  /// packs compiled that were loaded since.
  void look(const std::stop_token& stop);
  /// A pack that could not be taken up is tried again after this, or once its card is another.
  static constexpr int64_t kTryRefusedAgain_ms = 10 * 60 * 1'000;

 private:
  /// What a pack is told from another by.
  struct Identity {
    std::string pack_id;
    face::ModelId model_id;  ///< empty where the card does not know it
    bool is_calibrated = false;
    bool operator==(const Identity&) const = default;
  };

  void hold_answering_packs();
  void look_at_default(const std::stop_token& stop);
  [[nodiscard]] Result<void> take_up(const Identity& next, const std::stop_token& stop);
  void prepare(const recognition::Engines& engines, const std::stop_token& stop);
  void prepare_former(const std::stop_token& stop);
  [[nodiscard]] bool is_here(std::span<const packs::PackEntry> entries, const std::string& pack_id);
  [[nodiscard]] bool was_refused_lately(const Identity& next) const;
  [[nodiscard]] recognition::CatchUp::State catch_up(const std::stop_token& stop);

  Parts parts_;
  recognition::CatchUp catch_up_;
  std::vector<std::weak_ptr<const recognition::FaceEngine>> prepared_{};
  /// A default pack that could not be taken up, and when that was tried last.
  std::optional<Identity> refused_{};
  UnixTime_ms refused_ms_ = 0;
  // Troubles that have no end of their own; each is logged once.
  std::string last_trouble_{};  ///< with telling the default
  std::string last_gone_{};     ///< with the pack in use
  std::string last_lag_{};      ///< with catching up
};

}  // namespace faceforge::cli
