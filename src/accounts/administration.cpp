// What whoever runs the installation does, from the command line and by the clock.
#include "accounts/accounts.h"
#include "accounts/internal/state.h"

namespace faceforge::accounts {
namespace {

constexpr auto kActor = "command line";

Result<User> require_user(store::Transaction& transaction, std::string_view name) {
  const auto parsed = parse_user_name(name);
  const auto found =
      parsed ? TRY(find_user(transaction, parsed->folded)) : std::optional<StoredUser>();
  if (found) return found->user;
  return fail(ErrorCode::NotFound, "user_not_found", "there is no user `{}`",
              name.substr(0, 4 * kUserNameMax_characters));
}

}  // namespace

Result<std::vector<User>> Accounts::users() {
  std::vector<User> users;
  TRY(state_->database->read([&](store::Transaction& transaction) {
    users.clear();
    return transaction.scan("select id, name, role, created_at_ms from users order by name_folded",
                            [&](const store::Row& row) -> Result<void> {
                              users.push_back(user_of(row, 0));
                              return {};
                            });
  }));
  return users;
}

Result<void> Accounts::reset_password(std::string_view name, std::string_view replacement) {
  const User found = TRY(state_->database->read(
      [&](store::Transaction& transaction) { return require_user(transaction, name); }));
  const UserName parsed = TRY(parse_user_name(found.name));
  const crypto::Secret accepted = TRY(accept_new_password(replacement, parsed));
  const std::string hash = TRY(state_->hash(accepted));
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    const User user = TRY(require_user(transaction, name));
    TRY(transaction.execute("update users set password_hash = $1 where id = $2", hash, user.id));
    TRY(transaction.execute("delete from sessions where owner_id = $1", user.id));
    TRY(transaction.execute("delete from api_keys where owner_id = $1", user.id));
    TRY(delete_second_factor(transaction, user.id));
    return state_->audit(transaction, user.id, kActor, "password_reset", "", Origin{});
  });
}

Result<void> Accounts::set_role(std::string_view name, Role role) {
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    const User user = TRY(require_user(transaction, name));
    if (user.role == role) return {};
    TRY(transaction.execute("update users set role = $1 where id = $2", to_string(role), user.id));
    const auto administrators = TRY(transaction.query("select count(*) from users where role = $1",
                                                      to_string(Role::Administrator)));
    if (administrators[0].integer(0) == 0) {
      return fail(ErrorCode::Conflict, "last_administrator",
                  "`{}` is the last administrator; make someone else one first", user.name);
    }
    return state_->audit(transaction, user.id, kActor, "role_changed", std::string(to_string(role)),
                         Origin{});
  });
}

Result<void> Accounts::sweep() {
  const UnixTime_ms now_ms = state_->clock.now_ms();
  const Options& options = state_->options;
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    TRY(transaction.execute(
        "delete from sessions where created_at_ms <= $1 or last_seen_at_ms <= $2",
        now_ms - options.session_age_max.count(), now_ms - options.session_idle_max.count()));
    TRY(transaction.execute("delete from audit_entries where at_ms <= $1",
                            now_ms - options.audit_kept_for.count()));
    return {};
  });
}

}  // namespace faceforge::accounts
