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

/// Of some photos those that are a person's now, each once, in the order of their ids.
Result<std::vector<PhotoId>> photos_still_of(store::Transaction& transaction, UserId user,
                                             GalleryId gallery, std::span<const PhotoId> ids,
                                             PersonId person) {
  std::vector<PhotoId> still;
  for (const PhotoId id : std::set<PhotoId>(ids.begin(), ids.end())) {
    const auto rows =
        TRY(transaction.query("select 1 from photos where owner_id = $1"
                              " and gallery_id = $2 and id = $3 and person_id = $4",
                              user, gallery, id, person));
    if (!rows.empty()) still.push_back(id);
  }
  return still;
}

/// Deletes somebody who has no photo any more. Whoever was seen was the one that both are now.
///
/// out: the sightings that are `into`'s from now on, in the order of their ids
Result<std::vector<SightingId>> end_person(store::Transaction& transaction, UserId user,
                                           PersonId person, PersonId into) {
  std::vector<SightingId> sightings;
  const auto seen =
      TRY(transaction.query("update sightings set person_id = $3"
                            " where owner_id = $1 and person_id = $2 returning id",
                            user, person, into));
  for (const store::Row row : seen) sightings.push_back(row.id<SightingId>(0));
  std::ranges::sort(sightings);
  TRY(transaction.execute("delete from people where owner_id = $1 and id = $2", user, person));
  return sightings;
}

Unexpected same_person(PersonId person) {
  return fail(ErrorCode::InvalidInput, "same_person", "person {} cannot be merged into themself",
              person.value());
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

Result<std::vector<PhotoId>> Galleries::move_back(UserId user, GalleryId gallery,
                                                  std::span<const PhotoId> photos, PersonId from,
                                                  PersonId to, Emptied emptied) {
  if (from == to) return same_person(from);
  TRY(check_count(photos, limits_.photos_per_person));
  std::vector<PhotoId> moved;
  const auto work = [&](store::Transaction& transaction) -> Result<std::vector<store::BlobName>> {
    TRY(internal::find_person(transaction, user, gallery, to));
    moved = TRY(photos_still_of(transaction, user, gallery, photos, from));
    if (moved.empty()) return std::vector<store::BlobName>{};
    TRY(move_rows(transaction, user, gallery, moved, to, limits_.photos_per_person));
    const auto left = TRY(internal::find_person(transaction, user, gallery, from));
    if (emptied == Emptied::IsMerged && left.photo_count == 0) {
      TRY(end_person(transaction, user, from, to));
    }
    return std::vector<store::BlobName>{};
  };
  TRY(delete_rows(user, work));
  return moved;
}

Result<Person> Galleries::add_person_of_photos(UserId user, GalleryId gallery,
                                               std::string_view name,
                                               std::span<const PhotoId> photos) {
  const std::string stored = TRY(checked_name(name));
  TRY(check_count(photos, limits_.photos_per_person));
  return database_.transact([&](store::Transaction& transaction) -> Result<Person> {
    const Person person = TRY(insert_person(transaction, user, gallery, stored));
    return move_rows(transaction, user, gallery, photos, person.id, limits_.photos_per_person);
  });
}

Result<Merged> Galleries::merge_person(UserId user, GalleryId gallery, PersonId person,
                                       PersonId into) {
  if (person == into) return same_person(person);
  Merged moved;
  const auto work = [&](store::Transaction& transaction) -> Result<std::vector<store::BlobName>> {
    moved = {};  // a transaction may be tried again
    TRY(internal::find_person(transaction, user, gallery, person));
    const auto rows = TRY(transaction.query(
        "select id from photos where owner_id = $1 and person_id = $2 order by id", user, person));
    for (const store::Row row : rows) moved.photos.push_back(row.id<PhotoId>(0));
    TRY(move_rows(transaction, user, gallery, moved.photos, into, limits_.photos_per_person));
    moved.sightings = TRY(end_person(transaction, user, person, into));
    return std::vector<store::BlobName>{};
  };
  TRY(delete_rows(user, work));
  return moved;
}

Result<std::optional<Unmerged>> Galleries::unmerge_person(UserId user, GalleryId gallery,
                                                          PersonId into, std::string_view name,
                                                          const Merged& merged) {
  const std::string stored = TRY(checked_name(name));
  if (!merged.photos.empty()) TRY(check_count(merged.photos, limits_.photos_per_person));
  TRY(check_sighting_count(merged.sightings, limits_.sightings_per_gallery));
  return database_.transact(
      [&](store::Transaction& transaction) -> Result<std::optional<Unmerged>> {
        TRY(internal::find_person(transaction, user, gallery, into));
        Unmerged again;
        again.photos = TRY(photos_still_of(transaction, user, gallery, merged.photos, into));
        if (again.photos.empty() && !merged.photos.empty()) return std::nullopt;
        const Person person = TRY(insert_person(transaction, user, gallery, stored));
        for (const SightingId sighting : merged.sightings) {
          TRY(transaction.execute(
              "update sightings set person_id = $4 where owner_id = $1 and gallery_id = $2"
              " and id = $3 and person_id = $5",
              user, gallery, sighting, person.id, into));
        }
        again.person = TRY(move_rows(transaction, user, gallery, again.photos, person.id,
                                     limits_.photos_per_person));
        return again;
      });
}

}  // namespace faceforge::gallery
