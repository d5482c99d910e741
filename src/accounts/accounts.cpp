#include "accounts/accounts.h"

#include "accounts/internal/state.h"
#include "base/check.h"
#include "base/file.h"
#include "crypto/token.h"

namespace faceforge::accounts {
namespace {

Unexpected changed_meanwhile() {
  return fail(ErrorCode::Forbidden, "wrong_password",
              "the password was changed at this moment; log in with the new one");
}

Unexpected wrong_credentials() {
  return fail(ErrorCode::Unauthenticated, "wrong_credentials", "wrong name or password");
}

std::string subject_of(UserId user) {
  return fmt::format("user {}", user.value());
}

// The installation's first account is its administrator.
Result<Role> role_of_next(store::Transaction& transaction) {
  const auto rows = TRY(transaction.query("select exists(select 1 from users)"));
  return rows[0].boolean(0) ? Role::User : Role::Administrator;
}

Result<User> add_user(store::Transaction& transaction, const UserName& name,
                      const std::string& password_hash, UnixTime_ms now_ms) {
  const Role role = TRY(role_of_next(transaction));
  const UserId id = TRY(store::create_owner(transaction, now_ms));
  const auto added = TRY(transaction.execute(
      "insert into users (id, name, name_folded, role, password_hash, created_at_ms) "
      "values ($1, $2, $3, $4, $5, $6) on conflict (name_folded) do nothing",
      id, name.shown, name.folded, to_string(role), password_hash, now_ms));
  if (added == 0) {
    return fail(ErrorCode::AlreadyExists, "user_name_taken", "the name `{}` is taken", name.shown);
  }
  return User{.id = id, .name = name.shown, .role = role, .created_at_ms = now_ms};
}

}  // namespace

Result<crypto::Secret> open_token_key(const std::filesystem::path& file) {
  auto bytes = read_file(file, crypto::kTokenKey_bytes);
  if (!bytes && bytes.error().code == ErrorCode::NotFound) {
    auto key = crypto::Secret::random(crypto::kTokenKey_bytes);
    TRY(write_file_atomically(file, key.bytes()));
    return key;
  }
  if ((!bytes && bytes.error().code == ErrorCode::TooLarge) ||
      (bytes && bytes->size() != crypto::kTokenKey_bytes)) {
    return fail(ErrorCode::Corrupt, "token_key_damaged",
                "{} does not have {} bytes; restore it, or remove it and everyone logs in anew",
                file.string(), crypto::kTokenKey_bytes);
  }
  if (!bytes) return Unexpected(bytes.error());
  return crypto::Secret::copy_of(std::span<const std::byte>(*bytes));
}

Accounts::Accounts(std::shared_ptr<store::Database> database, const Clock& clock,
                   crypto::Secret token_key, const Options& options)
    : state_(std::make_unique<State>(std::move(database), clock, std::move(token_key), options)) {
  CHECK(state_->token_key.size() == crypto::kTokenKey_bytes);
  CHECK(options.sessions_per_user_max > 0 && options.password_hashes_at_once_max > 0);
}

Accounts::~Accounts() = default;

Result<LoggedIn> Accounts::sign_up(std::string_view name, std::string_view password,
                                   const Origin& origin) {
  const UserName parsed = TRY(parse_user_name(name));
  const crypto::Secret accepted = TRY(accept_new_password(password, parsed));
  TRY(state_->sign_ups.admit(throttled_address(origin.address), "sign_up_throttled"));
  const std::string hash = TRY(state_->hash(accepted));
  return state_->database->transact([&](store::Transaction& transaction) -> Result<LoggedIn> {
    const User user = TRY(add_user(transaction, parsed, hash, state_->clock.now_ms()));
    TRY(state_->audit(transaction, user.id, subject_of(user.id), "signed_up",
                      std::string(to_string(user.role)), origin));
    return state_->begin_session(transaction, user, origin);
  });
}

Result<LoggedIn> Accounts::log_in(std::string_view name, std::string_view password,
                                  const Origin& origin, std::optional<std::string_view> code) {
  // Looked at before the name, and so says nothing about it.
  const crypto::Secret normalized = TRY(normalize_password(password));
  // What can be no name is the name of no one: it is looked for, and costs, as any other.
  const auto parsed = parse_user_name(name);
  const std::string folded = parsed ? parsed->folded : std::string();
  TRY(state_->admit_login(folded, origin));
  const auto stored = TRY(state_->database->read(
      [&](store::Transaction& transaction) { return find_user(transaction, folded); }));
  const auto verdict = TRY(state_->verify(normalized, stored));
  const auto note_failure = [&](std::string subject) {
    const auto owner = stored ? std::optional(stored->user.id) : std::nullopt;
    return state_->database->transact([&](store::Transaction& transaction) {
      return state_->audit(transaction, owner, "nobody", "login_failed", subject, origin);
    });
  };
  if (verdict == crypto::PasswordVerdict::Wrong) {
    TRY(note_failure(stored ? subject_of(stored->user.id) : "no such user"));
    return wrong_credentials();
  }
  std::optional<std::string> fresh_hash;
  if (verdict == crypto::PasswordVerdict::RightButHashIsOutdated) {
    fresh_hash = TRY(state_->hash(normalized));
  }
  const auto begin = [&](store::Transaction& transaction) -> Result<LoggedIn> {
    // The password that was right must still be the one: it may have been changed meanwhile.
    const auto changed =
        TRY(transaction.execute("update users set password_hash = coalesce($1, password_hash) "
                                "where id = $2 and password_hash = $3",
                                fresh_hash, stored->user.id, stored->password_hash));
    if (changed == 0) return wrong_credentials();
    TRY(state_->check_second_factor(transaction, stored->user.id, code));
    TRY(state_->audit(transaction, stored->user.id, subject_of(stored->user.id), "logged_in", "",
                      origin));
    return state_->begin_session(transaction, stored->user, origin);
  };
  auto begun = state_->database->transact(begin);
  if (begun) state_->login_succeeded(folded, origin);
  if (!begun && begun.error().reason == "second_factor_needed") {
    state_->login_interrupted(folded, origin);
  }
  if (!begun && begun.error().reason == "second_factor_wrong") {
    TRY(note_failure(fmt::format("{}, second factor", subject_of(stored->user.id))));
  }
  return begun;
}

Result<void> Accounts::change_password(const Principal& principal, std::string_view current,
                                       std::string_view replacement, const Origin& origin,
                                       std::optional<std::string_view> code) {
  TRY(principal.require(Scope::Account));
  const UserName name = TRY(parse_user_name(principal.user.name));
  const crypto::Secret accepted = TRY(accept_new_password(replacement, name));
  const std::string confirmed = TRY(state_->confirm_password(principal, current));
  TRY(state_->admit_code(principal, code));
  const std::string hash = TRY(state_->hash(accepted));
  const auto change = [&](store::Transaction& transaction) -> Result<void> {
    TRY(state_->confirm_code(transaction, principal.user.id, code));
    const auto changed = TRY(transaction.execute(
        "update users set password_hash = $1 where id = $2 and password_hash = $3", hash,
        principal.user.id, confirmed));
    if (changed == 0) return changed_meanwhile();
    TRY(transaction.execute("delete from sessions where owner_id = $1 and id <> $2",
                            principal.user.id, principal.session.value_or(SessionId(0))));
    return state_->audit(transaction, principal.user.id, audit_actor(principal), "password_changed",
                         "", origin);
  };
  TRY(state_->database->transact(change));
  state_->forget_codes(principal);
  return {};
}

Result<UserId> Accounts::delete_account(const Principal& principal, std::string_view password,
                                        std::optional<std::string_view> code) {
  const std::string confirmed = TRY(state_->confirm_password(principal, password));
  TRY(state_->admit_code(principal, code));
  return state_->database->transact([&](store::Transaction& transaction) -> Result<UserId> {
    TRY(state_->confirm_code(transaction, principal.user.id, code));
    const auto still = TRY(transaction.query(
        "select 1 from users where id = $1 and password_hash = $2", principal.user.id, confirmed));
    if (still.empty()) return changed_meanwhile();
    TRY(store::delete_owner(transaction, principal.user.id));
    // What is kept is a number that no one has any more, and that it is gone.
    TRY(state_->audit(transaction, std::nullopt, subject_of(principal.user.id), "account_deleted",
                      subject_of(principal.user.id), Origin{}));
    return principal.user.id;
  });
}

Result<std::vector<AuditEntry>> Accounts::audit(const Principal& principal, size_t limit,
                                                std::optional<int64_t> before_id) {
  return state_->database->read([&](store::Transaction& transaction) {
    return audit_of(transaction, principal.user.id, limit, before_id);
  });
}

}  // namespace faceforge::accounts
