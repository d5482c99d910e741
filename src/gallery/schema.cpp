#include "gallery/galleries.h"

namespace faceforge::gallery {
namespace {

// Every table has its owner, so that every statement can name it, and cascades from it, so that
// deleting an account deletes everything.
//
// photos.face holds 21 little-endian floats: see `internal/rows.h`.
// embeddings keeps one embedding a photo and model, for as long as the photo lives: a version of an
// older model needs it to take the photo out exactly.
// version_people.template is a TemplateSum; a version's counts are counted, never stored.
constexpr const char* kTables = R"(
create table galleries (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  name {TEXT} not null,
  created_ms {INTEGER} not null,
  last_version {INTEGER} not null default 0,
  revision {INTEGER} not null default 0,
  unique (owner_id, name)
) {STRICT};

create table people (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  name {TEXT} not null,
  created_ms {INTEGER} not null,
  unique (gallery_id, name)
) {STRICT};
create index people_by_owner on people(owner_id);

create table photos (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  person_id {INTEGER} not null references people(id) on delete cascade,
  content {TEXT} not null,
  file_bytes {INTEGER} not null,
  file_name {TEXT} not null,
  width_px {INTEGER} not null,
  height_px {INTEGER} not null,
  face {BLOB} not null,
  added_ms {INTEGER} not null,
  file_missing {INTEGER} not null default 0,
  unique (gallery_id, content)
) {STRICT};
create index photos_by_person on photos(person_id);
create index photos_by_content on photos(owner_id, content);

create table embeddings (
  photo_id {INTEGER} not null references photos(id) on delete cascade,
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  model_id {TEXT} not null,
  embedding {BLOB} not null,
  primary key (photo_id, model_id)
) {STRICT};
create index embeddings_by_owner on embeddings(owner_id);

create table versions (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  number {INTEGER} not null,
  trained_ms {INTEGER} not null,
  model_id {TEXT} not null,
  metric {TEXT} not null,
  embedding_length {INTEGER} not null,
  pack_id {TEXT} not null,
  calibration {TEXT},
  unique (gallery_id, number)
) {STRICT};
create index versions_by_owner on versions(owner_id);

create table version_people (
  version_id {INTEGER} not null references versions(id) on delete cascade,
  person_id {INTEGER} not null references people(id) on delete cascade,
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  template {BLOB} not null,
  primary key (version_id, person_id)
) {STRICT};
create index version_people_by_person on version_people(person_id);
create index version_people_by_owner on version_people(owner_id);

create table version_photos (
  version_id {INTEGER} not null references versions(id) on delete cascade,
  photo_id {INTEGER} not null references photos(id) on delete cascade,
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  standing {INTEGER} not null,
  primary key (version_id, photo_id)
) {STRICT};
create index version_photos_by_photo on version_photos(photo_id);
create index version_photos_by_owner on version_photos(owner_id);
)";

// The one table of the installation rather than of an owner: which folder of files is its own.
constexpr const char* kPhotoFolder = R"(
create table photo_folder (
  only_row {INTEGER} primary key check (only_row = 1),
  mark {TEXT} not null
) {STRICT};
)";

// The number of the version that is asked when none is named; null: the newest.
constexpr const char* kVersionInUse = R"(
alter table galleries add column version_in_use {INTEGER};
)";

// How well a photo's face stands for its person (`portrait.h`); 0: of a photo from before this.
constexpr const char* kPortraitQuality = R"(
alter table photos add column portrait_quality {INTEGER} not null default 0;
)";

// What live streams showed: only while a gallery is recorded, and no longer than it says.
// unknown_faces.face is as photos.face, in the pixels of the picture that was kept.
constexpr const char* kRecording = R"(
alter table galleries add column is_recording {INTEGER} not null default 0;
alter table galleries add column recording_days {INTEGER} not null default 30;

create table sightings (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  person_id {INTEGER} not null references people(id) on delete cascade,
  first_seen_ms {INTEGER} not null,
  last_seen_ms {INTEGER} not null,
  similarity {REAL} not null,
  look_count {INTEGER} not null
) {STRICT};
create index sightings_by_owner on sightings(owner_id);
create index sightings_by_gallery on sightings(gallery_id, id);
create index sightings_by_person on sightings(person_id, last_seen_ms);

