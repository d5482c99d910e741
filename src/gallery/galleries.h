#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "face/calibration.h"
#include "gallery/gallery.h"
#include "gallery/gallery_model.h"
#include "gallery/limits.h"
#include "gallery/recording.h"
#include "store/blob_files.h"
#include "store/database.h"
#include "store/migrate.h"

namespace faceforge::gallery {

struct HeadOutcome;

/// The tables of galleries; after `store::owner_migrations()`.
[[nodiscard]] std::vector<store::Migration> migrations();

/// A part of a list: what comes after a key, which is the last one of the part before.
template <typename Key>
struct Part {
  std::optional<Key> after{};  ///< nothing for the beginning
  /// One more than a query may find: a list that is too long is an error, and never cut.
  int64_t limit = int64_t{store::kMaxQueryRows} + 1;
};

/// On whose behalf a gallery is trained.
enum class TrainedFor {
  Owner,   ///< the new version answers, also where another was chosen by hand (`use_version`)
  Server,  ///< of its own accord: what was chosen by hand goes on answering, and the new version
           ///< takes the place of those that it had trained with this model before
};

/// What a training needs to know of the pack that made the embeddings, and of its cause.
struct Training {
  face::ModelId model_id{};
  face::Metric metric = face::Metric::Cosine;
  int64_t embedding_length = 0;
  std::string pack_id{};
  /// Without one, no photo can be told to disagree and none is flagged.
  std::optional<face::Calibration> calibration{};
  TrainedFor trained_for = TrainedFor::Owner;
};

/// What the faces of a model are compared by.
struct ComparableModel {
  face::Metric metric = face::Metric::Cosine;
  int64_t embedding_length = 0;
  face::Calibration calibration{};
};

/// Called for each person of a training, and once at its end; answers whether to go on.
using TrainingReport = std::function<Result<void>(int64_t people_done, int64_t people_in_all)>;

/// Called before each part of a copy; answers whether to go on.
using CopyReport = std::function<Result<void>()>;

/// What a start found, and what it did about it.
struct Reconciliation {
  int64_t orphan_files_removed = 0;  ///< files without a row: interrupted uploads and deletions
  int64_t accounts_removed = 0;      ///< folders of accounts that are gone
  int64_t photos_without_file = 0;   ///< rows without a file; marked `file_missing`
};

/// What a start does about photos that are not in the folder it was given, which is empty.
enum class PhotosElsewhere {
  Refuse,  ///< most likely it is the wrong folder
  Accept,  ///< they are lost: their rows are marked so
};

/// Galleries, people, reference photos and trained versions: rows of the database and files of the
/// account. Every call names the user and sees nothing of others: what belongs to someone else is
/// not_found, exactly like what does not exist. Thread safe, and safe beside other processes.
///
/// fails (every call): not_found/gallery_not_found, person_not_found, photo_not_found or
///   version_not_found for what is named; the errors of `store::Transaction`, and of
///   `store::BlobFiles` where files are involved
class Galleries {
 public:
  /// `database` is migrated and, like `files` and `clock`, outlives this object.
  Galleries(store::Database& database, const store::BlobFiles& files, const Clock& clock,
            Limits limits = {});

  [[nodiscard]] const Limits& limits() const { return limits_; }

  // --- galleries ---

  /// fails: as checked_name; already_exists/gallery_name_taken; exhausted/too_many_galleries;
  ///        not_found/user_not_found
  [[nodiscard]] Result<Gallery> create_gallery(UserId user, std::string_view name);

  /// Makes a gallery of the same people, photos and embeddings, not trained yet. The files are
  /// there once: they go with the last photo that names them. It is copied in parts, between which
  /// others write; the name is taken meanwhile, and nobody sees the copy before it is whole.
  ///
  /// out:   the copy, with each photo as it was when its part was copied
  /// fails: as create_gallery; what `report` returns; nothing is left of the copy then
  [[nodiscard]] Result<Gallery> duplicate_gallery(UserId user, GalleryId gallery,
                                                  std::string_view name,
                                                  const CopyReport& report = {});

  /// out: by name
  [[nodiscard]] Result<std::vector<Gallery>> list_galleries(UserId user,
                                                            const Part<std::string>& part = {});
  [[nodiscard]] Result<Gallery> find_gallery(UserId user, GalleryId gallery);

  /// fails: as checked_name; already_exists/gallery_name_taken
  [[nodiscard]] Result<Gallery> rename_gallery(UserId user, GalleryId gallery,
                                               std::string_view name);

