#include "gallery/internal/rows.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace faceforge::gallery::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "stored floats are little-endian");

constexpr size_t kFaceFloats = 4 + 1 + 2 * face::kLandmarkCount + 6;

Unexpected no_such_gallery(GalleryId gallery) {
  return fail(ErrorCode::NotFound, "gallery_not_found", "there is no gallery {}", gallery.value());
}

}  // namespace

Result<Gallery> find_gallery(store::Transaction& transaction, UserId user, GalleryId gallery) {
  const auto rows = TRY(transaction.query(
      "select g.id, g.name, g.created_ms, g.revision,"
      " (select count(*) from people p where p.gallery_id = g.id),"
      " (select count(*) from photos f where f.gallery_id = g.id),"
      " v.number, g.version_in_use, v.trained_ms,"
      " (select count(*) from version_photos s where s.version_id = v.id),"
      " g.is_recording, g.recording_days,"
      " (select count(*) from sightings s where s.gallery_id = g.id),"
      " (select count(*) from unknown_faces u where u.gallery_id = g.id),"
      " a.pack_id, a.model_id"
      " from galleries g left join versions v on v.gallery_id = g.id"
      " and v.number = (select max(number) from versions n where n.gallery_id = g.id)"
      " left join versions a on a.gallery_id = g.id"
      " and a.number = coalesce(g.version_in_use, v.number)"
      " where g.owner_id = $1 and g.id = $2 and g.is_copying = 0",
      user, gallery));
  if (rows.empty()) return no_such_gallery(gallery);
  const store::Row row = rows[0];
  const auto latest = row.integer_or_null(6);
  const auto chosen = row.integer_or_null(7);
  return Gallery{.id = row.id<GalleryId>(0),
                 .name = row.text(1),
                 .created_ms = row.integer(2),
                 .person_count = row.integer(4),
                 .photo_count = row.integer(5),
                 .latest_version = latest,
                 .trained_ms = row.integer_or_null(8),
                 .untrained_photo_count = row.integer(5) - row.integer(9),
                 .version_in_use = chosen ? chosen : latest,
                 .is_version_chosen = chosen.has_value(),
                 .pack_id = row.text_or_null(14).value_or(""),
                 .model_id = face::ModelId(row.text_or_null(15).value_or("")),
                 .revision = row.integer(3),
                 .recording = {.is_on = row.boolean(10), .kept_days = row.integer(11)},
                 .sighting_count = row.integer(12),
                 .unknown_face_count = row.integer(13)};
}

Result<GalleryHead> find_gallery_head(store::Transaction& transaction, UserId user,
                                      GalleryId gallery) {
  const auto rows =
      TRY(transaction.query("select g.name, g.revision, g.version_in_use,"
                            " (select max(v.number) from versions v where v.gallery_id = g.id),"
                            " g.is_recording, g.recording_days, g.recorded_since_ms"
                            " from galleries g where g.owner_id = $1 and g.id = $2"
                            " and g.is_copying = 0",
                            user, gallery));
  if (rows.empty()) return no_such_gallery(gallery);
  const store::Row row = rows[0];
  const auto latest = row.integer_or_null(3);
  const auto chosen = row.integer_or_null(2);
  return GalleryHead{.name = row.text(0),
                     .latest_version = latest,
                     .version_in_use = chosen ? chosen : latest,
                     .revision = row.integer(1),
                     .recording = {.is_on = row.boolean(4), .kept_days = row.integer(5)},
                     .recorded_since_ms = row.integer(6)};
}

Result<void> require_gallery(store::Transaction& transaction, UserId user, GalleryId gallery) {
  const auto rows = TRY(transaction.query(
      "select 1 from galleries where owner_id = $1 and id = $2 and is_copying = 0", user, gallery));
  if (rows.empty()) return no_such_gallery(gallery);
  return {};
}

Result<Person> find_person(store::Transaction& transaction, UserId user, GalleryId gallery,
                           PersonId person) {
  TRY(require_gallery(transaction, user, gallery));
  const auto rows = TRY(transaction.query(
      fmt::format("select {} from people p where p.owner_id = $1 and p.gallery_id = $2"
                  " and p.id = $3",
                  person_columns()),
      user, gallery, person));
  if (rows.empty()) {
    return fail(ErrorCode::NotFound, "person_not_found", "there is no person {} in gallery {}",
                person.value(), gallery.value());
  }
  return to_person(rows[0]);
}

Result<Photo> find_photo(store::Transaction& transaction, UserId user, GalleryId gallery,
                         PhotoId photo) {
  TRY(require_gallery(transaction, user, gallery));
  const auto rows = TRY(transaction.query(
      fmt::format("select {} from photos f where f.owner_id = $1 and f.gallery_id = $2"
                  " and f.id = $3",
                  kPhotoColumns),
      user, gallery, photo));
  if (rows.empty()) {
    return fail(ErrorCode::NotFound, "photo_not_found", "there is no photo {} in gallery {}",
                photo.value(), gallery.value());
  }
  return to_photo(rows[0]);
}

