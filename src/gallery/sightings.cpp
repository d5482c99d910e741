#include <algorithm>
#include <utility>

#include "gallery/galleries.h"
#include "gallery/internal/recording.h"
#include "gallery/internal/rows.h"

namespace faceforge::gallery {
namespace {

struct Visit {
  SightingId id{};
  NewSighting seen{};
};

/// The person's sighting that a new one goes on with: none from before recording was turned on, for
/// what lies between was not recorded.
Result<std::optional<Visit>> find_visit(store::Transaction& transaction, UserId user,
                                        const NewSighting& seen, UnixTime_ms recorded_since_ms) {
  const auto rows = TRY(transaction.query(
      "select id, first_seen_ms, last_seen_ms, similarity, look_count from sightings"
      " where owner_id = $1 and person_id = $2 and last_seen_ms > $3 and first_seen_ms < $4"
      " and last_seen_ms >= $5 order by last_seen_ms desc, id desc limit 1",
      user, seen.person_id, seen.first_seen_ms - kVisitGap_ms, seen.last_seen_ms + kVisitGap_ms,
      recorded_since_ms));
  if (rows.empty()) return std::nullopt;
  const store::Row row = rows[0];
  return Visit{.id = row.id<SightingId>(0),
               .seen = {.person_id = seen.person_id,
                        .first_seen_ms = row.integer(1),
                        .last_seen_ms = row.integer(2),
                        .similarity = static_cast<float>(row.real(3)),
                        .look_count = row.integer(4)}};
}

Result<void> add_to_visit(store::Transaction& transaction, UserId user, const Visit& visit,
                          const NewSighting& seen) {
  TRY(transaction.execute(
      "update sightings set first_seen_ms = $3, last_seen_ms = $4, similarity = $5,"
      " look_count = $6 where owner_id = $1 and id = $2",
      user, visit.id, std::min(visit.seen.first_seen_ms, seen.first_seen_ms),
      std::max(visit.seen.last_seen_ms, seen.last_seen_ms),
      std::max(visit.seen.similarity, seen.similarity), visit.seen.look_count + seen.look_count));
  return {};
}

}  // namespace

Result<void> Galleries::add_sighting(UserId user, GalleryId gallery, const NewSighting& sighting) {
  int64_t dropped = 0;
  const auto work = [&](store::Transaction& transaction) -> Result<void> {
    dropped = 0;  // a transaction may be tried again
    const UnixTime_ms since_ms =
        TRY(internal::recorded_since(transaction, user, gallery, sighting.last_seen_ms));
    TRY(internal::find_person(transaction, user, gallery, sighting.person_id));
    NewSighting seen = sighting;
    seen.first_seen_ms = std::max(seen.first_seen_ms, since_ms);
    const auto visit = TRY(find_visit(transaction, user, seen, since_ms));
    if (visit) return add_to_visit(transaction, user, *visit, seen);
    TRY(
        transaction.execute("insert into sightings (owner_id, gallery_id, person_id, first_seen_ms,"
                            " last_seen_ms, similarity, look_count)"
                            " values ($1, $2, $3, $4, $5, $6, $7)",
                            user, gallery, seen.person_id, seen.first_seen_ms, seen.last_seen_ms,
                            seen.similarity, seen.look_count));
    dropped = TRY(transaction.execute(
        "delete from sightings where owner_id = $1 and gallery_id = $2 and id <= (select id from"
        " sightings where gallery_id = $2 order by id desc limit 1 offset $3)",
        user, gallery, limits_.sightings_per_gallery));
    return {};
  };
  TRY(database_.transact(work));
  if (dropped > 0) is_to_forget_ = true;
  return {};
}

Result<std::vector<Sighting>> Galleries::list_sightings(UserId user, GalleryId gallery,
                                                        const Part<int64_t>& part) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Sighting>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {}, s.id, s.first_seen_ms, s.last_seen_ms, s.similarity, s.look_count"
                    " from sightings s join people p on p.id = s.person_id"
                    " where s.owner_id = $1 and s.gallery_id = $2 and s.id < $3"
                    " order by s.id desc limit $4",
                    internal::person_columns()),
        user, gallery, part.after.value_or(INT64_MAX), part.limit));
    std::vector<Sighting> sightings;
    sightings.reserve(rows.size());
    for (const store::Row row : rows) {
      Person person = internal::to_person(row);
      const PersonId person_id = person.id;
      sightings.push_back({.id = row.id<SightingId>(7),
                           .seen = {.person_id = person_id,
                                    .first_seen_ms = row.integer(8),
                                    .last_seen_ms = row.integer(9),
                                    .similarity = static_cast<float>(row.real(10)),
                                    .look_count = row.integer(11)},
                           .person = std::move(person)});
    }
    return sightings;
  });
}

}  // namespace faceforge::gallery
