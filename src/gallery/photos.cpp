#include "gallery/galleries.h"
#include "gallery/internal/rows.h"
#include "gallery/name.h"
#include "gallery/portrait.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

Result<std::optional<PhotoHolder>> holder_of(store::Transaction& transaction, UserId user,
                                             GalleryId gallery, const store::BlobName& content) {
  const auto rows = TRY(transaction.query(
      "select f.id, p.id, p.name from photos f join people p on p.id = f.person_id"
      " where f.owner_id = $1 and f.gallery_id = $2 and f.content = $3",
      user, gallery, content.text()));
  if (rows.empty()) return std::nullopt;
  return PhotoHolder{.photo_id = rows[0].id<PhotoId>(0),
                     .person_id = rows[0].id<PersonId>(1),
                     .person_name = rows[0].text(2)};
}

Result<void> check_room(store::Transaction& transaction, UserId user, const Person& person,
                        const store::BlobName& content, const Limits& limits) {
  const auto holder = TRY(holder_of(transaction, user, person.gallery_id, content));
  if (holder) {
    return fail(ErrorCode::AlreadyExists, "photo_duplicate",
                "the gallery has this very photo already, with `{}`", holder->person_name);
  }
  if (person.photo_count >= limits.photos_per_person) {
    return fail(ErrorCode::Exhausted, "too_many_photos", "`{}` has {} photos; the limit is {}",
                person.name, person.photo_count, limits.photos_per_person);
  }
  const Gallery gallery = TRY(internal::find_gallery(transaction, user, person.gallery_id));
  if (gallery.photo_count >= limits.photos_per_gallery) {
    return fail(ErrorCode::Exhausted, "too_many_photos",
                "the gallery `{}` has {} photos; the limit is {}", gallery.name,
                gallery.photo_count, limits.photos_per_gallery);
  }
  return {};
}

Result<void> insert_embedding(store::Transaction& transaction, UserId user, PhotoId photo,
                              const face::Embedding& embedding) {
  TRY(transaction.execute(
      "insert into embeddings (photo_id, owner_id, model_id, embedding) values ($1, $2, $3, $4)"
      " on conflict (photo_id, model_id) do nothing",
      photo, user, embedding.model_id.hex(), internal::floats_to_bytes(embedding.values)));
  return {};
}

}  // namespace

Result<void> Galleries::check_new_photo(UserId user, GalleryId gallery, PersonId person,
                                        std::span<const std::byte> bytes) {
  const auto content = store::BlobName::of(bytes);
  return database_.read([&](store::Transaction& transaction) -> Result<void> {
    const Person found = TRY(internal::find_person(transaction, user, gallery, person));
    return check_room(transaction, user, found, content, limits_);
  });
}

Result<std::optional<PhotoHolder>> Galleries::find_holder(UserId user, GalleryId gallery,
                                                          std::span<const std::byte> bytes) {
  const auto content = store::BlobName::of(bytes);
  return database_.read([&](store::Transaction& transaction) -> Result<std::optional<PhotoHolder>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    return holder_of(transaction, user, gallery, content);
  });
}

Result<Photo> Galleries::add_photo(UserId user, GalleryId gallery, PersonId person,
                                   const NewPhoto& photo) {
  const std::string file_name = TRY(checked_name(photo.file_name));
  TRY(check_embedding(photo.embedding));
  // Before the file is written, so that foreign ids and duplicates leave no trace.
  TRY(check_new_photo(user, gallery, person, photo.bytes));

  const auto insert = [&](store::Transaction& transaction,
                          const store::BlobName& content) -> Result<Photo> {
    const Person found = TRY(internal::find_person(transaction, user, gallery, person));
    TRY(check_room(transaction, user, found, content, limits_));
    const auto inserted = TRY(transaction.query(
        "insert into photos (owner_id, gallery_id, person_id, content, file_bytes, file_name,"
        " width_px, height_px, face, added_ms, portrait_quality)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id",
        user, gallery, person, content.text(), photo.bytes.size(), file_name, photo.width_px,
        photo.height_px, internal::face_to_bytes(photo.face, photo.quality), clock_.now_ms(),
        portrait_quality(photo.quality)));
    const auto id = inserted[0].id<PhotoId>(0);
    TRY(insert_embedding(transaction, user, id, photo.embedding));
    return internal::find_photo(transaction, user, gallery, id);
  };

  std::optional<store::PutBlob> file;
  Result<Photo> added = [&]() -> Result<Photo> {
    const auto hold = TRY(files_.hold(user, store::Purpose::Adding));
    file = TRY(files_.put(user, photo.bytes));
    return database_.transact(
        [&](store::Transaction& transaction) { return insert(transaction, file->name); });
  }();
  if (!added && file && file->written == store::Written::New) {
    remove_or_remember(user, {file->name});
  }
  return added;
}

Result<std::vector<Photo>> Galleries::list_photos(UserId user, GalleryId gallery, PersonId person,
                                                  const Part<int64_t>& part) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Photo>> {
    TRY(internal::find_person(transaction, user, gallery, person));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from photos f where f.owner_id = $1 and f.person_id = $2"
                    " and f.id > $3 order by f.id limit $4",
                    internal::kPhotoColumns),
        user, person, part.after.value_or(0), part.limit));
    return internal::to_photos(rows);
  });
}

Result<Photo> Galleries::find_photo(UserId user, GalleryId gallery, PhotoId photo) {
  return database_.read([&](store::Transaction& transaction) {
    return internal::find_photo(transaction, user, gallery, photo);
  });
}

Result<store::Blob> Galleries::read_photo_file(UserId user, GalleryId gallery, PhotoId photo) {
  const Photo found = TRY(find_photo(user, gallery, photo));
  const auto name = TRY(store::BlobName::parse(found.content));
  return files_.get(user, name, limits_.photo_bytes);
}

Result<std::vector<Photo>> Galleries::photos_without_embedding(UserId user, GalleryId gallery,
                                                               const face::ModelId& model) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Photo>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from photos f where f.owner_id = $1 and f.gallery_id = $2"
                    " and not exists (select 1 from embeddings e where e.photo_id = f.id"
                    " and e.model_id = $3) order by f.id",
                    internal::kPhotoColumns),
        user, gallery, model.hex()));
    return internal::to_photos(rows);
  });
}

Result<void> Galleries::add_embedding(UserId user, GalleryId gallery, PhotoId photo,
                                      const face::Embedding& embedding) {
  TRY(check_embedding(embedding));
  return database_.transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(internal::find_photo(transaction, user, gallery, photo));
    return insert_embedding(transaction, user, photo, embedding);
  });
}

}  // namespace faceforge::gallery
