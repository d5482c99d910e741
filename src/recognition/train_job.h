#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "gallery/gallery.h"
#include "gallery/head_trial.h"
#include "jobs/jobs.h"
#include "recognition/training.h"

namespace faceforge::recognition {

class Recognition;

/// The kind of job that trains a gallery. Its parameters are `{"gallery_id":..}`, with
/// `"cause":"new_pack"` where it is TrainingCause::NewPack and `"head":true` where HeadWish::Try.
/// Its result is
/// `{"gallery_id","version","person_count","photo_count","flagged_count","unusable_count",
/// "head_refused"}`, the last the reason why no personal head was tried or kept although one was
/// wanted, or null. The version answers before a head is tried: a job that is cancelled meanwhile
/// has succeeded, and its reason is `job_cancelled`.
inline constexpr std::string_view kTrainGalleryKind = "train_gallery";

/// Whether a personal head is tried once the gallery is trained (gallery/head_trial.h).
enum class HeadWish { None, Try };

/// What trains a head and tries it: as `gallery::train_personal_head`.
using TrainHead = std::function<Result<gallery::HeadOutcome>(
    const gallery::GalleryModel&, const gallery::HeadOptions&, const Supervision&)>;

/// Says how to run the kind; before `jobs.start()`. Both outlive the running of jobs.
void add_train_gallery(jobs::Jobs& jobs, Recognition& recognition,
                       TrainHead train_head = gallery::train_personal_head);

/// Queues the training of a gallery. It can be followed and cancelled as a job, and resumes after a
/// restart with what was embedded already.
///
/// fails: not_found/gallery_not_found; invalid_input/gallery_empty when it has no photo;
///        conflict/training_running when one is queued or running; as `jobs::Jobs::create`
[[nodiscard]] Result<jobs::Job> start_training(jobs::Jobs& jobs, Recognition& recognition,
                                               gallery::UserId user, gallery::GalleryId gallery,
                                               TrainingCause cause = TrainingCause::Asked,
                                               HeadWish head = HeadWish::None);

/// Whether a training of the gallery is queued or running.
///
/// fails: as `jobs::Jobs::has_unfinished`
[[nodiscard]] Result<bool> is_in_training(jobs::Jobs& jobs, gallery::UserId user,
                                          gallery::GalleryId gallery);

}  // namespace faceforge::recognition