  /// Deletes a gallery with its people, photos and versions, and leaves no copy behind.
  [[nodiscard]] Result<void> delete_gallery(UserId user, GalleryId gallery);

  // --- people ---

  /// fails: as checked_name; already_exists/person_name_taken; exhausted/too_many_people
  [[nodiscard]] Result<Person> add_person(UserId user, GalleryId gallery, std::string_view name);

  /// out: by name
  [[nodiscard]] Result<std::vector<Person>> list_people(UserId user, GalleryId gallery,
                                                        const Part<std::string>& part = {});
  /// Those of them whose names have `wanted` in them, whatever its case and accents.
  ///
  /// fails: as checked_name for `wanted`
  /// cost:  a look at every name of the gallery after `part.after`, up to the last one found
  [[nodiscard]] Result<std::vector<Person>> find_people(UserId user, GalleryId gallery,
                                                        std::string_view wanted,
                                                        const Part<std::string>& part = {});
  [[nodiscard]] Result<Person> find_person(UserId user, GalleryId gallery, PersonId person);

  /// Renames a person, in trained versions too: a version knows who its people are, not what they
  /// are called.
  ///
  /// fails: as checked_name; already_exists/person_name_taken
  [[nodiscard]] Result<Person> rename_person(UserId user, GalleryId gallery, PersonId person,
                                             std::string_view name);

  /// Deletes a person with their photos, takes them out of every version, and leaves no copy
  /// behind.
  [[nodiscard]] Result<void> delete_person(UserId user, GalleryId gallery, PersonId person);

  /// Deletes a person of whom there is no photo: what another request has made of them meanwhile
  /// stays.
  ///
  /// out: whether they are gone
  [[nodiscard]] Result<bool> delete_person_without_photos(UserId user, GalleryId gallery,
                                                          PersonId person);

  // --- reference photos ---

  /// Fails as `add_photo` would on a duplicate or a full person, without looking at the photo:
  /// asked before the costly part of enrolling.
  [[nodiscard]] Result<void> check_new_photo(UserId user, GalleryId gallery, PersonId person,
                                             std::span<const std::byte> bytes);

  /// The photo of the gallery that has these very bytes; nothing where there is none.
  [[nodiscard]] Result<std::optional<PhotoHolder>> find_holder(UserId user, GalleryId gallery,
                                                               std::span<const std::byte> bytes);

  /// Stores a photo: the file first, then the rows.
  ///
  /// fails: already_exists/photo_duplicate when the gallery holds these very bytes, the message
  ///        naming the person; exhausted/too_many_photos; as checked_name for the file's name
  [[nodiscard]] Result<Photo> add_photo(UserId user, GalleryId gallery, PersonId person,
                                        const NewPhoto& photo);

  /// out: in the order they were added
  [[nodiscard]] Result<std::vector<Photo>> list_photos(UserId user, GalleryId gallery,
                                                       PersonId person,
                                                       const Part<int64_t>& part = {});
  [[nodiscard]] Result<Photo> find_photo(UserId user, GalleryId gallery, PhotoId photo);

  /// The photo's bytes, exactly as they were uploaded.
  [[nodiscard]] Result<store::Blob> read_photo_file(UserId user, GalleryId gallery, PhotoId photo);

  /// Deletes a photo and its file, takes it out of every version exactly, and leaves no copy
  /// behind.
  [[nodiscard]] Result<void> delete_photo(UserId user, GalleryId gallery, PhotoId photo);

  // --- whom a photo shows ---

  /// Moves photos to another person of the gallery: in trained versions too, and exactly, as if
  /// they had been that person's when the version was trained. Moving them back leaves every
  /// version as it was, bit by bit. Which photos are flagged is only decided by the next training.
  ///
  /// in:    photos of whichever people; those that are the person's already stay
  /// out:   the person they are moved to
  /// fails: invalid_input/photo_count, for none and for more than a person may have;
  ///        exhausted/too_many_photos; then nothing is moved
  [[nodiscard]] Result<Person> move_photos(UserId user, GalleryId gallery,
                                           std::span<const PhotoId> photos, PersonId to);

  /// Undoes move_photos, and add_person_of_photos: photos that are still `from`'s are `to`'s again.
  /// Those that were moved on or deleted since stay as they are.
  ///
  /// in:    `emptied` what becomes of `from` where none of their photos is left
  /// out:   the photos that moved, in the order of their ids
  /// fails: as move_photos, but for photos and a `from` that are not there;
  ///        invalid_input/same_person
  enum class Emptied { Stays, IsMerged };
  [[nodiscard]] Result<std::vector<PhotoId>> move_back(UserId user, GalleryId gallery,
                                                       std::span<const PhotoId> photos,
                                                       PersonId from, PersonId to, Emptied emptied);

