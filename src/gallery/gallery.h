#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong_id.h"
#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "gallery/personal_head.h"
#include "store/owners.h"

namespace faceforge::gallery {

using store::UserId;
using GalleryId = StrongId<struct GalleryTag>;
using PersonId = StrongId<struct PersonTag>;
using PhotoId = StrongId<struct PhotoTag>;

/// Whether what a gallery's live streams show is kept, and for how long.
struct Recording {
  bool is_on = false;
  int64_t kept_days = 30;  ///< 1 to kMaxKeptDays
};

inline constexpr int64_t kMaxKeptDays = 365;

struct Gallery {
  GalleryId id{};
  std::string name{};
  UnixTime_ms created_ms = 0;
  int64_t person_count = 0;
  int64_t photo_count = 0;
  std::optional<int64_t> latest_version{};  ///< nothing before the first training
  std::optional<UnixTime_ms> trained_ms{};  ///< when the latest version was
  /// Photos that the latest version has not seen: they came after it, or there is none yet. What is
  /// deleted or moved leaves no such photo, for it is deleted or moved in versions too.
  int64_t untrained_photo_count = 0;
  /// That which is asked where none is named: the latest, but after `Galleries::use_version`.
  std::optional<int64_t> version_in_use{};
  bool is_version_chosen = false;  ///< by hand: `Galleries::use_version`
  /// With which pack and model the version in use was trained; empty before the first training.
  std::string pack_id{};
  face::ModelId model_id{};
  /// Rises with everything that changes what stored versions hold or how they are shown: a deleted
  /// photo, person or version, a moved photo, a renamed person. With a version's number it names a
  /// Snapshot.
  int64_t revision = 0;
  Recording recording{};
  int64_t sighting_count = 0;  ///< kept at present, as the next
  int64_t unknown_face_count = 0;
};

struct Person {
  PersonId id{};
  GalleryId gallery_id{};
  std::string name{};
  UnixTime_ms created_ms = 0;
  int64_t photo_count = 0;
  /// The photo whose face stands best for the person: of those that no training flagged, the one of
  /// the best `portrait_quality`, the oldest of equals.
  std::optional<PhotoId> cover_photo_id{};
  bool is_trained = false;  ///< the version in use knows them
};

/// A reference photo: exactly one face of one person. Its bytes are a file of the account.
struct Photo {
  PhotoId id{};
  GalleryId gallery_id{};
  PersonId person_id{};
  std::string file_name{};  ///< as it was uploaded; for people, never a path
  std::string content{};    ///< sha256 of the bytes in hex; the blob's name
  int64_t file_bytes = 0;
  int width_px = 0;  ///< of the upright photo
  int height_px = 0;
  face::DetectedFace face{};  ///< without its contour
  face::Quality quality{};
  UnixTime_ms added_ms = 0;
  bool file_missing = false;  ///< found at a start: the row is here, its file is not
};

/// Which photo of a gallery some bytes are, and whose it is.
struct PhotoHolder {
  PhotoId photo_id{};
  PersonId person_id{};
  std::string person_name{};
};

/// What enrolling adds: a photo that was looked at and its face.
struct NewPhoto {
  std::span<const std::byte> bytes{};
  std::string file_name{};
  int width_px = 0;
  int height_px = 0;
  face::DetectedFace face{};
  face::Quality quality{};
  face::Embedding embedding{};
};

/// One training of a gallery. Immutable, but for deletions: they take a photo or a person out of
/// it.
struct Version {
  GalleryId gallery_id{};
  int64_t number = 0;  ///< 1, 2, 3, ... within the gallery; never used twice
  UnixTime_ms trained_ms = 0;
  face::ModelId model_id{};
  face::Metric metric = face::Metric::Cosine;
  int64_t embedding_length = 0;
  std::string pack_id{};
  int64_t person_count = 0;
  int64_t photo_count = 0;     ///< those in the templates
  int64_t flagged_count = 0;   ///< left out: they disagree with the rest of their person
  int64_t unusable_count = 0;  ///< left out: this model could not embed them
  /// What the trial of a personal head showed; nothing where none was asked for, and once a photo
  /// that was in it is deleted, or is moved to another person.
  std::optional<HeadTrial> head_trial{};
  bool has_head = false;  ///< it was better, and faces are compared through it
};

/// A version at a moment: with `Gallery::revision` its number names a Snapshot.
struct VersionState {
  int64_t number = 0;
  int64_t revision = 0;  ///< of the gallery
};

/// Which model answers for a gallery of whichever account.
struct AnsweringModel {
  UserId user{};
  GalleryId gallery{};
  /// Of the newest version; nothing before the first training, and where a version was chosen by
  /// hand.
  std::optional<face::ModelId> model_id{};
};

/// What galleries of whichever accounts are answered by.
struct AnsweringPack {
  face::ModelId model_id{};
  std::string pack_id{};
  int64_t gallery_count = 0;  ///< that it answers for, by a version chosen by hand or the newest
};

/// What became of a photo in a training.
enum class Standing {
  Used,      ///< part of its person's template
  Flagged,   ///< disagrees with the rest of its person; left out
  Unusable,  ///< has no embedding of the version's model (no face found, or its file is gone)
};

[[nodiscard]] std::string_view to_string(Standing standing);  // "used", "flagged", "unusable"

struct VersionPhoto {
  PhotoId id{};
  std::string file_name{};
  Standing standing = Standing::Used;
  /// To the mean of its person's other used photos; nothing when there is none, or when unusable.
  std::optional<float> similarity{};
};

struct VersionPerson {
  PersonId id{};
  std::string name{};
  int64_t photo_count = 0;  ///< those in the template
  float spread = 0;         ///< see `TemplateSum::spread`
  std::vector<VersionPhoto> photos{};
};

/// A version, person by person and photo by photo; people by name.
struct VersionReport {
  Version version{};
  std::vector<VersionPerson> people{};
};

}  // namespace faceforge::gallery
