#include "gallery/recording.h"

#include <optional>

#include "gallery/galleries.h"
#include "gallery/internal/recording.h"
#include "gallery/internal/rows.h"

namespace faceforge::gallery {
namespace {

using Contents = std::vector<store::BlobName>;

constexpr int64_t kDay_ms = 86'400'000;

/// A gallery with something that was kept for long enough.
struct Expiring {
  UserId owner{};
  GalleryId gallery{};
};

Result<std::vector<Expiring>> galleries_with_expired(store::Transaction& transaction,
                                                     UnixTime_ms now_ms) {
  const auto rows = TRY(transaction.query(
      "select g.owner_id, g.id from galleries g where exists (select 1 from sightings s"
      " where s.gallery_id = g.id and s.last_seen_ms < $1 - $2 * g.recording_days)"
      " or exists (select 1 from unknown_faces u"
      " where u.gallery_id = g.id and u.last_seen_ms < $1 - $2 * g.recording_days)"
      " or exists (select 1 from named_faces n where n.gallery_id = g.id and n.named_ms <= $3)"
      " order by g.id",
      now_ms, kDay_ms, now_ms - Galleries::kNamingUndone_ms));
  std::vector<Expiring> found;
  for (const store::Row row : rows) found.push_back({row.id<UserId>(0), row.id<GalleryId>(1)});
  return found;
}

/// Deletes what was kept for as long as its gallery says: all sightings, and of the faces the
/// oldest; and what was kept of named faces, once naming them cannot be undone any more.
///
/// out: the contents that they held
Result<Contents> delete_expired_of(store::Transaction& transaction, const Expiring& expiring,
                                   UnixTime_ms now_ms, int64_t face_limit) {
  constexpr std::string_view kIsExpired =
      "owner_id = $1 and gallery_id = $2 and last_seen_ms < $3 - $4 *"
      " (select g.recording_days from galleries g where g.id = $2)";
  TRY(transaction.execute(fmt::format("delete from sightings where {}", kIsExpired), expiring.owner,
                          expiring.gallery, now_ms, kDay_ms));
  TRY(transaction.execute(
      "delete from named_faces where owner_id = $1 and gallery_id = $2 and named_ms <= $3",
      expiring.owner, expiring.gallery, now_ms - Galleries::kNamingUndone_ms));
  const auto rows = TRY(transaction.query(
      fmt::format("delete from unknown_faces where id in (select id from unknown_faces where {}"
                  " order by last_seen_ms limit $5) returning content",
                  kIsExpired),
      expiring.owner, expiring.gallery, now_ms, kDay_ms, face_limit));
  return internal::to_contents(rows);
}

}  // namespace

Result<UnixTime_ms> internal::recorded_since(store::Transaction& transaction, UserId user,
                                             GalleryId gallery, UnixTime_ms seen_ms) {
  const auto found = TRY(find_gallery_head(transaction, user, gallery));
  if (!found.recording.is_on) {
    return fail(ErrorCode::Conflict, "recording_off", "gallery {} is not recorded",
                gallery.value());
  }
  if (seen_ms < found.recorded_since_ms) {
    return fail(ErrorCode::Conflict, "recording_off",
                "gallery {} was not recorded {} ms before it was", gallery.value(),
                found.recorded_since_ms - seen_ms);
  }
  return found.recorded_since_ms;
}

Result<Gallery> Galleries::set_recording(UserId user, GalleryId gallery,
                                         const Recording& recording) {
  if (recording.kept_days < 1 || recording.kept_days > kMaxKeptDays) {
    return fail(ErrorCode::InvalidInput, "kept_days_out_of_range",
                "{} days; what is recorded is kept for 1 to {}", recording.kept_days, kMaxKeptDays);
  }
  const auto work = [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const UnixTime_ms now_ms = clock_.now_ms();
    TRY(
        transaction.execute("update galleries set is_recording = $3, recording_days = $4,"
                            " recorded_since_ms ="
                            " case when is_recording = 0 then $5 else recorded_since_ms end"
                            " where owner_id = $1 and id = $2",
                            user, gallery, recording.is_on, recording.kept_days, now_ms));
    return delete_expired_of(transaction, {user, gallery}, now_ms, INT64_MAX);
  };
  TRY(delete_rows(user, work));
  return find_gallery(user, gallery);
}

Result<std::optional<UnixTime_ms>> Galleries::recorded_since(UserId user, GalleryId gallery) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::optional<UnixTime_ms>> {
    const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
    if (!found.recording.is_on) return std::nullopt;
    return found.recorded_since_ms;
  });
}

Result<void> Galleries::delete_recorded(UserId user, GalleryId gallery) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    // What streams have seen so far and will hand over is deleted with the rest.
    TRY(transaction.execute(
        "update galleries set recorded_since_ms = $3 where owner_id = $1 and id = $2", user,
        gallery, clock_.now_ms()));
    TRY(transaction.execute("delete from sightings where owner_id = $1 and gallery_id = $2", user,
                            gallery));
    TRY(transaction.execute("delete from named_faces where owner_id = $1 and gallery_id = $2", user,
                            gallery));
    const auto rows = TRY(transaction.query(
        "delete from unknown_faces where owner_id = $1 and gallery_id = $2 returning content", user,
        gallery));
    return internal::to_contents(rows);
  });
}

Result<bool> Galleries::delete_expired() {
  const UnixTime_ms now_ms = clock_.now_ms();
  const auto all = TRY(database_.read([&](store::Transaction& transaction) {
    return galleries_with_expired(transaction, now_ms);
  }));
  int64_t face_limit = kExpiredFacesAtOnce;
  std::optional<Error> failure;
  for (const Expiring& expiring : all) {
    int64_t face_count = 0;
    const auto work = [&](store::Transaction& transaction) -> Result<Contents> {
      auto contents = TRY(delete_expired_of(transaction, expiring, now_ms, face_limit));
      face_count = std::ssize(contents);
      return contents;
    };
    // One account's trouble keeps nothing of another's.
    if (const auto deleted = delete_rows(expiring.owner, work); !deleted) {
      if (!failure) failure = deleted.error();
      continue;
    }
    face_limit -= face_count;
    if (face_limit <= 0) return true;
  }
  const auto copies = delete_abandoned_copies();
  if (!copies && !failure) failure = copies.error();
  if (failure) return Unexpected(*failure);
  return false;
}

}  // namespace faceforge::gallery
