#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace faceforge::store {

/// One step of a module's tables. Once released, a step never changes: later ones are added.
///
/// `sql` is one or more statements. These words in it become what each database calls them, so that
/// both keep the same types and order text the same way (by its bytes):
///   {ID}       the row's own key, never used twice: `id {ID}`
///   {INTEGER}  64 bit; also keys of other rows, times in ms, truth values (0 and 1)
///   {REAL}     64-bit floating point
///   {TEXT}     UTF-8 without NUL
///   {BLOB}     bytes
///   {STRICT}   after the closing parenthesis of every `create table`: types are enforced
struct Migration {
  std::string module;  ///< `accounts`, `gallery`, ...
  int version = 0;     ///< 1, 2, 3, ... within the module
  std::string name;    ///< for people: `users and sessions`
  std::string sql;
};

/// Brings the database's tables to the newest version, in the order given (tables that are referred
/// to come first), each step in its own transaction. Steps that are already there are skipped. Safe
/// when several processes start at once. Steps out of order or with gaps are a CHECK.
///
/// fails: conflict/database_newer when the database has steps of these modules that are not given
///        here: it was last used by a newer FaceForge; corrupt/migration_changed when a step in the
///        database differs from the one given; see `Transaction`
[[nodiscard]] Result<void> migrate(Database& database, std::span<const Migration> migrations);

/// Tells whether `migrate` has something to do in a database that it knows.
///
/// in:    a database with steps (see `has_steps`)
/// fails: see `Transaction`
[[nodiscard]] Result<bool> lacks_steps(Database& database, std::span<const Migration> migrations);

/// Tells whether `migrate` has ever made tables in the database.
///
/// fails: see `Transaction`
[[nodiscard]] Result<bool> has_steps(Database& database);

}  // namespace faceforge::store