Result<void> raise_revision(store::Transaction& transaction, UserId user, GalleryId gallery) {
  TRY(transaction.execute(
      "update galleries set revision = revision + 1 where owner_id = $1 and id = $2", user,
      gallery));
  return {};
}

const std::string& person_columns() {
  static const std::string kColumns = fmt::format(
      "p.id, p.gallery_id, p.name, p.created_ms,"
      " (select count(*) from photos f where f.person_id = p.id),"
      " (select f.id from photos f where f.person_id = p.id order by f.file_missing,"
      " exists (select 1 from version_photos s where s.photo_id = f.id and s.standing = {}),"
      " f.portrait_quality desc, f.id limit 1),"
      " (select count(*) from version_people k join versions v on v.id = k.version_id"
      " join galleries g on g.id = v.gallery_id where k.person_id = p.id and v.number ="
      " coalesce(g.version_in_use,"
      " (select max(n.number) from versions n where n.gallery_id = g.id)))",
      static_cast<int>(Standing::Flagged));
  return kColumns;
}

Person to_person(const store::Row& row) {
  Person person{.id = row.id<PersonId>(0),
                .gallery_id = row.id<GalleryId>(1),
                .name = row.text(2),
                .created_ms = row.integer(3),
                .photo_count = row.integer(4)};
  if (const auto cover = row.integer_or_null(5)) person.cover_photo_id = PhotoId(*cover);
  person.is_trained = row.integer(6) > 0;
  return person;
}

Result<Photo> to_photo(const store::Row& row) {
  Photo photo{.id = row.id<PhotoId>(0),
              .gallery_id = row.id<GalleryId>(1),
              .person_id = row.id<PersonId>(2),
              .file_name = row.text(3),
              .content = row.text(4),
              .file_bytes = row.integer(5),
              .width_px = static_cast<int>(row.integer(6)),
              .height_px = static_cast<int>(row.integer(7)),
              .added_ms = row.integer(9),
              .file_missing = row.boolean(10)};
  auto stored = face_from_bytes(row.blob(8));
  if (!stored) {
    return fail(ErrorCode::Corrupt, "photo_damaged", "the stored face of photo {} has {} bytes",
                photo.id.value(), row.blob(8).size());
  }
  photo.face = std::move(stored->face);
  photo.quality = stored->quality;
  return photo;
}

Result<std::vector<Photo>> to_photos(const store::Rows& rows) {
  std::vector<Photo> photos;
  photos.reserve(rows.size());
  for (const store::Row row : rows) photos.push_back(TRY(to_photo(row)));
  return photos;
}

std::optional<StoredFace> face_from_bytes(std::span<const std::byte> bytes) {
  std::array<float, kFaceFloats> numbers{};
  if (bytes.size() != sizeof(numbers)) return std::nullopt;
  std::memcpy(numbers.data(), bytes.data(), sizeof(numbers));
  const float* next = numbers.data();
  const auto take = [&next](auto&... fields) { ((fields = *next++), ...); };
  StoredFace stored;
  auto& [face, quality] = stored;
  take(face.box.x, face.box.y, face.box.width, face.box.height, face.detection_score);
  for (face::Point& point : face.landmarks) take(point.x, point.y);
  take(quality.face_size_px, quality.sharpness, quality.brightness, quality.yaw_deg,
       quality.pitch_deg, quality.roll_deg);
  return stored;
}

store::Blob face_to_bytes(const face::DetectedFace& face, const face::Quality& quality) {
  std::vector<float> numbers{face.box.x, face.box.y, face.box.width, face.box.height,
                             face.detection_score};
  for (const face::Point& point : face.landmarks) numbers.insert(numbers.end(), {point.x, point.y});
  numbers.insert(numbers.end(), {quality.face_size_px, quality.sharpness, quality.brightness,
                                 quality.yaw_deg, quality.pitch_deg, quality.roll_deg});
  return floats_to_bytes(numbers);
}

store::Blob floats_to_bytes(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

std::vector<store::BlobName> to_contents(const store::Rows& rows) {
  std::vector<store::BlobName> contents;
  contents.reserve(rows.size());
  for (const store::Row row : rows) {
    if (auto name = store::BlobName::parse(row.text(0))) contents.push_back(*std::move(name));
  }
  return contents;
}

Result<std::vector<float>> floats_from_bytes(std::span<const std::byte> bytes, size_t length) {
  if (bytes.size() != length * sizeof(float)) {
    return fail(ErrorCode::Corrupt, "embedding_damaged", "a stored embedding has {} bytes, not {}",
                bytes.size(), length * sizeof(float));
  }
  std::vector<float> values(length);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace faceforge::gallery::internal
