#include <map>
#include <vector>

#include "gallery/galleries.h"
#include "gallery/internal/rows.h"
#include "gallery/name.h"

namespace faceforge::gallery {
namespace {

/// A copy that was begun so long ago is nobody's any more: whoever made it was cut off.
constexpr int64_t kLongestCopy_ms = 3'600'000;

/// A gallery on its way to be another one's duplicate; nobody sees it before it is whole.
struct Copy {
  GalleryId from{};
  GalleryId to{};
  std::map<PersonId, PersonId> people{};  ///< who each person of `from` is in `to`
  PhotoId last{};                         ///< photos up to this one are there
};

/// Makes the people. They are told apart by name, which is one person within a gallery.
Result<void> copy_people(store::Transaction& transaction, UserId user, Copy& copy) {
  TRY(
      transaction.execute("insert into people (owner_id, gallery_id, name, created_ms)"
                          " select owner_id, $3, name, created_ms from people"
                          " where owner_id = $1 and gallery_id = $2 order by id",
                          user, copy.from, copy.to));
  const auto pairs = TRY(transaction.query(
      "select p.id, q.id from people p join people q on q.gallery_id = $3 and q.name = p.name"
      " where p.owner_id = $1 and p.gallery_id = $2",
      user, copy.from, copy.to));
  for (const store::Row pair : pairs)
    copy.people.emplace(pair.id<PersonId>(0), pair.id<PersonId>(1));
  return {};
}

Result<void> copy_photo(store::Transaction& transaction, UserId user, const Copy& copy,
                        PhotoId photo, PersonId person) {
  const auto made = TRY(transaction.query(
      "insert into photos (owner_id, gallery_id, person_id, content, file_bytes, file_name,"
      " width_px, height_px, face, added_ms, file_missing, portrait_quality)"
      " select owner_id, $3, $4, content, file_bytes, file_name, width_px, height_px, face,"
      " added_ms, file_missing, portrait_quality from photos where owner_id = $1 and id = $2"
      " returning id",
      user, photo, copy.to, person));
  TRY(
      transaction.execute("insert into embeddings (photo_id, owner_id, model_id, embedding)"
                          " select $3, owner_id, model_id, embedding from embeddings"
                          " where owner_id = $1 and photo_id = $2",
                          user, photo, made[0].id<PhotoId>(0)));
  return {};
}

/// Copies the next photos, each as it is now: to the person whose it is now, and none of somebody
/// who came after the copy had begun.
///
/// out: the last photo that was looked at; nothing when there was none any more
Result<std::optional<PhotoId>> copy_photos(store::Transaction& transaction, UserId user,
                                           const Copy& copy, int64_t limit) {
  const auto rows = TRY(
      transaction.query("select id, person_id from photos where owner_id = $1 and gallery_id = $2"
                        " and id > $3 order by id limit $4",
                        user, copy.from, copy.last, limit));
  std::optional<PhotoId> last;
  for (const store::Row row : rows) {
    last = row.id<PhotoId>(0);
    const auto person = copy.people.find(row.id<PersonId>(1));
    if (person != copy.people.end()) {
      TRY(copy_photo(transaction, user, copy, *last, person->second));
    }
  }
  return last;
}

}  // namespace

Result<Gallery> Galleries::duplicate_gallery(UserId user, GalleryId gallery, std::string_view name,
                                             const CopyReport& report) {
  const std::string stored = TRY(checked_name(name));
  Copy copy;
  const auto begin = [&](store::Transaction& transaction) -> Result<void> {
    copy = {.from = gallery};  // a transaction may be tried again
    TRY(internal::require_gallery(transaction, user, gallery));
    copy.to = TRY(insert_gallery(transaction, user, stored)).id;
    TRY(transaction.execute("update galleries set is_copying = 1 where owner_id = $1 and id = $2",
                            user, copy.to));
    return copy_people(transaction, user, copy);
  };
  TRY(database_.transact(begin));
  const auto copy_rest = [&]() -> Result<Gallery> {
    while (true) {
      if (report) TRY(report());
      // So that no file goes while a row is made for it.
      const auto hold = TRY(files_.hold(user, store::Purpose::Adding));
      const auto last = TRY(database_.transact([&](store::Transaction& transaction) {
        return copy_photos(transaction, user, copy, limits_.photos_copied_at_once);
      }));
      if (!last) break;
      copy.last = *last;
    }
    return database_.transact([&](store::Transaction& transaction) -> Result<Gallery> {
      TRY(internal::require_gallery(transaction, user, gallery));
      TRY(transaction.execute("update galleries set is_copying = 0 where owner_id = $1 and id = $2",
                              user, copy.to));
      return internal::find_gallery(transaction, user, copy.to);
    });
  };
  auto whole = copy_rest();
  if (!whole) {
    TRY(delete_rows(user, [&](store::Transaction& transaction) {
      return internal::delete_gallery_rows(transaction, user, copy.to);
    }));
  }
  return whole;
}

Result<void> Galleries::delete_abandoned_copies() {
  const auto abandoned = TRY(database_.read([&](store::Transaction& transaction) {
    return transaction.query(
        "select owner_id, id from galleries where is_copying = 1 and created_ms < $1",
        clock_.now_ms() - kLongestCopy_ms);
  }));
  for (const store::Row row : abandoned) {
    const auto user = row.id<UserId>(0);
    TRY(delete_rows(user, [&](store::Transaction& transaction) {
      return internal::delete_gallery_rows(transaction, user, row.id<GalleryId>(1));
    }));
  }
  return {};
}

}  // namespace faceforge::gallery
