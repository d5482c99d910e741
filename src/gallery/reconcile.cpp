#include <optional>
#include <random>
#include <set>
#include <string>

#include "gallery/galleries.h"

namespace faceforge::gallery {
namespace {

/// A name that no other installation has.
std::string new_mark() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

Result<std::optional<std::string>> stored_mark(store::Transaction& transaction) {
  const auto rows = TRY(transaction.query("select mark from photo_folder"));
  if (rows.empty()) return std::nullopt;
  return rows[0].text(0);
}

Result<int64_t> count_pictures(store::Transaction& transaction) {
  const auto rows = TRY(transaction.query(
      "select (select count(*) from photos) + (select count(*) from unknown_faces)"));
  return rows[0].integer(0);
}

/// Adds the contents that unknown faces name. One whose file is gone goes too: it is nothing that
/// could be seen or named.
Result<void> compare_unknown_faces(store::Transaction& transaction, UserId user,
                                   const std::set<std::string>& files,
                                   std::set<std::string>& contents) {
  std::vector<int64_t> lost;
  const auto visit = [&](const store::Row& row) -> Result<void> {
    if (files.contains(row.text(1))) {
      contents.insert(row.text(1));
    } else {
      lost.push_back(row.integer(0));
    }
    return {};
  };
  TRY(transaction.scan("select id, content from unknown_faces where owner_id = $1", visit, user));
  for (const int64_t face : lost) {
    TRY(transaction.execute("delete from unknown_faces where owner_id = $1 and id = $2", user,
                            face));
  }
  return {};
}

}  // namespace

// Files without a row are removed. With another database (a mistyped --database, an empty server, a
// second installation on this folder) that would be every photo there is.
Result<void> Galleries::check_files_are_ours(PhotosElsewhere elsewhere) {
  const auto on_disk = TRY(files_.mark());
  const auto in_rows = TRY(database_.read(stored_mark));
  if (in_rows && in_rows == on_disk) return {};
  const bool has_files = !TRY(files_.accounts()).empty();
  if (has_files) {
    return fail(ErrorCode::Conflict, "photos_of_another_database",
                "the photos in {} belong to another database; start with that one, or with "
                "another data folder",
                files_.folder().string());
  }
  const int64_t picture_count = TRY(database_.read(count_pictures));
  if (picture_count > 0 && elsewhere == PhotosElsewhere::Refuse) {
    return fail(ErrorCode::Conflict, "photos_elsewhere",
                "the database names {} photos, and {} holds none of them; start with the data "
                "folder that does, or with --photos-lost if they are lost",
                picture_count, files_.folder().string());
  }
  // The folder first: cut off after it, the next start finds a mark, no files, and ends up here.
  const std::string mark = in_rows ? *in_rows : on_disk.value_or(new_mark());
  TRY(files_.set_mark(mark));
  if (in_rows) return {};
  return database_.transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(transaction.execute("insert into photo_folder (only_row, mark) values (1, $1)", mark));
    return {};
  });
}

Result<Reconciliation> Galleries::reconcile(PhotosElsewhere elsewhere) {
  Reconciliation found;
  const auto query_ids = [&](const char* sql) {
    return database_.read([&](store::Transaction& transaction) -> Result<std::set<UserId>> {
      std::set<UserId> ids;
      const auto rows = TRY(transaction.query(sql));
      for (const store::Row row : rows) ids.insert(row.id<UserId>(0));
      return ids;
    });
  };
  TRY(check_files_are_ours(elsewhere));
  const std::vector<UserId> with_folder = TRY(files_.accounts());
  const std::set<UserId> owners = TRY(query_ids("select id from owners"));
  std::set<UserId> to_compare =
      TRY(query_ids("select owner_id from photos union select owner_id from unknown_faces"));
  for (const UserId user : with_folder) {
    if (owners.contains(user)) {
      to_compare.insert(user);
      continue;
    }
    TRY(files_.remove_account(user));
    ++found.accounts_removed;
  }
  for (const UserId user : to_compare) {
    const auto hold = TRY(files_.hold(user, store::Purpose::Removing));
    TRY(reconcile_held(user, found));
  }
  TRY(database_.forget_deleted());
  return found;
}

Result<void> Galleries::reconcile_held(UserId user, Reconciliation& found) {
  const std::vector<store::BlobName> listed = TRY(files_.list(user));
  std::set<std::string> files;
  for (const store::BlobName& name : listed) files.insert(name.text());

  int64_t missing = 0;
  const auto compare = [&](store::Transaction& transaction) -> Result<std::set<std::string>> {
    std::set<std::string> contents;
    std::vector<int64_t> wrongly_marked;
    missing = 0;  // this may be a second attempt
    const auto visit = [&](const store::Row& row) -> Result<void> {
      const bool is_missing = !files.contains(row.text(1));
      contents.insert(row.text(1));
      missing += is_missing ? 1 : 0;
      if (is_missing != row.boolean(2)) wrongly_marked.push_back(row.integer(0));
      return {};
    };
    TRY(transaction.scan("select id, content, file_missing from photos where owner_id = $1", visit,
                         user));
    for (const int64_t photo : wrongly_marked) {
      TRY(transaction.execute(
          "update photos set file_missing = 1 - file_missing where owner_id = $1 and id = $2", user,
          photo));
    }
    TRY(compare_unknown_faces(transaction, user, files, contents));
    return contents;
  };
  const std::set<std::string> named = TRY(database_.transact(compare));
  found.photos_without_file += missing;
  for (const store::BlobName& name : listed) {
    if (named.contains(name.text())) continue;
    TRY(files_.remove(user, name));
    ++found.orphan_files_removed;
  }
  return {};
}

}  // namespace faceforge::gallery
