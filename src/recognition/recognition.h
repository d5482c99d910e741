#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "gallery/galleries.h"
#include "gallery/self_check.h"
#include "recognition/face_engine.h"
#include "recognition/identify.h"
#include "recognition/inference_scheduler.h"
#include "recognition/photo_faces.h"
#include "recognition/training.h"
#include "recognition/unknown_faces.h"
#include "recognition/verify.h"
#include "recognition/watch.h"

namespace faceforge::recognition {

using gallery::GalleryId;
using gallery::PersonId;
using gallery::PhotoId;
using gallery::UserId;

struct RecognitionLimits {
  /// Shorter side of an enrolled face; setting limits.enrolled_face_px. Smaller ones embed poorly
  /// and would blur the template.
  float enrolled_face_px = 24;
  /// Shorter side of a face to verify, compare or identify; setting limits.face_px.
  float face_px = 16;
  size_t snapshot_cache_bytes = size_t{512} << 20;  ///< of trained galleries held in memory
  /// Requests that wait at once for a former pack to be loaded, and how long each at most: beyond,
  /// busy/pack_unavailable.
  size_t waiting_for_packs = 2;
  std::chrono::milliseconds pack_wait{10'000};
};

/// What became of one uploaded photo.
struct EnrollReport {
  std::optional<gallery::Photo> photo{};  ///< taken
  /// Or why not: no_face_found, several_faces, face_too_small, photo_duplicate, not_an_image,
  /// image_damaged, photo_empty, photo_too_large, photo_bytes_too_large, name_...
  std::optional<Error> refusal{};
  /// With photo_duplicate: the photo that these bytes are already.
  std::optional<gallery::PhotoHolder> duplicate_of{};
  int width_px = 0;  ///< 0 when it could not be decoded
  int height_px = 0;
  std::vector<face::DetectedFace> faces{};  ///< all that were found, to be drawn on the photo
};

/// A version held against its own photos, and the people and photos that the check's indices name.
struct VersionCheck {
  std::shared_ptr<const gallery::Snapshot> snapshot{};
  gallery::SelfCheck check{};
};

/// What the version in use made of a person.
struct PersonTraining {
  std::optional<int64_t> version{};  ///< nothing where the gallery was never trained
  std::vector<gallery::VersionPhoto> photos{};
  std::vector<gallery::Candidate> look_alikes{};  ///< the nearest other people
};

/// A gallery as one stream watches it: what is kept from frame to frame.
struct GalleryWatch {
  UserId user{};
  GalleryId gallery{};
  gallery::MatchRates rates{};
  Watch watch{};
  int64_t version = 0;  ///< of the gallery, that faces were last held against
  std::shared_ptr<const gallery::Snapshot> snapshot{};
  int64_t looked_up_ms = 0;  ///< when the version was last asked for
  /// Since when it is recorded, as of then; nothing while it is not.
  std::optional<UnixTime_ms> recorded_since_ms{};
};

/// A photo to be looked at.
struct Upload {
  /// A photo that somebody waits for, however long it takes.
  template <std::convertible_to<std::span<const std::byte>> Bytes>
  Upload(const Bytes& bytes)  // NOLINT(google-explicit-constructor): bytes are such a photo
      : file(bytes) {}
  Upload(std::span<const std::byte> bytes, std::stop_token nobody_waits)
      : file(bytes), abandoned(std::move(nobody_waits)) {}

  std::span<const std::byte> file;
  std::stop_token abandoned{};  ///< asked to stop when nobody waits for the answer any more
};

/// The use cases of a server: galleries of the database looked at by the pack in use. Thread safe.
/// Every photo is looked at through the scheduler, so that each use case fails as
/// `InferenceScheduler::begin` and its engine too: busy/recognition_busy, cancelled/...
class Recognition {
 public:
  /// in: `galleries`, `scheduler` and what `load` uses outlive this object; without `load` only
  ///     engines that were in use are there for versions of another model
  Recognition(gallery::Galleries& galleries, InferenceScheduler& scheduler, Engines engines,
              const RecognitionLimits& limits = {}, LoadEngines load = {});
  ~Recognition();
  Recognition(const Recognition&) = delete;
  Recognition& operator=(const Recognition&) = delete;

