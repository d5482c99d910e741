#include "gallery/recording.h"

#include "gallery/galleries.h"
#include "gallery/internal/recording.h"
#include "gallery/internal/rows.h"

namespace faceforge::gallery {
namespace {

using Contents = std::vector<store::BlobName>;

constexpr int64_t kDay_ms = 86'400'000;

/// Whose galleries have something that was kept for long enough.
Result<std::vector<UserId>> users_with_expired(store::Transaction& transaction,
                                               UnixTime_ms now_ms) {
  const auto rows = TRY(transaction.query(
      "select g.owner_id from galleries g where exists (select 1 from sightings s"
      " where s.gallery_id = g.id and s.last_seen_ms < $1 - $2 * g.recording_days)"
      " or exists (select 1 from unknown_faces u"
      " where u.gallery_id = g.id and u.last_seen_ms < $1 - $2 * g.recording_days)"
      " group by g.owner_id",
      now_ms, kDay_ms));
  std::vector<UserId> users;
  for (const store::Row row : rows) users.push_back(row.id<UserId>(0));
  return users;
}

}  // namespace

Result<void> internal::require_recording(store::Transaction& transaction, UserId user,
                                         GalleryId gallery) {
  const auto found = TRY(find_gallery_head(transaction, user, gallery));
  if (found.recording.is_on) return {};
  return fail(ErrorCode::Conflict, "recording_off", "gallery {} is not recorded", gallery.value());
}

Result<Gallery> Galleries::set_recording(UserId user, GalleryId gallery,
                                         const Recording& recording) {
  if (recording.kept_days < 1 || recording.kept_days > kMaxKeptDays) {
    return fail(ErrorCode::InvalidInput, "kept_days_out_of_range",
                "{} days; what is recorded is kept for 1 to {}", recording.kept_days, kMaxKeptDays);
  }
  const auto work = [&](store::Transaction& transaction) -> Result<void> {
    TRY(internal::require_gallery(transaction, user, gallery));
    TRY(
        transaction.execute("update galleries set is_recording = $3, recording_days = $4"
                            " where owner_id = $1 and id = $2",
                            user, gallery, recording.is_on, recording.kept_days));
    return {};
  };
  TRY(database_.transact(work));
  TRY(delete_expired_of(user));
  return find_gallery(user, gallery);
}

Result<bool> Galleries::is_recording(UserId user, GalleryId gallery) {
  return database_.read([&](store::Transaction& transaction) -> Result<bool> {
    const auto found = TRY(internal::find_gallery_head(transaction, user, gallery));
    return found.recording.is_on;
  });
}

Result<void> Galleries::delete_recorded(UserId user, GalleryId gallery) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    TRY(transaction.execute("delete from sightings where owner_id = $1 and gallery_id = $2", user,
                            gallery));
    const auto rows = TRY(transaction.query(
        "delete from unknown_faces where owner_id = $1 and gallery_id = $2 returning content", user,
        gallery));
    return internal::to_contents(rows);
  });
}

Result<void> Galleries::delete_expired() {
  const UnixTime_ms now_ms = clock_.now_ms();
  const auto users = TRY(database_.read(
      [&](store::Transaction& transaction) { return users_with_expired(transaction, now_ms); }));
  for (const UserId user : users) TRY(delete_expired_of(user));
  return {};
}

Result<void> Galleries::delete_expired_of(UserId user) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    const UnixTime_ms now_ms = clock_.now_ms();
    TRY(
        transaction.execute("delete from sightings where owner_id = $1 and last_seen_ms < $2 - $3 *"
                            " (select g.recording_days from galleries g where g.id = gallery_id)",
                            user, now_ms, kDay_ms));
    const auto rows = TRY(transaction.query(
        "delete from unknown_faces where owner_id = $1 and last_seen_ms < $2 - $3 *"
        " (select g.recording_days from galleries g where g.id = gallery_id) returning content",
        user, now_ms, kDay_ms));
    return internal::to_contents(rows);
  });
}

}  // namespace faceforge::gallery
