#pragma once

#include <cstddef>
#include <optional>

#include "base/parallel_work.h"
#include "base/result.h"
#include "gallery/gallery_model.h"
#include "gallery/train_head.h"

namespace faceforge::gallery {

/// When a trial gives its head out.
enum class HeadGiven {
  WhenBetter,
  Always,  ///< to be measured: one is trained also where there is too little for it to mend
};

struct HeadOptions {
  HeadSettings training{};
  size_t thread_count = 1;
  HeadGiven given = HeadGiven::WhenBetter;
  /// Photos beyond the gallery's own of those whose places in it `people` names. A head learns from
  /// them and is asked about them, and no template holds them. What the gallery has is left out.
  LabelledEmbeddings more_photos{};
};

/// People for whom a head is trained: fewer leave nobody to stand for strangers, more take minutes
/// and gigabytes.
inline constexpr size_t kFewestHeadPeople = 5;
inline constexpr size_t kMostHeadPeople = 1'000;
/// Photos of one person that are looked at, evenly chosen where there are more: of the gallery's
/// own, and of those beyond them.
inline constexpr size_t kHeadPhotosAPerson = 20;
inline constexpr int64_t kMaxHeadLength = 2'048;  ///< of the embeddings

struct HeadOutcome {
  HeadTrial trial{};
  std::optional<PersonalHead> head{};  ///< as `HeadOptions::given`; better is what the trial says
};

/// Whether a gallery can have a head at all: templates are made of the photos brought through it.
///
/// fails: invalid_input/head_photos_missing when somebody's embeddings are not all there
[[nodiscard]] Result<void> check_photos_of_head(const GalleryModel& gallery);

/// Trains a personal head on a gallery's photos and tries it by cross-validation: photos that are
/// neither in a template nor trained on are asked without the head and with it, each once.
///
/// in:    `gallery` with references; a head that it has is not looked at
/// out:   the head, trained on all photos; the same for the same photos and seed
/// fails: as check_photos_of_head; conflict/head_not_calibrated when the gallery has no
///        calibration, for without one of its own the head could answer nothing;
///        invalid_input/head_too_few_people when fewer than kFewestHeadPeople have two photos;
///        too_large/head_too_many_people, head_embedding_too_long, head_too_many_photos; as
///        check_embedding; cancelled/training_cancelled
/// cost:  11 trainings (`train_projection`); none where there is nothing to mend
[[nodiscard]] Result<HeadOutcome> train_personal_head(const GalleryModel& gallery,
                                                      const HeadOptions& options = {},
                                                      const Supervision& supervision = {});

}  // namespace faceforge::gallery
