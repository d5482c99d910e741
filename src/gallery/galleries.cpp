#include "gallery/galleries.h"

#include <utility>

#include "base/check.h"
#include "base/unicode.h"
#include "gallery/internal/rows.h"
#include "gallery/name.h"
#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

Error gallery_name_taken(std::string_view name) {
  return fail(ErrorCode::AlreadyExists, "gallery_name_taken", "you have a gallery called `{}`",
              name)
      .error();
}

Error person_name_taken(std::string_view name) {
  return fail(ErrorCode::AlreadyExists, "person_name_taken", "the gallery has a person called `{}`",
              name)
      .error();
}

const Error& no_such_user() {
  static const Error kError{ErrorCode::NotFound, "user_not_found", "there is no such user"};
  return kError;
}

}  // namespace

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::Used:
      return "used";
    case Standing::Flagged:
      return "flagged";
    case Standing::Unusable:
      return "unusable";
  }
  CHECK_MSG(false, "no such standing");
  return {};
}

Galleries::Galleries(store::Database& database, const store::BlobFiles& files, const Clock& clock,
                     Limits limits)
    : database_(database), files_(files), clock_(clock), limits_(limits) {
  CHECK(limits.photos_per_person <= TemplateSum::kMaxCount);
}

Result<Gallery> Galleries::insert_gallery(store::Transaction& transaction, UserId user,
                                          const std::string& stored_name) {
  const auto counted =
      TRY(transaction.query("select count(*) from galleries where owner_id = $1", user));
  if (counted[0].integer(0) >= limits_.galleries_per_user) {
    return fail(ErrorCode::Exhausted, "too_many_galleries",
                "you have {} galleries; the limit is {}", counted[0].integer(0),
                limits_.galleries_per_user);
  }
  const auto inserted =
      TRY(transaction.query("insert into galleries (owner_id, name, created_ms) values ($1, $2, $3)"
                            " on conflict (owner_id, name) do nothing returning id",
                            user, stored_name, clock_.now_ms()));
  if (inserted.empty()) return Unexpected(gallery_name_taken(stored_name));
  return internal::find_gallery(transaction, user, inserted[0].id<GalleryId>(0));
}

Result<Gallery> Galleries::create_gallery(UserId user, std::string_view name) {
  const std::string stored = TRY(checked_name(name));
  const auto work = [&](store::Transaction& transaction) {
    return insert_gallery(transaction, user, stored);
  };
  return internal::translated(database_.transact(work), "foreign_key_violated", no_such_user());
}

Result<std::vector<Gallery>> Galleries::list_galleries(UserId user, const Part<std::string>& part) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Gallery>> {
    // No name is empty: all of them come after "".
    const auto rows = TRY(transaction.query(
        "select id from galleries where owner_id = $1 and name > $2 and is_copying = 0"
        " order by name limit $3",
        user, part.after.value_or(""), part.limit));
    std::vector<Gallery> galleries;
    for (const store::Row row : rows) {
      galleries.push_back(TRY(internal::find_gallery(transaction, user, row.id<GalleryId>(0))));
    }
    return galleries;
  });
}

Result<Gallery> Galleries::find_gallery(UserId user, GalleryId gallery) {
  return database_.read([&](store::Transaction& transaction) {
    return internal::find_gallery(transaction, user, gallery);
  });
}

Result<Gallery> Galleries::rename_gallery(UserId user, GalleryId gallery, std::string_view name) {
  const std::string stored = TRY(checked_name(name));
  const auto work = [&](store::Transaction& transaction) -> Result<Gallery> {
    TRY(internal::require_gallery(transaction, user, gallery));
    TRY(transaction.execute("update galleries set name = $3 where owner_id = $1 and id = $2", user,
                            gallery, stored));
    return internal::find_gallery(transaction, user, gallery);
  };
  return internal::translated(database_.transact(work), "unique_violated",
                              gallery_name_taken(stored));
}