  /// The pack in use from the next call on: enrolling, training, `detect` and `compare` are its.
  /// Galleries keep their versions, each of which is asked with the engines of its own model; the
  /// former engines stay for those.
  void use_engines(Engines engines);

  /// Has the former packs that galleries are answered by loaded, as far as there is room, by a
  /// thread that is not the caller's, and lets go of those that answer for none. Called at a start,
  /// no question waits for its pack; called now and then, none stays in memory for nothing.
  ///
  /// fails: as gallery::Galleries::list_answering_packs
  [[nodiscard]] Result<void> hold_answering_packs();

  [[nodiscard]] Engines engines_in_use() const;
  /// The engines that are there beside those.
  [[nodiscard]] std::vector<Engines> former_engines() const;

  [[nodiscard]] std::shared_ptr<const FaceEngine> engine() const;

  /// Adds a photo to a person, or says why it was refused. A refusal is a report, not a failure.
  ///
  /// fails: as gallery::Galleries (gallery_not_found, person_not_found, too_many_photos,
  ///        disk_full)
  [[nodiscard]] Result<EnrollReport> enroll(UserId user, GalleryId gallery, PersonId person,
                                            const Upload& upload, std::string_view file_name);

  /// Embeds what the present pack has not embedded yet, then trains a new version. What was
  /// embedded is kept when it is cancelled or cut off, so that a second start resumes there. The
  /// work of the job `train_gallery` (recognition/train_job.h), which is how a server calls it.
  ///
  /// Where another pack is taken into use meanwhile, it begins again with that.
  ///
  /// out:   the version; with TrainingCause::NewPack that which answers, untrained, where it is of
  ///        the pack in use already
  /// fails: as gallery::Galleries::train; conflict/training_running when one of this gallery runs
  ///        already; conflict/pack_replaced when that happens again and again; what `progress`
  ///        returns; with TrainingCause::NewPack as gallery::Galleries::find_version
  [[nodiscard]] Result<TrainedVersion> train(UserId user, GalleryId gallery,
                                             const TrainProgressReport& progress = {},
                                             TrainingCause cause = TrainingCause::Asked);

  /// Names every face of a photo. `version`: nothing for the one in use.
  ///
  /// fails: as recognition::identify; conflict/gallery_not_trained; not_found/version_not_found;
  ///        conflict/model_mismatch where no pack of the version's model can be used here;
  ///        busy/pack_unavailable where it is not loaded within RecognitionLimits::pack_wait, or
  ///        cannot be at present; as gallery::MatchPolicy::create
  [[nodiscard]] Result<IdentifyReport> identify(UserId user, GalleryId gallery,
                                                const Upload& upload,
                                                const gallery::MatchRates& rates = {},
                                                size_t candidate_count = 5,
                                                std::optional<int64_t> version = std::nullopt);

  /// Begins to watch a gallery's people in a stream of frames.
  ///
  /// fails: not_found/gallery_not_found; conflict/gallery_not_trained; conflict/model_mismatch and
  ///        busy/pack_unavailable as identify, without waiting for a pack: it is loaded meanwhile;
  ///        as gallery::MatchPolicy::create
  [[nodiscard]] Result<GalleryWatch> begin_watch(UserId user, GalleryId gallery,
                                                 const gallery::MatchRates& rates = {});

  /// Looks at the next frame of a stream, with the version in use; the frame takes its turn among
  /// the photos. Another version, a deletion and another pack are noticed within kLookUpEvery_ms.
  ///
  /// in:    `time_ms` as Watch::look; one thread at a time for each watch
  /// fails: as Watch::look and begin_watch; the watch can go on
  [[nodiscard]] Result<WatchReport> watch(GalleryWatch& state, const Upload& frame,
                                          int64_t time_ms);
  static constexpr int64_t kLookUpEvery_ms = 1'000;

  /// What `watch` notices, without a frame: a stream that pauses holds nobody who was deleted, nor
  /// what is not to be recorded any more. It needs no pack.
  ///
  /// in:    as `watch`
  /// fails: not_found/gallery_not_found; conflict/gallery_not_trained; the watch can go on
  [[nodiscard]] Result<void> refresh_watch(GalleryWatch& state, int64_t time_ms);

