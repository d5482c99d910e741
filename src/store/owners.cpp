#include "store/owners.h"

namespace faceforge::store {

std::vector<Migration> owner_migrations() {
  return {{.module = "owners",
           .version = 1,
           .name = "owners",
           .sql = "create table owners (id {ID}, created_at_ms {INTEGER} not null) {STRICT};"}};
}

Result<UserId> create_owner(Transaction& transaction, UnixTime_ms now_ms) {
  const auto rows =
      TRY(transaction.query("insert into owners (created_at_ms) values ($1) returning id", now_ms));
  return rows[0].id<UserId>(0);
}

Result<void> delete_owner(Transaction& transaction, UserId owner) {
  if (TRY(transaction.execute("delete from owners where id = $1", owner)) == 0) {
    return fail(ErrorCode::NotFound, "user_not_found", "there is no user {}", owner.value());
  }
  return {};
}

}  // namespace faceforge::store