Result<Person> Galleries::insert_person(store::Transaction& transaction, UserId user,
                                        GalleryId gallery, const std::string& stored_name) {
  const Gallery found = TRY(internal::find_gallery(transaction, user, gallery));
  if (found.person_count >= limits_.people_per_gallery) {
    return fail(ErrorCode::Exhausted, "too_many_people",
                "the gallery has {} people; the limit is {}", found.person_count,
                limits_.people_per_gallery);
  }
  const auto inserted = TRY(transaction.query(
      "insert into people (owner_id, gallery_id, name, created_ms) values ($1, $2, $3, $4)"
      " on conflict (gallery_id, name) do nothing returning id",
      user, gallery, stored_name, clock_.now_ms()));
  if (inserted.empty()) return Unexpected(person_name_taken(stored_name));
  return internal::find_person(transaction, user, gallery, inserted[0].id<PersonId>(0));
}

Result<Person> Galleries::add_person(UserId user, GalleryId gallery, std::string_view name) {
  const std::string stored = TRY(checked_name(name));
  return database_.transact([&](store::Transaction& transaction) {
    return insert_person(transaction, user, gallery, stored);
  });
}

Result<std::vector<Person>> Galleries::list_people(UserId user, GalleryId gallery,
                                                   const Part<std::string>& part) {
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Person>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    const auto rows = TRY(transaction.query(
        fmt::format("select {} from people p where p.owner_id = $1 and p.gallery_id = $2"
                    " and p.name > $3 order by p.name limit $4",
                    internal::person_columns()),
        user, gallery, part.after.value_or(""), part.limit));
    std::vector<Person> people;
    people.reserve(rows.size());
    for (const store::Row row : rows) people.push_back(internal::to_person(row));
    return people;
  });
}

Result<std::vector<Person>> Galleries::find_people(UserId user, GalleryId gallery,
                                                   std::string_view wanted,
                                                   const Part<std::string>& part) {
  const std::string checked = TRY(checked_name(wanted));
  const std::string form = TRY(fold_for_search(checked));
  return database_.read([&](store::Transaction& transaction) -> Result<std::vector<Person>> {
    TRY(internal::require_gallery(transaction, user, gallery));
    // The databases fold letters in ways of their own, and SQLite's only knows ASCII.
    const auto names = TRY(transaction.query(
        "select id, name from people where owner_id = $1 and gallery_id = $2 and name > $3"
        " order by name",
        user, gallery, part.after.value_or("")));
    std::vector<Person> people;
    for (const store::Row row : names) {
      if (std::cmp_greater_equal(people.size(), part.limit)) break;
      const std::string name = TRY(fold_for_search(row.text(1)));
      if (!name.contains(form)) continue;
      const auto found = TRY(transaction.query(
          fmt::format("select {} from people p where p.owner_id = $1 and p.id = $2",
                      internal::person_columns()),
          user, row.id<PersonId>(0)));
      people.push_back(internal::to_person(found[0]));
    }
    return people;
  });
}

Result<Person> Galleries::find_person(UserId user, GalleryId gallery, PersonId person) {
  return database_.read([&](store::Transaction& transaction) {
    return internal::find_person(transaction, user, gallery, person);
  });
}

Result<Person> Galleries::rename_person(UserId user, GalleryId gallery, PersonId person,
                                        std::string_view name) {
  const std::string stored = TRY(checked_name(name));
  const auto work = [&](store::Transaction& transaction) -> Result<Person> {
    TRY(internal::find_person(transaction, user, gallery, person));
    TRY(transaction.execute("update people set name = $3 where owner_id = $1 and id = $2", user,
                            person, stored));
    TRY(internal::raise_revision(transaction, user, gallery));
    return internal::find_person(transaction, user, gallery, person);
  };
  return internal::translated(database_.transact(work), "unique_violated",
                              person_name_taken(stored));
}

}  // namespace faceforge::gallery