  /// The stream is over: what a recorded one still showed is kept too.
  void end_watch(GalleryWatch& state, int64_t time_ms);

  /// The faces that recorded streams showed and the gallery did not know, those alike together: for
  /// each model by the thresholds of the gallery's newest version of that model or, where it has
  /// none, by those of its pack where that is in memory.
  ///
  /// fails: as gallery::Galleries::list_unknown_faces and find_comparable
  /// cost:  as group_unknown_faces
  [[nodiscard]] Result<UnknownFaces> unknown_faces(UserId user, GalleryId gallery);

  /// Makes an unknown face a photo of a person. One that is taken is unknown no more, and so is one
  /// whose very picture the gallery has.
  ///
  /// out:   as enroll; refusals are photo_duplicate and blob_not_found
  /// fails: as enroll; not_found/unknown_face_not_found
  [[nodiscard]] Result<EnrollReport> enroll_unknown_face(UserId user, GalleryId gallery,
                                                         PersonId person,
                                                         gallery::UnknownFaceId face,
                                                         const std::stop_token& abandoned = {});

  /// Undoes that: see the function of the same name of gallery::Galleries.
  [[nodiscard]] Result<std::vector<gallery::UnknownFaceId>> unname_faces(
      UserId user, GalleryId gallery, PersonId person,
      std::span<const gallery::UnknownFaceId> faces);

  /// Compares a photo with one person of a gallery.
  ///
  /// fails: as recognition::verify; not_found/person_not_found; not_found/person_not_trained when
  ///        the person is not in that version; and as identify
  [[nodiscard]] Result<VerifyReport> verify(UserId user, GalleryId gallery, PersonId person,
                                            const Upload& upload,
                                            const gallery::MatchRates& rates = {},
                                            const WantedFace& wanted_face = FaceChoice::OnlyFace,
                                            std::optional<int64_t> version = std::nullopt);

  [[nodiscard]] Result<PhotoFaces> detect(const Upload& upload);

  /// A photo's pixels, as large as they are ever decoded. Fails as image::decode.
  [[nodiscard]] Result<image::Photo> decode(const Upload& upload);

  /// The request is abandoned when `first` is.
  [[nodiscard]] Result<CompareReport> compare(const Upload& first,
                                              std::span<const std::byte> second,
                                              const gallery::MatchRates& rates = {},
                                              const WantedFace& wanted_face = FaceChoice::OnlyFace);

  /// Holds a version against its own photos (`gallery::check_against_itself`).
  ///
  /// fails: as gallery::Galleries::find_version_state and read_model; as
  ///        gallery::check_against_itself
  [[nodiscard]] Result<VersionCheck> check_version(UserId user, GalleryId gallery, int64_t version,
                                                   const std::stop_token& abandoned = {});

  /// Tells what the version in use made of a person, and who is most like them.
  ///
  /// fails: not_found/person_not_found; as check_version
  /// cost:  that person's photos, and one search among all templates
  [[nodiscard]] Result<PersonTraining> training_of(UserId user, GalleryId gallery, PersonId person);

  /// A version as the bytes of a `.ffg` file. `version`: nothing for the one in use.
  [[nodiscard]] Result<std::vector<std::byte>> export_model(
      UserId user, GalleryId gallery, std::optional<int64_t> version = std::nullopt);

  /// Deletions go through here, so that nothing stays in this process's memory either; see the
  /// functions of the same names of gallery::Galleries.

  [[nodiscard]] Result<void> delete_photo(UserId user, GalleryId gallery, PhotoId photo);
  [[nodiscard]] Result<void> delete_person(UserId user, GalleryId gallery, PersonId person);
  [[nodiscard]] Result<void> delete_gallery(UserId user, GalleryId gallery);
  [[nodiscard]] Result<void> delete_version(UserId user, GalleryId gallery, int64_t version);

  [[nodiscard]] gallery::Galleries& galleries();

  /// All galleries of a user and their files; call it before the account itself is deleted.
  [[nodiscard]] Result<void> delete_everything(UserId user);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::recognition
