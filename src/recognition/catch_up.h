#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

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

  /// Starts the next job where the last one has ended: call it every few seconds. A gallery gets
  /// one since the pack was taken into use, or since this object was made: what was cancelled or
  /// has failed stays so until then. None gets one by a pack without a calibration, which could
  /// decide nothing, nor where a version was chosen by hand.
  ///
  /// in:    `stop` ends a look between two parts of the list
  /// fails: as gallery::Galleries::list_answering_models and jobs::Jobs; it goes on with the next
  ///        look
  /// cost:  each gallery is looked at once since the pack was taken into use
  [[nodiscard]] Result<void> look(const std::stop_token& stop = {});

 private:
  struct Started {
    gallery::UserId owner{};
    jobs::JobId job{};
  };

  [[nodiscard]] Result<bool> is_at_work();
  [[nodiscard]] Result<void> start(const gallery::AnsweringModel& behind);

  jobs::Jobs& jobs_;
  Recognition& recognition_;
  std::optional<face::ModelId> model_{};  ///< with which the galleries are to catch up
  std::optional<int64_t> after_{};        ///< the last gallery that was looked at
  std::optional<Started> started_{};      ///< last
};

}  // namespace faceforge::recognition
