#include <algorithm>
#include <set>

#include "base/log.h"
#include "gallery/galleries.h"
#include "gallery/internal/recording.h"
#include "gallery/internal/rows.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

using Contents = std::vector<store::BlobName>;

constexpr std::string_view kColumns =
    "id, content, width_px, height_px, face, model_id, metric, embedding, first_seen_ms,"
    " last_seen_ms, look_count";

/// What goes with a face from unknown_faces to named_faces and back.
constexpr std::string_view kMovedColumns =
    "content, width_px, height_px, face, model_id, metric, embedding, first_seen_ms, last_seen_ms,"
    " look_count";

Unexpected no_such_face(GalleryId gallery, UnknownFaceId face) {
  return fail(ErrorCode::NotFound, "unknown_face_not_found",
              "there is no unknown face {} in gallery {}", face.value(), gallery.value());
}

Result<UnknownFace> to_unknown_face(const store::Row& row) {
  const store::Blob& values = row.blob(7);
  auto stored = internal::face_from_bytes(row.blob(4));
  if (!stored || values.empty() || values.size() % sizeof(float) != 0) {
    return fail(ErrorCode::Corrupt, "unknown_face_damaged",
                "the stored face {} has {} bytes, and its embedding {}", row.integer(0),
                row.blob(4).size(), values.size());
  }
  UnknownFace face{.id = row.id<UnknownFaceId>(0),
                   .content = row.text(1),
                   .width_px = static_cast<int>(row.integer(2)),
                   .height_px = static_cast<int>(row.integer(3)),
                   .face = std::move(stored->face),
                   .quality = stored->quality,
                   .first_seen_ms = row.integer(8),
                   .last_seen_ms = row.integer(9),
                   .look_count = row.integer(10)};
  face.embedding.model_id = face::ModelId(row.text(5));
  face.embedding.metric = TRY(face::metric_from(row.text(6)));
  face.embedding.values = TRY(internal::floats_from_bytes(values, values.size() / sizeof(float)));
  return face;
}

Result<UnknownFaceId> insert(store::Transaction& transaction, UserId user, GalleryId gallery,
                             const NewUnknownFace& face, const store::BlobName& content) {
  const UnixTime_ms since_ms =
      TRY(internal::recorded_since(transaction, user, gallery, face.pictured_ms));
  const auto inserted = TRY(transaction.query(
      "insert into unknown_faces (owner_id, gallery_id, content, width_px, height_px, face,"
      " model_id, metric, embedding, first_seen_ms, last_seen_ms, look_count)"
      " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
      " on conflict (gallery_id, content) do nothing returning id",
      user, gallery, content.text(), face.width_px, face.height_px,
      internal::face_to_bytes(face.face, face.quality), face.embedding.model_id.hex(),
      to_string(face.embedding.metric), internal::floats_to_bytes(face.embedding.values),
      std::max(face.first_seen_ms, since_ms), face.last_seen_ms, face.look_count));
  if (!inserted.empty()) return inserted[0].id<UnknownFaceId>(0);
  return fail(ErrorCode::AlreadyExists, "unknown_face_duplicate",
              "this very picture of a face is kept already");
}

/// Deletes the oldest faces beyond the limit.
///
/// out: the contents that they held
Result<Contents> drop_oldest(store::Transaction& transaction, UserId user, GalleryId gallery,
                             int64_t limit) {
  const auto rows = TRY(transaction.query(
      "delete from unknown_faces where owner_id = $1 and gallery_id = $2 and id <= (select id from"
      " unknown_faces where gallery_id = $2 order by id desc limit 1 offset $3) returning content",
      user, gallery, limit));
  return internal::to_contents(rows);
}

}  // namespace

Result<UnknownFaceId> Galleries::add_unknown_face(UserId user, GalleryId gallery,
                                                  const NewUnknownFace& face) {
  TRY(check_embedding(face.embedding));
  // Before the file is written, so that what may not be kept leaves no trace.
  TRY(database_.read([&](store::Transaction& transaction) {
    return internal::recorded_since(transaction, user, gallery, face.pictured_ms);
  }));
  std::optional<store::PutBlob> file;
  Contents dropped;
  const auto insert_row = [&](store::Transaction& transaction) -> Result<UnknownFaceId> {
    const UnknownFaceId id = TRY(insert(transaction, user, gallery, face, file->name));
    dropped = TRY(drop_oldest(transaction, user, gallery, limits_.unknown_faces_per_gallery));
    return id;
  };
  const Result<UnknownFaceId> added = [&]() -> Result<UnknownFaceId> {
    const auto hold = TRY(files_.hold(user, store::Purpose::Adding));
    file = TRY(files_.put(user, face.picture));
    return database_.transact(insert_row);
  }();
  if (!added) {
    if (file && file->written == store::Written::New) remove_or_remember(user, {file->name});
    return added;
  }
  if (!dropped.empty()) {
    remove_or_remember(user, dropped);
    is_to_forget_ = true;
  }
  return added;
}