create table unknown_faces (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  content {TEXT} not null,
  width_px {INTEGER} not null,
  height_px {INTEGER} not null,
  face {BLOB} not null,
  model_id {TEXT} not null,
  metric {TEXT} not null,
  embedding {BLOB} not null,
  first_seen_ms {INTEGER} not null,
  last_seen_ms {INTEGER} not null,
  look_count {INTEGER} not null,
  unique (gallery_id, content)
) {STRICT};
create index unknown_faces_by_content on unknown_faces(owner_id, content);
create index unknown_faces_by_gallery on unknown_faces(gallery_id, id);
)";

// Since when what a recorded stream shows may be kept: when recording was turned on, or when all
// that was recorded was deleted after that. 0: of a gallery that was recorded before this.
constexpr const char* kRecordedSince = R"(
alter table galleries add column recorded_since_ms {INTEGER} not null default 0;
create index sightings_by_time on sightings(gallery_id, last_seen_ms);
create index unknown_faces_by_time on unknown_faces(gallery_id, last_seen_ms);
)";

// Unknown faces that were named, for as long as that can be undone; they go with their photo. The
// columns are those of unknown_faces, whose rows they were under the same ids.
constexpr const char* kNamedFaces = R"(
create table named_faces (
  face_id {INTEGER} not null,
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  gallery_id {INTEGER} not null references galleries(id) on delete cascade,
  photo_id {INTEGER} not null references photos(id) on delete cascade,
  named_ms {INTEGER} not null,
  content {TEXT} not null,
  width_px {INTEGER} not null,
  height_px {INTEGER} not null,
  face {BLOB} not null,
  model_id {TEXT} not null,
  metric {TEXT} not null,
  embedding {BLOB} not null,
  first_seen_ms {INTEGER} not null,
  last_seen_ms {INTEGER} not null,
  look_count {INTEGER} not null,
  primary key (face_id)
) {STRICT};
create index named_faces_by_owner on named_faces(owner_id);
create index named_faces_by_gallery on named_faces(gallery_id, named_ms);
create index named_faces_by_photo on named_faces(photo_id);
)";

// 1 while a duplicate is copied: nobody sees it before it is whole.
constexpr const char* kCopying = R"(
alter table galleries add column is_copying {INTEGER} not null default 0;
)";

// A version's personal head: what its trial showed and, where it was kept, its matrix row by row as
// little-endian floats, and its calibration.
constexpr const char* kPersonalHead = R"(
alter table versions add column head_trial {TEXT};
alter table versions add column head {BLOB};
alter table versions add column head_calibration {TEXT};
)";

// On whose behalf a version was trained: 0 its owner, 1 the server of its own accord.
constexpr const char* kTrainedFor = R"(
alter table versions add column trained_for {INTEGER} not null default 0;
)";

// A head of a pack without calibration has none, and could answer nothing. None is made any more.
constexpr const char* kCalibratedHeads = R"(
update versions set head = null, head_trial = null
  where head is not null and head_calibration is null;
)";

}  // namespace

std::vector<store::Migration> migrations() {
  return {
      {.module = "gallery", .version = 1, .name = "galleries", .sql = kTables},
      {.module = "gallery", .version = 2, .name = "the photos' folder", .sql = kPhotoFolder},
      {.module = "gallery", .version = 3, .name = "version in use", .sql = kVersionInUse},
      {.module = "gallery", .version = 4, .name = "portrait quality", .sql = kPortraitQuality},
      {.module = "gallery", .version = 5, .name = "recording", .sql = kRecording},
      {.module = "gallery", .version = 6, .name = "recorded since", .sql = kRecordedSince},
      {.module = "gallery", .version = 7, .name = "named faces", .sql = kNamedFaces},
      {.module = "gallery", .version = 8, .name = "copying", .sql = kCopying},
      {.module = "gallery", .version = 9, .name = "personal head", .sql = kPersonalHead},
      {.module = "gallery", .version = 10, .name = "trained for", .sql = kTrainedFor},
      {.module = "gallery", .version = 11, .name = "calibrated heads", .sql = kCalibratedHeads}};
}

}  // namespace faceforge::gallery
