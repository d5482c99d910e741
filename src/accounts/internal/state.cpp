#include "accounts/internal/state.h"

#include "accounts/internal/storable_text.h"
#include "base/unicode.h"
#include "crypto/token.h"

namespace faceforge::accounts {
namespace {

constexpr std::chrono::seconds kHashingPatience{10};

// A slot of the few in which passwords are hashed, given back at the end of the scope.
class HashingSlot {
 public:
  [[nodiscard]] static Result<HashingSlot> take(std::counting_semaphore<>& slots) {
    if (slots.try_acquire_for(kHashingPatience)) return HashingSlot(slots);
    return fail(ErrorCode::Busy, "password_hashing_busy",
                "too many people are logging in at this moment; try again");
  }
  HashingSlot(HashingSlot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
  HashingSlot& operator=(HashingSlot&&) = delete;
  ~HashingSlot() {
    if (slots_ != nullptr) slots_->release();
  }

 private:
  explicit HashingSlot(std::counting_semaphore<>& slots) : slots_(&slots) {}
  std::counting_semaphore<>* slots_;
};

std::string_view context_of(TokenUse use) {
  switch (use) {
    case TokenUse::Session:
      return "session:";
    case TokenUse::Csrf:
      return "csrf:";
    case TokenUse::ApiKey:
      return "api_key:";
    case TokenUse::RecoveryCode:
      return "recovery_code:";
  }
  return "";
}

}  // namespace

Accounts::State::State(std::shared_ptr<store::Database> opened, const Clock& now,
                       crypto::Secret key, const Options& chosen)
    : database(std::move(opened)),
      clock(now),
      token_key(std::move(key)),
      options(chosen),
      logins_by_name(now, {.free_attempts = chosen.failures_free_per_account,
                           .longest_wait = chosen.backoff_max}),
      logins_by_address(now, {.free_attempts = chosen.failures_free_per_address,
                              .longest_wait = chosen.backoff_max}),
      confirmations(now, {.free_attempts = chosen.failures_free_per_account,
                          .longest_wait = chosen.backoff_max}),
      sign_ups(now, {.free_attempts = chosen.sign_ups_free_per_address,
                     .longest_wait = std::chrono::hours(1)}),
      hashing_slots(chosen.password_hashes_at_once_max) {}

Result<std::string> Accounts::State::hash(const crypto::Secret& password) {
  const HashingSlot slot = TRY(HashingSlot::take(hashing_slots));
  return crypto::hash_password(password.text(), options.password_cost);
}

Result<crypto::PasswordVerdict> Accounts::State::verify(const crypto::Secret& password,
                                                        const std::optional<StoredUser>& stored) {
  const HashingSlot slot = TRY(HashingSlot::take(hashing_slots));
  if (stored) {
    return crypto::verify_password(password.text(), stored->password_hash, options.password_cost);
  }
  // As much work as for a name that exists, so that time does not tell them apart.
  TRY(crypto::hash_password(password.text(), options.password_cost));
  return crypto::PasswordVerdict::Wrong;
}

Result<std::string> Accounts::State::confirm_password(const Principal& principal,
                                                      std::string_view password) {
  TRY(principal.require(Scope::Account));
  const std::string folded = TRY(fold_case(principal.user.name));
  const std::string session = std::to_string(principal.session.value_or(SessionId(0)).value());
  TRY(confirmations.admit(session, "login_throttled"));
  const crypto::Secret normalized = TRY(normalize_password(password));
  const auto stored = TRY(database->read(
      [&](store::Transaction& transaction) { return find_user(transaction, folded); }));
  if (!stored) {
    return fail(ErrorCode::Unauthenticated, "session_unknown", "this account is gone");
  }
  if (TRY(verify(normalized, stored)) == crypto::PasswordVerdict::Wrong) {
    return fail(ErrorCode::Forbidden, "wrong_password", "the password is wrong");
  }
  confirmations.forget(session);
  return stored->password_hash;
}

Result<void> Accounts::State::admit_login(const std::string& name_folded, const Origin& origin) {
  TRY(logins_by_address.admit(throttled_address(origin.address), "login_throttled"));
  return logins_by_name.admit(name_folded, "login_throttled");
}

void Accounts::State::login_succeeded(const std::string& name_folded, const Origin& origin) {
  logins_by_name.forget(name_folded);
  // Not forgotten: with an account of one's own one could otherwise guess at others without end.
  logins_by_address.take_back(throttled_address(origin.address));
}

void Accounts::State::login_interrupted(const std::string& name_folded, const Origin& origin) {
  // Neither a failure nor a success: wrong codes before it still count.
  logins_by_name.take_back(name_folded);
  logins_by_address.take_back(throttled_address(origin.address));
}

std::string Accounts::State::stored_form(TokenUse use, std::string_view token) const {
  return crypto::token_hash(fmt::format("{}{}", context_of(use), token), token_key);
}

bool Accounts::State::is_expired(UnixTime_ms created_at_ms, UnixTime_ms last_seen_at_ms) const {
  const UnixTime_ms now_ms = clock.now_ms();
  return now_ms - created_at_ms >= options.session_age_max.count() ||
         now_ms - last_seen_at_ms >= options.session_idle_max.count();
}

Result<LoggedIn> Accounts::State::begin_session(store::Transaction& transaction, const User& user,
                                                const Origin& origin) const {
  TRY(transaction.execute(
      "delete from sessions where owner_id = $1 and id not in (select id from sessions "
      "where owner_id = $1 order by last_seen_at_ms desc, id desc limit $2)",
      user.id, options.sessions_per_user_max - 1));
  LoggedIn begun{.principal = {.user = user, .scopes = Scopes::all()},
                 .session_token = crypto::random_token()};
  begun.csrf_token = stored_form(TokenUse::Csrf, begun.session_token);
  const auto rows = TRY(transaction.query(
      "insert into sessions (owner_id, token_hash, created_at_ms, last_seen_at_ms, address, "
      "user_agent) values ($1, $2, $3, $3, $4, $5) returning id",
      user.id, stored_form(TokenUse::Session, begun.session_token), clock.now_ms(),
      internal::storable_text(origin.address), internal::storable_text(origin.user_agent)));
  begun.principal.session = rows[0].id<SessionId>(0);
  return begun;
}

Result<void> Accounts::State::audit(store::Transaction& transaction, std::optional<UserId> owner,
                                    std::string actor, std::string action, std::string subject,
                                    const Origin& origin) const {
  return record(transaction, {.at_ms = clock.now_ms(),
                              .owner = owner,
                              .actor = std::move(actor),
                              .action = std::move(action),
                              .subject = std::move(subject),
                              .address = origin.address});
}

User user_of(const store::Row& row, size_t column) {
  return {.id = row.id<UserId>(column),
          .name = row.text(column + 1),
          .role = row.text(column + 2) == to_string(Role::Administrator) ? Role::Administrator
                                                                         : Role::User,
          .created_at_ms = row.integer(column + 3)};
}

Result<std::optional<StoredUser>> find_user(store::Transaction& transaction,
                                            const std::string& name_folded) {
  const auto rows = TRY(transaction.query(
      "select id, name, role, created_at_ms, password_hash from users where name_folded = $1",
      name_folded));
  if (rows.empty()) return std::nullopt;
  return StoredUser{.user = user_of(rows[0], 0), .password_hash = rows[0].text(4)};
}

}  // namespace faceforge::accounts
