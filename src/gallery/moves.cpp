#include <algorithm>
#include <map>
#include <set>

#include "gallery/galleries.h"
#include "gallery/internal/rows.h"
#include "gallery/internal/template_change.h"
#include "gallery/name.h"

namespace faceforge::gallery {
namespace {

/// Moves photos in every version's templates: as if they had been `to`'s when it was trained.
Result<void> move_in_versions(store::Transaction& transaction, UserId user,
                              const std::vector<Photo>& photos, PersonId to) {
  // Version by version, so that the templates of one are in memory at a time.
  std::map<int64_t, std::vector<const Photo*>> used_by;
  for (const Photo& photo : photos) {
    for (const int64_t version : TRY(internal::versions_using(transaction, user, photo.id))) {
      used_by[version].push_back(&photo);
    }
  }
  for (const auto& [version, moved] : used_by) {
    internal::TemplateChange change(transaction, user, version);
    for (const Photo* photo : moved) {
      TRY(change.take_out(photo->id, photo->person_id));
      TRY(change.put_in(photo->id, to));
    }
    TRY(change.write());
  }
  return {};
}

/// out: those that are someone else's so far
Result<std::vector<Photo>> photos_to_move(store::Transaction& transaction, UserId user,
                                          GalleryId gallery, std::span<const PhotoId> ids,
                                          PersonId to) {
  std::vector<Photo> photos;
  for (const PhotoId id : std::set<PhotoId>(ids.begin(), ids.end())) {
    Photo photo = TRY(internal::find_photo(transaction, user, gallery, id));
    if (photo.person_id != to) photos.push_back(std::move(photo));
  }
  return photos;
}

Result<Person> move_rows(store::Transaction& transaction, UserId user, GalleryId gallery,
                         std::span<const PhotoId> ids, PersonId to, int64_t limit) {
  const Person person = TRY(internal::find_person(transaction, user, gallery, to));
  const auto photos = TRY(photos_to_move(transaction, user, gallery, ids, to));
  const auto count = person.photo_count + static_cast<int64_t>(photos.size());
  if (count > limit) {
    return fail(ErrorCode::Exhausted, "too_many_photos",
                "`{}` would have {} photos; the limit is {}", person.name, count, limit);
  }
  TRY(move_in_versions(transaction, user, photos, to));
  for (const Photo& photo : photos) {
    TRY(transaction.execute("update photos set person_id = $3 where owner_id = $1 and id = $2",
                            user, photo.id, to));
  }
  TRY(internal::raise_revision(transaction, user, gallery));
  return internal::find_person(transaction, user, gallery, to);
}

Result<void> check_count(std::span<const PhotoId> photos, int64_t limit) {
  if (!photos.empty() && std::cmp_less_equal(photos.size(), limit)) return {};
  return fail(ErrorCode::InvalidInput, "photo_count", "{} photos were named; it must be 1 to {}",
              photos.size(), limit);
}

Result<void> check_sighting_count(std::span<const SightingId> sightings, int64_t limit) {
  if (std::cmp_less_equal(sightings.size(), limit)) return {};
  return fail(ErrorCode::InvalidInput, "sighting_count",
              "{} sightings were named; it must be at most {}", sightings.size(), limit);
}

}  // namespace

Result<Person> Galleries::move_photos(UserId user, GalleryId gallery,
                                      std::span<const PhotoId> photos, PersonId to) {
  TRY(check_count(photos, limits_.photos_per_person));
  return database_.transact([&](store::Transaction& transaction) {
    return move_rows(transaction, user, gallery, photos, to, limits_.photos_per_person);
  });
}

Result<Person> Galleries::add_person_of_photos(UserId user, GalleryId gallery,
                                               std::string_view name,
                                               std::span<const PhotoId> photos,
                                               std::span<const SightingId> sightings) {
  const std::string stored = TRY(checked_name(name));
  if (sightings.empty() || !photos.empty()) TRY(check_count(photos, limits_.photos_per_person));
  TRY(check_sighting_count(sightings, limits_.sightings_per_gallery));
  return database_.transact([&](store::Transaction& transaction) -> Result<Person> {
    const Person person = TRY(insert_person(transaction, user, gallery, stored));
    for (const SightingId sighting : sightings) {
      TRY(
          transaction.execute("update sightings set person_id = $4"
                              " where owner_id = $1 and gallery_id = $2 and id = $3",
                              user, gallery, sighting, person.id));
    }
    return move_rows(transaction, user, gallery, photos, person.id, limits_.photos_per_person);
  });
}

Result<Merged> Galleries::merge_person(UserId user, GalleryId gallery, PersonId person,
                                       PersonId into) {
  if (person == into) {
    return fail(ErrorCode::InvalidInput, "same_person", "person {} cannot be merged into themself",
                person.value());
  }
  Merged moved;
  const auto work = [&](store::Transaction& transaction) -> Result<std::vector<store::BlobName>> {
    moved = {};  // a transaction may be tried again
    TRY(internal::find_person(transaction, user, gallery, person));
    const auto rows = TRY(transaction.query(
        "select id from photos where owner_id = $1 and person_id = $2 order by id", user, person));
    for (const store::Row row : rows) moved.photos.push_back(row.id<PhotoId>(0));
    TRY(move_rows(transaction, user, gallery, moved.photos, into, limits_.photos_per_person));
    // Whoever was seen was the one that both are now.
    const auto seen =
        TRY(transaction.query("update sightings set person_id = $3"
                              " where owner_id = $1 and person_id = $2 returning id",
                              user, person, into));
    for (const store::Row row : seen) moved.sightings.push_back(row.id<SightingId>(0));
    std::ranges::sort(moved.sightings);
    TRY(transaction.execute("delete from people where owner_id = $1 and id = $2", user, person));
    return std::vector<store::BlobName>{};
  };
  TRY(delete_rows(user, work));
  return moved;
}

}  // namespace faceforge::gallery