  /// Splits photos off as a person of their own: add_person and move_photos as one.
  [[nodiscard]] Result<Person> add_person_of_photos(UserId user, GalleryId gallery,
                                                    std::string_view name,
                                                    std::span<const PhotoId> photos);

  /// Moves all photos and sightings of a person to another one, and deletes the person.
  ///
  /// out:   what was moved: `unmerge_person` takes it
  /// fails: invalid_input/same_person; exhausted/too_many_photos
  [[nodiscard]] Result<Merged> merge_person(UserId user, GalleryId gallery, PersonId person,
                                            PersonId into);

  /// Undoes merge_person: a person of this name gets what is still `into`'s of what had moved. What
  /// was moved on or deleted since stays as it is.
  ///
  /// in:    `merged` with no photo, of a person who had none
  /// out:   nobody where there were photos and none is left
  /// fails: as add_person_of_photos, but for photos that are not there, and for no photo;
  ///        not_found/person_not_found for `into`; invalid_input/sighting_count
  [[nodiscard]] Result<std::optional<Unmerged>> unmerge_person(UserId user, GalleryId gallery,
                                                               PersonId into, std::string_view name,
                                                               const Merged& merged);

  // --- embeddings of another model ---

  /// Photos of a gallery that were never embedded by this model, in the order they were added.
  [[nodiscard]] Result<std::vector<Photo>> photos_without_embedding(UserId user, GalleryId gallery,
                                                                    const face::ModelId& model);

  /// Keeps what another model makes of a photo, beside what earlier ones made (stored versions need
  /// it for exact deletion). A second embedding of the same model changes nothing.
  ///
  /// fails: not_found/photo_not_found when the photo was deleted meanwhile
  [[nodiscard]] Result<void> add_embedding(UserId user, GalleryId gallery, PhotoId photo,
                                           const face::Embedding& embedding);

  // --- trained versions ---

  /// Trains: a new version with a template a person (see `train.h`). It is written in one short
  /// transaction, and only if the photos that it comes from are all still there; others write
  /// meanwhile. Photos added during a training are left to the next one.
  ///
  /// fails: invalid_input/gallery_empty when no photo has an embedding of this model;
  ///        exhausted/too_many_versions; corrupt/embedding_damaged; conflict/gallery_changing when
  ///        photos are deleted or moved during each of several attempts; what `report` returns
  /// cost:  time as `disagreeing` for each person; memory for the photos of one person at a time
  [[nodiscard]] Result<Version> train(UserId user, GalleryId gallery, const Training& training,
                                      const TrainingReport& report = {});

  /// Fails as `train` would on a gallery that has all the versions that it may have: asked before
  /// photos are embedded for it.
  [[nodiscard]] Result<void> check_version_room(UserId user, GalleryId gallery,
                                                const Training& training);

  /// By what the newest version of a model that promises something compares its faces.
  ///
  /// out: nothing where no version of that model has a calibration
  [[nodiscard]] Result<std::optional<ComparableModel>> find_comparable(UserId user,
                                                                       GalleryId gallery,
                                                                       const face::ModelId& model);

  /// out: newest first
  [[nodiscard]] Result<std::vector<Version>> list_versions(UserId user, GalleryId gallery,
                                                           const Part<int64_t>& part = {});

  /// in:    `number`, or nothing for the one in use
  /// fails: not_found/version_not_found; conflict/gallery_not_trained when that in use is asked for
  ///        and there is none
  [[nodiscard]] Result<Version> find_version(UserId user, GalleryId gallery,
                                             std::optional<int64_t> number = std::nullopt);

  /// Which version answers, and of which revision of the gallery: what is asked with every photo
  /// and every second of a stream.
  ///
  /// in:    as find_version
  /// fails: as find_version
  /// cost:  two rows, however large the gallery is
  [[nodiscard]] Result<VersionState> find_version_state(
      UserId user, GalleryId gallery, std::optional<int64_t> number = std::nullopt);

  /// Has a version answer where none is named, until the owner's next training (TrainedFor::Owner)
  /// or until it is deleted: the newest does then.
  ///
  /// out:   the gallery
  /// fails: not_found/version_not_found
  [[nodiscard]] Result<Gallery> use_version(UserId user, GalleryId gallery, int64_t number);

  /// Which model answers for each gallery, of all accounts, in the order in which they were made:
  /// for what a server does of its own accord. One that is not copied whole yet has no model.
  ///
  /// in:    a part of few galleries: it is read at once
  /// cost:  three rows a gallery
  [[nodiscard]] Result<std::vector<AnsweringModel>> list_answering_models(
      const Part<int64_t>& part);

