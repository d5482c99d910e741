#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "gallery/galleries.h"
#include "gallery/internal/rows.h"
#include "gallery/internal/template_change.h"

namespace faceforge::gallery {
namespace {

using Contents = std::vector<store::BlobName>;

/// Takes one photo out of its person's template in every version that used it.
Result<void> take_out_of_versions(store::Transaction& transaction, UserId user,
                                  const Photo& photo) {
  for (const int64_t version : TRY(internal::versions_using(transaction, user, photo.id))) {
    internal::TemplateChange change(transaction, user, version);
    TRY(change.take_out(photo.id, photo.person_id));
    TRY(change.write());
  }
  return {};
}

}  // namespace

Result<store::BlobName> internal::delete_photo_row(store::Transaction& transaction, UserId user,
                                                   GalleryId gallery, PhotoId photo) {
  const Photo found = TRY(find_photo(transaction, user, gallery, photo));
  TRY(take_out_of_versions(transaction, user, found));
  TRY(transaction.execute("delete from photos where owner_id = $1 and id = $2", user, photo));
  TRY(raise_revision(transaction, user, gallery));
  return store::BlobName::parse(found.content);
}

Result<Contents> internal::delete_gallery_rows(store::Transaction& transaction, UserId user,
                                               GalleryId gallery) {
  const auto rows = TRY(transaction.query(
      "select content from photos where owner_id = $1 and gallery_id = $2"
      " union all select content from unknown_faces where owner_id = $1 and gallery_id = $2",
      user, gallery));
  TRY(transaction.execute("delete from galleries where owner_id = $1 and id = $2", user, gallery));
  return to_contents(rows);
}

Result<void> Galleries::remove_unused_files(UserId user, const Contents& contents) {
  // Whoever adds a file meanwhile waits for a part of them only.
  constexpr size_t kFilesAHold = 100;
  std::optional<store::FileHold> hold;
  for (size_t index = 0; index < contents.size(); ++index) {
    const store::BlobName& content = contents[index];
    if (index % kFilesAHold == 0) {
      hold.reset();
      auto next = TRY(files_.hold(user, store::Purpose::Removing));
      hold.emplace(std::move(next));
    }
    const auto used = TRY(database_.read([&](store::Transaction& transaction) {
      return transaction.query(
          "select 1 from photos where owner_id = $1 and content = $2"
          " union all select 1 from unknown_faces where owner_id = $1 and content = $2 limit 1",
          user, content.text());
    }));
    if (used.empty()) TRY(files_.remove(user, content));
  }
  return {};
}

Result<void> Galleries::delete_rows(
    UserId user, const std::function<Result<Contents>(store::Transaction&)>& work) {
  const Contents contents = TRY(database_.transact(work));
  // It is deleted: an error now would have the user try again, and be told that it is not there.
  remove_or_remember(user, contents);
  forget_deleted();
  return {};
}

void Galleries::forget_deleted() {
  if (const auto forgotten = database_.forget_deleted(); !forgotten) {
    log::warning("deleted rows are still in the database's log ({}); it is tried again",
                 forgotten.error().reason);
    is_to_forget_ = true;
  }
}

void Galleries::remove_or_remember(UserId user, const Contents& contents) {
  if (const auto removed = remove_unused_files(user, contents); !removed) {
    remember_leftover(user, removed.error());
  }
}

void Galleries::remember_leftover(UserId user, const Error& why) {
  // Without the message: it names the file.
  log::error("files of deleted photos could not be removed ({}); it is tried again", why.reason);
  const std::scoped_lock lock(leftovers_mutex_);
  leftovers_.insert(user);
}

void Galleries::remove_files_of_deleted(UserId user) {
  if (const auto removed = files_.remove_account(user); !removed) {
    remember_leftover(user, removed.error());
  }
}

Result<void> Galleries::remove_leftovers_of(UserId user) {
  const auto owners = TRY(database_.read([&](store::Transaction& transaction) {
    return transaction.query("select 1 from owners where id = $1", user);
  }));
  if (owners.empty()) return files_.remove_account(user);
  // Whoever holds them now is let go on; the next round tries again.
  const auto hold = TRY(files_.hold_now(user, store::Purpose::Removing));
  Reconciliation found;
  return reconcile_held(user, found);
}

size_t Galleries::remove_leftovers() {
  // Taken back before it is tried, so that what another deletion asks for meanwhile stays asked.
  if (is_to_forget_.exchange(false)) forget_deleted();
  std::set<UserId> users;
  {
    const std::scoped_lock lock(leftovers_mutex_);
    users.swap(leftovers_);
  }
  std::erase_if(users, [&](UserId user) { return remove_leftovers_of(user).has_value(); });
  const std::scoped_lock lock(leftovers_mutex_);
  leftovers_.insert(users.begin(), users.end());
  return leftovers_.size();
}

Result<void> Galleries::delete_photo(UserId user, GalleryId gallery, PhotoId photo) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    auto content = TRY(internal::delete_photo_row(transaction, user, gallery, photo));
    return Contents{std::move(content)};
  });
}

Result<void> Galleries::delete_person(UserId user, GalleryId gallery, PersonId person) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::find_person(transaction, user, gallery, person));
    const auto rows = TRY(transaction.query(
        "select content from photos where owner_id = $1 and person_id = $2", user, person));
    TRY(internal::drop_heads(transaction, user,
                             "id in (select version_id from version_people where person_id = $2)",
                             person.value()));
    // Photos, embeddings, sightings and the person's part of every version go by cascade.
    TRY(transaction.execute("delete from people where owner_id = $1 and id = $2", user, person));
    TRY(internal::raise_revision(transaction, user, gallery));
    return internal::to_contents(rows);
  });
}

Result<bool> Galleries::delete_person_without_photos(UserId user, GalleryId gallery,
                                                     PersonId person) {
  return database_.transact([&](store::Transaction& transaction) -> Result<bool> {
    const int64_t deleted = TRY(transaction.execute(
        "delete from people where owner_id = $1 and gallery_id = $2 and id = $3"
        " and not exists (select 1 from photos f where f.person_id = people.id)",
        user, gallery, person));
    return deleted > 0;
  });
}

Result<void> Galleries::delete_gallery(UserId user, GalleryId gallery) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    return internal::delete_gallery_rows(transaction, user, gallery);
  });
}

Result<void> Galleries::delete_version(UserId user, GalleryId gallery, int64_t number) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const int64_t deleted = TRY(transaction.execute(
        "delete from versions where owner_id = $1 and gallery_id = $2 and number = $3", user,
        gallery, number));
    if (deleted == 0) {
      return fail(ErrorCode::NotFound, "version_not_found", "there is no version {} of gallery {}",
                  number, gallery.value());
    }
    TRY(
        transaction.execute("update galleries set version_in_use = null"
                            " where owner_id = $1 and id = $2 and version_in_use = $3",
                            user, gallery, number));
    TRY(internal::raise_revision(transaction, user, gallery));
    return Contents{};
  });
}

Result<void> Galleries::delete_everything(UserId user) {
  return delete_rows(user, [&](store::Transaction& transaction) -> Result<Contents> {
    const auto rows =
        TRY(transaction.query("select content from photos where owner_id = $1"
                              " union all select content from unknown_faces where owner_id = $1",
                              user));
    TRY(transaction.execute("delete from galleries where owner_id = $1", user));
    return internal::to_contents(rows);
  });
}

}  // namespace faceforge::gallery
