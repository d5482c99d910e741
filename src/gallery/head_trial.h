#pragma once

#include <cstddef>
#include <optional>

#include "base/parallel_work.h"
#include "base/result.h"
#include "gallery/gallery_model.h"
#include "gallery/train_head.h"

namespace faceforge::gallery {

struct HeadOptions {
  HeadSettings training{};
  size_t thread_count = 1;
};

/// People for whom a head is trained: fewer leave nobody to stand for strangers, more take minutes
/// and gigabytes.
inline constexpr size_t kFewestHeadPeople = 5;
inline constexpr size_t kMostHeadPeople = 1'000;
/// Photos of one person that are looked at, evenly chosen where there are more.
inline constexpr size_t kHeadPhotosAPerson = 20;
inline constexpr int64_t kMaxHeadLength = 2'048;  ///< of the embeddings

struct HeadOutcome {
  HeadTrial trial{};
  std::optional<PersonalHead> head{};  ///< only when the trial says that it is better
};

/// Whether a gallery can have a head at all: templates are made of the photos brought through it.
///
/// fails: invalid_input/head_photos_missing when somebody's embeddings are not all there
[[nodiscard]] Result<void> check_photos_of_head(const GalleryModel& gallery);

/// Trains a personal head on a gallery's photos and tries it by cross-validation: photos that are
/// neither in a template nor trained on are asked without the head and with it, each once.
///
/// in:    `photos` with references; a head that it has is not looked at
/// out:   the head, trained on all photos, when it is better; the same for the same photos and seed
/// fails: as check_photos_of_head; conflict/head_not_calibrated when the gallery has no
///        calibration, for without one of its own the head could answer nothing;
///        invalid_input/head_too_few_people when fewer than kFewestHeadPeople have two photos;
///        too_large/head_too_many_people, head_embedding_too_long, head_too_many_photos; as
///        check_embedding; cancelled/...
/// cost:  11 trainings (`train_projection`); none where there is nothing to mend
[[nodiscard]] Result<HeadOutcome> train_personal_head(const GalleryModel& photos,
                                                      const HeadOptions& options = {},
                                                      const Supervision& supervision = {});

}  // namespace faceforge::gallery