  /// By which models the galleries of all accounts are answered, that of most galleries first.
  ///
  /// out:  kMaxAnsweringPacks at most; of each model the pack that trained most of its versions
  /// cost: three rows a gallery
  [[nodiscard]] Result<std::vector<AnsweringPack>> list_answering_packs();
  static constexpr int64_t kMaxAnsweringPacks = 64;

  [[nodiscard]] Result<VersionReport> report_version(UserId user, GalleryId gallery,
                                                     int64_t number);

  /// What a version made of one person's photos, in the order they were added.
  ///
  /// cost:  reads that person's embeddings only, however large the gallery is
  [[nodiscard]] Result<std::vector<VersionPhoto>> report_photos(UserId user, GalleryId gallery,
                                                                PersonId person, int64_t number);
  [[nodiscard]] Result<void> delete_version(UserId user, GalleryId gallery, int64_t number);

  /// A version in memory: what a Snapshot is built from and what a `.ffg` file holds.
  [[nodiscard]] Result<GalleryModel> read_model(UserId user, GalleryId gallery, int64_t number);

  /// Keeps what the trial of a personal head showed and, where it was better, the head, in place of
  /// what the version had. It goes with the first photo of it that is deleted, or is moved.
  ///
  /// in:    `outcome` of `train_personal_head` on the version's model as it was at `state`
  /// fails: conflict/gallery_changing when something was deleted, moved or renamed since: a head
  ///        must not keep a trace of who is gone
  [[nodiscard]] Result<Version> keep_head(UserId user, GalleryId gallery, const VersionState& state,
                                          const HeadOutcome& outcome);

  // --- recording of live streams ---

  /// Turns recording on or off. Off, nothing more is kept, not even what was seen before; what was
  /// kept stays until it is deleted or its days are over.
  ///
  /// out:   the gallery
  /// fails: invalid_input/kept_days_out_of_range outside of 1 to kMaxKeptDays
  [[nodiscard]] Result<Gallery> set_recording(UserId user, GalleryId gallery,
                                              const Recording& recording);

  /// Since when what streams show may be kept, which is asked every second of each: since recording
  /// was turned on, or all that was recorded was deleted.
  ///
  /// out:   nothing while recording is off
  /// fails: not_found/gallery_not_found
  /// cost:  one row, however large the gallery is
  [[nodiscard]] Result<std::optional<UnixTime_ms>> recorded_since(UserId user, GalleryId gallery);

  /// Keeps what of a sighting is not before `recorded_since`, or adds it to the person's last one
  /// where less than kVisitGap_ms lie between them, and recording went on meanwhile.
  ///
  /// fails: conflict/recording_off, also when it was off then; not_found/person_not_found
  [[nodiscard]] Result<void> add_sighting(UserId user, GalleryId gallery,
                                          const NewSighting& sighting);

  /// Keeps a face: the file first, then the row.
  ///
  /// fails: conflict/recording_off, also when the picture is from before `recorded_since`;
  ///        already_exists/unknown_face_duplicate; as check_embedding
  [[nodiscard]] Result<UnknownFaceId> add_unknown_face(UserId user, GalleryId gallery,
                                                       const NewUnknownFace& face);

  /// out: those that began last first
  [[nodiscard]] Result<std::vector<Sighting>> list_sightings(UserId user, GalleryId gallery,
                                                             const Part<int64_t>& part = {});

  /// out: all of them, the newest first, but for those whose rows are damaged, which are counted in
  ///      the log
  [[nodiscard]] Result<std::vector<UnknownFace>> list_unknown_faces(UserId user, GalleryId gallery);

  /// fails: not_found/unknown_face_not_found; corrupt/unknown_face_damaged
  [[nodiscard]] Result<UnknownFace> find_unknown_face(UserId user, GalleryId gallery,
                                                      UnknownFaceId face);

  /// The picture of a face.
  ///
  /// in: `face` of this user
  [[nodiscard]] Result<store::Blob> read_unknown_face_file(UserId user, const UnknownFace& face);

  /// An unknown face has become a photo: it is unknown no more. For kNamingUndone_ms what was known
  /// of it is kept beside the photo, so that `unname_faces` can undo it.
  ///
  /// fails: not_found/unknown_face_not_found; not_found/photo_not_found
  [[nodiscard]] Result<void> name_unknown_face(UserId user, GalleryId gallery, UnknownFaceId face,
                                               PhotoId photo);

