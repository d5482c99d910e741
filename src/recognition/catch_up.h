#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "face/model_id.h"
#include "gallery/gallery.h"
#include "jobs/jobs.h"

namespace faceforge::recognition {

class Recognition;

/// Has each gallery for which another model answers than that of the pack in use trained by that
/// pack: the oldest first, one after another, each as a job of its owner, who sees and cancels it
/// as one of their own. Used by one thread at a time.
class CatchUp {
 public:
  /// in: both outlive this object; jobs can run `train_gallery`
  CatchUp(jobs::Jobs& jobs, Recognition& recognition) : jobs_(jobs), recognition_(recognition) {}

  /// Whether a job that was started is not done yet.
  enum class State { Idle, AtWork };

  /// Starts the next job where the last one has ended: call it every few seconds, and more often
  /// while one is at work. All galleries are gone through when another pack was taken into use or
  /// this object was made, and again every kPassEvery_ms, for a deleted version may leave the
  /// answering to a former pack. A gallery whose job was cancelled or has failed is left alone
  /// until the next pack or the next such object. None gets a job by a pack without a calibration,
  /// which could decide nothing, nor where a version was chosen by hand. One that is being trained
  /// already is waited for, kWaitAtMost_ms at most in each pass; what else keeps one from getting a
  /// job is logged, and keeps no other from it. Once all were gone through, and every kPassEvery_ms
  /// whatever becomes of that, packs that answer for none are let go
  /// (Recognition::hold_answering_packs).
  ///
  /// in:    `stop` ends a look between two parts of the list
  /// fails: as gallery::Galleries::list_answering_models and list_answering_packs, and jobs::Jobs;
  ///        it goes on with the next look
  [[nodiscard]] Result<State> look(const std::stop_token& stop = {});
  static constexpr int64_t kPassEvery_ms = 10 * 60 * 1'000;
  static constexpr int64_t kWaitAtMost_ms = kPassEvery_ms;

 private:
  struct Started {
    gallery::UserId owner{};
    gallery::GalleryId gallery{};
    jobs::JobId job{};
  };
  /// A training of somebody else's that is in the way.
  struct InTheWay {
    gallery::GalleryId gallery{};
    UnixTime_ms since_ms = 0;
  };
  enum class Outcome { Started, WaitForAnother, GoOn };

  [[nodiscard]] Result<bool> is_at_work();
  [[nodiscard]] Outcome start(const gallery::AnsweringModel& behind);
  [[nodiscard]] Result<State> look_at_galleries(const std::stop_token& stop);
  [[nodiscard]] bool is_in_pass();
  void begin_pass();
  [[nodiscard]] Outcome put_off(gallery::GalleryId gallery, const Error& error);
  [[nodiscard]] Outcome wait_for(gallery::GalleryId gallery);
  [[nodiscard]] UnixTime_ms now_ms() const;
  [[nodiscard]] bool is_within(UnixTime_ms time_ms, int64_t span_ms) const;

  jobs::Jobs& jobs_;
  Recognition& recognition_;
  std::optional<face::ModelId> model_{};  ///< with which the galleries are to catch up
  std::optional<int64_t> after_{};        ///< the last gallery that was looked at
  std::optional<UnixTime_ms> pass_ended_ms_{};
  std::optional<UnixTime_ms> held_ms_{};       ///< when packs were last looked after
  std::optional<Started> started_{};           ///< last
  std::optional<InTheWay> in_the_way_{};       ///< first met then
  std::set<gallery::GalleryId> left_alone_{};  ///< their jobs were cancelled, or failed
  std::string last_trouble_{};                 ///< each is logged once
};

}  // namespace faceforge::recognition
