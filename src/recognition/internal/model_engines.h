#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "face/model_id.h"
#include "gallery/gallery.h"
#include "gallery/snapshot.h"
#include "recognition/face_engine.h"

namespace faceforge::recognition::internal {

/// How a version came to be asked.
enum class VersionChoice {
  InUse,     ///< it answers for its gallery
  ByNumber,  ///< the request names it, and it may answer for none
};

/// The engines of a process: those of the pack in use and, of other models that trained versions
/// still name, a few beside them. A thread of their own loads them, one at a time; whoever asks
/// meanwhile waits within bounds. Thread safe; its end waits for a pack that is being loaded.
class ModelEngines {
 public:
  struct Limits {
    /// Requests that wait for a pack at once; beyond they are told to come back, so that threads
    /// are left for the packs that are there.
    size_t waiting = 2;
    std::chrono::milliseconds wait{10'000};  ///< at most, for each of them
  };

  /// Most models beside that of the pack in use that answer for some gallery, and most of those
  /// that are only asked by number: these never push out one of those.
  static constexpr size_t kMaxAnswering = 2;
  static constexpr size_t kMaxNamed = 1;
  /// So long no other model takes the place of one that was just loaded, whoever asks in turns.
  static constexpr int64_t kStay_ms = 30'000;
  /// A model of which no pack can be used is not looked for again for so long, and one whose pack
  /// could not be loaded for want of something that passes, for so long.
  static constexpr int64_t kLookAgain_ms = 60'000;
  static constexpr int64_t kTryAgain_ms = 5'000;

  /// in: `clock` and what `load` uses outlive this object
  ModelEngines(Engines in_use, LoadEngines load, const Clock& clock, const Limits& limits);
  ModelEngines(Engines in_use, LoadEngines load, const Clock& clock)
      : ModelEngines(std::move(in_use), std::move(load), clock, Limits()) {}

  [[nodiscard]] Engines in_use() const;

  /// Those of other models that are there.
  [[nodiscard]] std::vector<Engines> others() const;

  /// That of a model, where it is there.
  [[nodiscard]] std::shared_ptr<const FaceEngine> find(const face::ModelId& model) const;

  /// The former ones stay, as those of another model. Of none, those of a server that is not ready,
  /// nothing stays.
  void use(Engines engines);

  /// Has the engines that galleries are answered by loaded, as far as a place is free, and lets go
  /// of all others but those in use and those asked for within kStay_ms: a stream looks only every
  /// second which version answers, and what has begun ends with the version that it began with. It
  /// pushes out none that answers: only who is asked for does.
  ///
  /// in: all of them, those of most galleries first
  void need(std::span<const gallery::AnsweringPack> packs);

  /// The engines of the model that a version was trained with, loaded where they are not there yet.
  ///
  /// in:    `abandoned` ends the waiting
  /// fails: conflict/model_mismatch where no pack of this machine makes that model, or only one
  ///        that cannot be used as it is; busy/pack_unavailable, with the seconds, where it takes
  ///        longer than `Limits::wait`, too many wait already, the pack cannot be loaded for want
  ///        of something that passes, or packs that were just loaded need the room;
  ///        cancelled/request_abandoned
  [[nodiscard]] Result<Engines> engines_of(const gallery::Snapshot& version,
                                           VersionChoice choice = VersionChoice::InUse,
                                           const std::stop_token& abandoned = {});

  /// The same of a version that answers, without waiting.
  [[nodiscard]] Result<Engines> engines_at_once(const gallery::Snapshot& version);

 private:
  struct Held {
    Engines engines;
    UnixTime_ms since_ms = 0;
    UnixTime_ms asked_ms = 0;  ///< last
  };
  /// A pack to be loaded.
  struct Wanted {
    face::ModelId model{};
    std::string pack_id{};  ///< the one of that model that is preferred
  };
  struct Failure {
    UnixTime_ms at_ms = 0;
    bool passes = false;
    std::string told{};  ///< to the log
  };
  using Loaded = Result<std::optional<Engines>>;
  /// A model that answers for some gallery, or one that is only asked by number.
  enum class Kind { Answering, Named };
  enum class HeldSince { Ever, JustBefore };
  [[nodiscard]] static constexpr size_t places_of(Kind kind) {
    return kind == Kind::Answering ? kMaxAnswering : kMaxNamed;
  }

  void run(const std::stop_token& stop);
  [[nodiscard]] Loaded load(const Wanted& wanted) const;

  // Under the lock. What comes back as Held is let go of outside of it.

  [[nodiscard]] Result<std::optional<Engines>> ask(const gallery::Snapshot& version,
                                                   VersionChoice choice);
  [[nodiscard]] Result<void> want(Wanted wanted);
  [[nodiscard]] std::list<Held> take(const Wanted& wanted, Loaded loaded);
  void remember_failure(const face::ModelId& model, const Loaded& loaded);
  [[nodiscard]] const Failure* recent_failure(const face::ModelId& model) const;
  [[nodiscard]] Unexpected mismatch(const gallery::Snapshot& version) const;
  [[nodiscard]] std::optional<Engines> look_up(const face::ModelId& model);
  [[nodiscard]] bool is_wanted(const face::ModelId& model) const;
  [[nodiscard]] bool is_held(const face::ModelId& model) const;
  [[nodiscard]] Kind kind_of(const face::ModelId& model) const;
  [[nodiscard]] size_t count_of_kind(Kind kind, HeldSince since) const;
  [[nodiscard]] bool has_place(const face::ModelId& model) const;
  [[nodiscard]] bool is_within(UnixTime_ms time_ms, int64_t span_ms) const;
  [[nodiscard]] std::list<Held> keep(Engines engines);
  [[nodiscard]] std::list<Held> drop_beyond_limits();

  const LoadEngines load_;
  const Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;  ///< guards all that follows; nothing is loaded under it
  Engines in_use_;
  std::list<Held> others_;                   ///< used last first
  std::set<face::ModelId> answering_;        ///< by what is known; bounded
  std::list<Wanted> wanted_;                 ///< the first is being loaded; bounded by the places
  std::map<face::ModelId, Failure> failed_;  ///< bounded
  size_t waiting_ = 0;
  std::condition_variable_any work_;    ///< there is something to be loaded
  std::condition_variable_any loaded_;  ///< or could not be
  std::jthread loader_;  ///< from the first pack on that is to be loaded; ends before all it uses
};

}  // namespace faceforge::recognition::internal
