#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "gallery/gallery.h"

namespace faceforge::recognition {

/// Why a gallery is trained.
enum class TrainingCause {
  Asked,    ///< somebody wants the photos as they are now to be known
  NewPack,  ///< a former pack's version answers: one that was chosen by hand goes on answering, and
            ///< where one of the pack in use answers nothing is done
};

/// What became of a training.
struct TrainedVersion {
  gallery::Version version{};
  bool is_new = true;  ///< false: it answered already, and nothing was done
};

/// How far a training is.
struct TrainProgress {
  int64_t photos_done = 0;
  int64_t photos_in_all = 0;  ///< to be embedded by the present pack
  int64_t people_done = 0;    ///< once the photos are embedded
  int64_t people_in_all = 0;  ///< 0 before
};

/// Called during a training; answers whether to go on.
using TrainProgressReport = std::function<Result<void>(const TrainProgress&)>;

}  // namespace faceforge::recognition