Result<std::vector<UnknownFace>> Galleries::list_unknown_faces(UserId user, GalleryId gallery) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<UnknownFace>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from unknown_faces where owner_id = $1 and gallery_id = $2"
                    " order by id desc",
                    kColumns),
        user, gallery));
    std::vector<UnknownFace> faces;
    faces.reserve(rows.size());
    for (const store::Row row : rows) {
      if (auto face = to_unknown_face(row)) faces.push_back(*std::move(face));
    }
    if (faces.size() < rows.size()) {
      log::error("{} unknown faces of gallery {} are damaged, and not shown",
                 rows.size() - faces.size(), gallery.value());
    }
    return faces;
  });
}

Result<UnknownFace> Galleries::find_unknown_face(UserId user, GalleryId gallery,
                                                 UnknownFaceId face) {
  return database_.read([&](store::Transaction& transaction) -> Result<UnknownFace> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from unknown_faces where owner_id = $1 and gallery_id = $2"
                    " and id = $3",
                    kColumns),
        user, gallery, face));
    if (!rows.empty()) return to_unknown_face(rows[0]);
    return no_such_face(gallery, face);
  });
}

Result<store::Blob> Galleries::read_unknown_face_file(UserId user, const UnknownFace& face) {
  const auto name = TRY(store::BlobName::parse(face.content));
  return files_.get(user, name, limits_.photo_bytes);
}

Result<void> Galleries::name_unknown_face(UserId user, GalleryId gallery, UnknownFaceId face,
                                          PhotoId photo) {
  const auto work = [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::find_photo(transaction, user, gallery, photo));
    const auto named = TRY(transaction.execute(
        fmt::format("insert into named_faces (owner_id, gallery_id, photo_id, named_ms, face_id,"
                    " {0}) select owner_id, gallery_id, $4, $5, id, {0} from unknown_faces"
                    " where owner_id = $1 and gallery_id = $2 and id = $3",
                    kMovedColumns),
        user, gallery, face, photo, clock_.now_ms()));
    if (named == 0) return no_such_face(gallery, face);
    TRY(transaction.execute("delete from unknown_faces where owner_id = $1 and id = $2", user,
                            face));
    return Contents{};
  };
  return delete_rows(user, work);
}

Result<std::vector<UnknownFaceId>> Galleries::unname_faces(UserId user, GalleryId gallery,
                                                           PersonId person,
                                                           std::span<const UnknownFaceId> faces) {
  std::vector<UnknownFaceId> unknown;
  const auto work = [&](store::Transaction& transaction) -> Result<Contents> {
    unknown.clear();  // a transaction may be tried again
    TRY(internal::find_person(transaction, user, gallery, person));
    Contents contents;
    for (const UnknownFaceId face : faces) {
      const auto rows = TRY(transaction.query(
          "select n.photo_id from named_faces n join photos f on f.id = n.photo_id"
          " where n.owner_id = $1 and n.gallery_id = $2 and n.face_id = $3 and f.person_id = $4"
          " and n.named_ms > $5",
          user, gallery, face, person, clock_.now_ms() - kNamingUndone_ms));
      if (rows.empty()) continue;
      TRY(transaction.execute(
          fmt::format("insert into unknown_faces (owner_id, gallery_id, id, {0})"
                      " select owner_id, gallery_id, face_id, {0} from named_faces"
                      " where owner_id = $1 and face_id = $2",
                      kMovedColumns),
          user, face));
      // Its row in named_faces goes with the photo; the file stays, for the face has it again.
      auto content =
          TRY(internal::delete_photo_row(transaction, user, gallery, rows[0].id<PhotoId>(0)));
      contents.push_back(std::move(content));
      unknown.push_back(face);
    }
    return contents;
  };
  TRY(delete_rows(user, work));
  return unknown;
}

Result<void> Galleries::delete_unknown_faces(UserId user, GalleryId gallery,
                                             std::span<const UnknownFaceId> faces) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    Contents contents;
    for (const UnknownFaceId face : std::set<UnknownFaceId>(faces.begin(), faces.end())) {
      const auto rows = TRY(transaction.query(
          "delete from unknown_faces where owner_id = $1 and gallery_id = $2 and id = $3"
          " returning content",
          user, gallery, face));
      for (auto& content : internal::to_contents(rows)) contents.push_back(std::move(content));
    }
    return contents;
  });
}

}  // namespace faceforge::gallery
