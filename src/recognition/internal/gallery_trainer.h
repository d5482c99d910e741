#pragma once

#include <mutex>
#include <set>

#include "base/result.h"
#include "gallery/galleries.h"
#include "recognition/face_engine.h"
#include "recognition/inference_scheduler.h"
#include "recognition/internal/model_engines.h"
#include "recognition/training.h"

namespace faceforge::recognition::internal {

/// Trains galleries with the pack in use. Thread safe; one gallery is trained once at a time.
class GalleryTrainer {
 public:
  /// in: all outlive this object
  GalleryTrainer(gallery::Galleries& galleries, InferenceScheduler& scheduler,
                 const ModelEngines& engines)
      : galleries_(galleries), scheduler_(scheduler), engines_(engines) {}

  /// As Recognition::train.
  [[nodiscard]] Result<TrainedVersion> train(gallery::UserId user, gallery::GalleryId gallery,
                                             TrainingCause cause,
                                             const TrainProgressReport& progress);

 private:
  [[nodiscard]] Result<TrainedVersion> train_claimed(gallery::UserId user,
                                                     gallery::GalleryId gallery,
                                                     TrainingCause cause,
                                                     const TrainProgressReport& progress);
  [[nodiscard]] Result<gallery::Version> train_with(const Engines& engines, gallery::UserId user,
                                                    gallery::GalleryId gallery, TrainingCause cause,
                                                    const TrainProgressReport& progress);
  [[nodiscard]] Result<void> embed_missing(gallery::UserId user, gallery::GalleryId gallery,
                                           const Engines& with,
                                           const TrainProgressReport& progress);
  [[nodiscard]] Result<bool> embed_photo(gallery::UserId user, const gallery::Photo& photo,
                                         const Engines& with);
  [[nodiscard]] bool is_in_use(const Engines& engines) const;

  gallery::Galleries& galleries_;
  InferenceScheduler& scheduler_;
  const ModelEngines& engines_;
  std::mutex mutex_;
  std::set<gallery::GalleryId> in_training_;  ///< guarded by `mutex_`
};

}  // namespace faceforge::recognition::internal
