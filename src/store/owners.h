#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "store/database.h"
#include "store/migrate.h"

namespace faceforge::store {

/// A user, as everything that a user owns knows it.
using UserId = StrongId<struct UserTag>;

/// The table `owners(id)`: every table with a user's rows has
/// `owner_id {INTEGER} not null references owners(id) on delete cascade`, so that deleting the
/// owner deletes all of it, whichever module keeps it. Comes before the migrations of all modules.
[[nodiscard]] std::vector<Migration> owner_migrations();

/// Adds an owner; accounts do this when a user signs up.
///
/// fails: see `Transaction`
[[nodiscard]] Result<UserId> create_owner(Transaction& transaction, UnixTime_ms now_ms);

/// Deletes an owner and every row that belongs to it. Blob files are the caller's
/// (`BlobFiles::remove_account`), after the commit.
///
/// fails: not_found/user_not_found; see `Transaction`
[[nodiscard]] Result<void> delete_owner(Transaction& transaction, UserId owner);

}  // namespace faceforge::store