  /// Makes named faces unknown again as they were, and deletes the photos that they had become.
  /// Faces whose photo is not that person's any more, or is gone, and those that were named too
  /// long ago are left as they are.
  ///
  /// out:   the faces that are unknown again, in the order of `faces`
  [[nodiscard]] Result<std::vector<UnknownFaceId>> unname_faces(
      UserId user, GalleryId gallery, PersonId person, std::span<const UnknownFaceId> faces);
  static constexpr int64_t kNamingUndone_ms = 3'600'000;

  /// Deletes faces and their files; those that are gone already are no error.
  [[nodiscard]] Result<void> delete_unknown_faces(UserId user, GalleryId gallery,
                                                  std::span<const UnknownFaceId> faces);

  /// Deletes all sightings and unknown faces of a gallery, and leaves no copy behind. What streams
  /// have seen by now is not kept later either.
  [[nodiscard]] Result<void> delete_recorded(UserId user, GalleryId gallery);

  /// Deletes, of everybody, what was kept for longer than its gallery says, about
  /// kExpiredFacesAtOnce faces at a time, and copies that were cut off: call it at every start and
  /// every hour, and again soon while there is more.
  ///
  /// out:   whether there is more
  /// fails: the first trouble, once all other galleries were seen to
  [[nodiscard]] Result<bool> delete_expired();
  static constexpr int64_t kExpiredFacesAtOnce = 200;

  [[nodiscard]] const Clock& clock() const { return clock_; }

  // --- everything ---

  /// Deletes all galleries of a user with all files; the account itself is not touched.
  [[nodiscard]] Result<void> delete_everything(UserId user);

  /// Removes all files of an account whose rows are gone, now or later: see `remove_leftovers`.
  void remove_files_of_deleted(UserId user);

  /// As `store::Database::forget_deleted`, now or later: see `remove_leftovers`.
  void forget_deleted();

  /// Once the rows of a deletion are gone it has succeeded; a file that could not be removed then
  /// (a folder that may not be written, a hold that lasts) is remembered by its account, and so is
  /// that the database could not forget the rows. Tries those again, without waiting for whoever
  /// holds the files: call it every few seconds, it costs nothing where nothing is left.
  /// `reconcile` finds what was remembered by a process that has ended.
  ///
  /// out: how many accounts still have such a file
  size_t remove_leftovers();

  /// Brings rows and files together after whatever happened: call it at every start.
  ///
  /// fails: before anything is changed, conflict/photos_of_another_database when the files were
  ///        not made with this database; conflict/photos_elsewhere when there is no file, while
  ///        the database names photos
  [[nodiscard]] Result<Reconciliation> reconcile(
      PhotosElsewhere elsewhere = PhotosElsewhere::Refuse);

 private:
  /// As create_gallery and add_person with checked names.
  [[nodiscard]] Result<Gallery> insert_gallery(store::Transaction& transaction, UserId user,
                                               const std::string& stored_name);
  [[nodiscard]] Result<Person> insert_person(store::Transaction& transaction, UserId user,
                                             GalleryId gallery, const std::string& stored_name);

  void remember_leftover(UserId user, const Error& why);
  [[nodiscard]] Result<void> remove_leftovers_of(UserId user);
  /// Removes those of a user's files that no row names any more.
  [[nodiscard]] Result<void> remove_unused_files(UserId user,
                                                 const std::vector<store::BlobName>& contents);
  /// As above, now or later: see `remove_leftovers`.
  void remove_or_remember(UserId user, const std::vector<store::BlobName>& contents);

  /// Deletes rows by `work`, which names the files that they held; then the files and the traces.
  [[nodiscard]] Result<void> delete_rows(
      UserId user,
      const std::function<Result<std::vector<store::BlobName>>(store::Transaction&)>& work);

  /// Deletes what is left of copies that were begun too long ago to be on their way.
  [[nodiscard]] Result<void> delete_abandoned_copies();

  /// Refuses files of another database, and marks those of a fresh folder as this one's.
  [[nodiscard]] Result<void> check_files_are_ours(PhotosElsewhere elsewhere);

  /// While the caller holds the account's files to remove some.
  [[nodiscard]] Result<void> reconcile_held(UserId user, Reconciliation& found);

  store::Database& database_;
  const store::BlobFiles& files_;
  const Clock& clock_;
  Limits limits_;
  std::mutex leftovers_mutex_;
  std::set<UserId> leftovers_;              ///< accounts with a file that no row names any more
  std::atomic<bool> is_to_forget_ = false;  ///< deleted rows may be in the database's log still
};

}  // namespace faceforge::gallery
