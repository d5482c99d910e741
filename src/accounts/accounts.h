#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/audit.h"
#include "accounts/user.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include "store/database.h"
#include "store/migrate.h"

namespace faceforge::accounts {

struct Options {
  std::chrono::milliseconds session_idle_max = std::chrono::days(7);
  std::chrono::milliseconds session_age_max = std::chrono::days(30);
  size_t sessions_per_user_max = 50;  ///< beyond it the one idle for longest ends
  size_t api_keys_per_user_max = 100;
  std::chrono::milliseconds audit_kept_for = std::chrono::days(365);
  crypto::PasswordCost password_cost{};
  int password_hashes_at_once_max = 2;  ///< each takes `password_cost.memory_bytes`
  int failures_free_per_account = 5;    ///< then 1 s, doubling to `backoff_max` with every failure
  int failures_free_per_address = 20;
  std::chrono::milliseconds backoff_max = std::chrono::minutes(15);
  int sign_ups_free_per_address = 20;  ///< then 1 s, doubling to an hour, until an hour of quiet
};

/// A session that has just begun. The token is the cookie's value and is kept nowhere else.
struct LoggedIn {
  Principal principal;
  std::string session_token{};
  std::string csrf_token{};
};

/// What a session's cookie stands for.
struct Authenticated {
  Principal principal;
  std::string csrf_token{};
};

struct SessionInfo {
  SessionId id;
  UnixTime_ms created_at_ms = 0;
  UnixTime_ms last_seen_at_ms = 0;
  std::string address{};
  std::string user_agent{};
};

struct ApiKeyInfo {
  ApiKeyId id;
  std::string label;
  Scopes scopes;
  UnixTime_ms created_at_ms = 0;
  std::optional<UnixTime_ms> last_used_at_ms{};
};

/// What a log-in needs beside the password.
struct SecondFactorState {
  bool is_on = false;
  int64_t recovery_code_count = 0;  ///< that were not used yet
};

struct CreatedApiKey {
  ApiKeyInfo info;
  std::string key;  ///< shown once: only its hash is stored
};

/// The tables of this module; they come after `store::owner_migrations()`.
[[nodiscard]] std::vector<store::Migration> migrations();

/// Reads the key with which tokens are hashed from a file of mode 0600, made when missing.
///
/// fails: corrupt/token_key_damaged when it is not 32 bytes; forbidden/..., exhausted/...,
///        internal/file_error
[[nodiscard]] Result<crypto::Secret> open_token_key(const std::filesystem::path& file);

/// Users, their sessions and API keys. Thread safe. Everything that changes an account is in the
/// audit log. Errors about credentials never tell whether the name exists, nor does their timing.
class Accounts {
 public:
  Accounts(std::shared_ptr<store::Database> database, const Clock& clock, crypto::Secret token_key,
           const Options& options = {});
  ~Accounts();

  /// Makes an account and begins its first session. The installation's first is an administrator.
  ///
  /// fails: already_exists/user_name_taken; busy/sign_up_throttled; busy/password_hashing_busy;
  ///        what `parse_user_name` and `accept_new_password` fail with
  /// cost:  one Argon2id
  [[nodiscard]] Result<LoggedIn> sign_up(std::string_view name, std::string_view password,
                                         const Origin& origin);

  /// Begins a session.
  ///
  /// in:    `code` of the authenticator or a recovery code, where the account has a second factor
  /// fails: unauthenticated/wrong_credentials; unauthenticated/second_factor_needed when the
  ///        password is right and no code was sent; unauthenticated/second_factor_wrong;
  ///        corrupt/second_factor_damaged when it was sealed with another token key;
  ///        busy/login_throttled, naming the seconds to wait, after repeated failures of this name
  ///        or from this address; busy/password_hashing_busy; as normalize_password, whoever's name
  ///        it is
  /// cost:  one Argon2id, whether or not the name exists
  [[nodiscard]] Result<LoggedIn> log_in(std::string_view name, std::string_view password,
                                        const Origin& origin,
                                        std::optional<std::string_view> code = std::nullopt);

  /// Tells who a session's cookie belongs to, and prolongs the session.
  ///
  /// fails: unauthenticated/session_unknown; unauthenticated/session_expired
  [[nodiscard]] Result<Authenticated> authenticate_session(std::string_view session_token);

  /// Tells who an API key belongs to.
  ///
  /// fails: unauthenticated/api_key_unknown
  [[nodiscard]] Result<Principal> authenticate_api_key(std::string_view key);

  /// Checks the token that every changing request of a session carries beside the cookie.
  ///
  /// fails: forbidden/csrf_token_wrong
  [[nodiscard]] Result<void> check_csrf(std::string_view session_token,
                                        std::string_view csrf_token) const;

  /// Ends the principal's own session; nothing happens when it has ended already.
  [[nodiscard]] Result<void> log_out(const Principal& principal, const Origin& origin);

  [[nodiscard]] Result<std::vector<SessionInfo>> sessions(const Principal& principal);

  /// fails: not_found/session_not_found, also for someone else's
  [[nodiscard]] Result<void> end_session(const Principal& principal, SessionId session,
                                         const Origin& origin);

  /// Changes the password; every other session of the user ends. API keys stay.
  ///
  /// in:    `code` of the authenticator or a recovery code, where the account has a second factor
  /// fails: forbidden/wrong_password, also when it was changed meanwhile; forbidden/scope_missing
  ///        for an API key; forbidden/second_factor_needed when the password is right and no code
  ///        was sent; forbidden/second_factor_wrong; busy/login_throttled after repeated failures
  ///        of this session; what `accept_new_password` fails with
  [[nodiscard]] Result<void> change_password(const Principal& principal, std::string_view current,
                                             std::string_view replacement, const Origin& origin,
                                             std::optional<std::string_view> code = std::nullopt);

  /// Deletes the account and every row that belongs to it, in all modules. The caller then removes
  /// the files of the user that is returned, and calls `Database::forget_deleted`.
  ///
  /// in:    `code` as `change_password`
  /// fails: as `change_password`, but for the new one
  [[nodiscard]] Result<UserId> delete_account(const Principal& principal, std::string_view password,
                                              std::optional<std::string_view> code = std::nullopt);

  [[nodiscard]] Result<SecondFactorState> second_factor(const Principal& principal);

  /// Makes the key of an authenticator. It counts once a code of it has been confirmed; until then
  /// the next call makes another one.
  ///
  /// out:   the key in Base32, shown once: it is stored sealed
  /// fails: as `change_password` for the password; conflict/second_factor_on
  [[nodiscard]] Result<std::string> begin_second_factor(const Principal& principal,
                                                        std::string_view password);

  /// From now on a log-in needs a code, too. Other sessions go on.
  ///
  /// out:   ten recovery codes, each good for one log-in without the authenticator; shown once
  /// fails: forbidden/second_factor_wrong; conflict/second_factor_not_begun;
  ///        conflict/second_factor_on; busy/login_throttled; forbidden/scope_missing
  [[nodiscard]] Result<std::vector<std::string>> confirm_second_factor(const Principal& principal,
                                                                       std::string_view code,
                                                                       const Origin& origin);

  /// Makes recovery codes in place of those there are, which count no more.
  ///
  /// in:    `code` of the authenticator or a recovery code: whoever has only the session and the
  ///        password gets none
  /// out:   as `confirm_second_factor`
  /// fails: as `change_password` for the password; forbidden/second_factor_wrong;
  ///        conflict/second_factor_off; busy/login_throttled
  [[nodiscard]] Result<std::vector<std::string>> renew_recovery_codes(const Principal& principal,
                                                                      std::string_view password,
                                                                      std::string_view code,
                                                                      const Origin& origin);

  /// Takes the second factor and its recovery codes away; nothing happens where there is none.
  ///
  /// in:    `code` as `renew_recovery_codes`; not looked at while the factor was only begun
  /// fails: as `change_password` for the password; forbidden/second_factor_wrong;
  ///        busy/login_throttled
  [[nodiscard]] Result<void> remove_second_factor(const Principal& principal,
                                                  std::string_view password, std::string_view code,
                                                  const Origin& origin);

  /// in:    `label` of 1 to 100 characters, for people; `scopes` not empty, without `Account`
  /// fails: invalid_input/api_key_label, api_key_scopes; conflict/too_many_api_keys;
  ///        forbidden/scope_missing for an API key
  [[nodiscard]] Result<CreatedApiKey> create_api_key(const Principal& principal,
                                                     std::string_view label, Scopes scopes,
                                                     const Origin& origin);

  [[nodiscard]] Result<std::vector<ApiKeyInfo>> api_keys(const Principal& principal);

  /// fails: not_found/api_key_not_found, also for someone else's
  [[nodiscard]] Result<void> revoke_api_key(const Principal& principal, ApiKeyId key,
                                            const Origin& origin);

  /// The newest lines of the principal's own audit log; see `audit_of`.
  [[nodiscard]] Result<std::vector<AuditEntry>> audit(const Principal& principal, size_t limit,
                                                      std::optional<int64_t> before_id = {});

  /// All users, sorted by name. For the command line and for administrators: the caller checks.
  [[nodiscard]] Result<std::vector<User>> users();

  /// Sets a password without knowing the old one, takes the second factor away, ends all the user's
  /// sessions and revokes all their API keys: whoever had the old password may have made one. For
  /// the command line of whoever runs the installation.
  ///
  /// fails: not_found/user_not_found; what `accept_new_password` fails with
  [[nodiscard]] Result<void> reset_password(std::string_view name, std::string_view replacement);

  /// Makes a user an administrator or an ordinary user: for the command line.
  ///
  /// fails: not_found/user_not_found; conflict/last_administrator
  [[nodiscard]] Result<void> set_role(std::string_view name, Role role);

  /// Removes expired sessions and audit lines older than they are kept. The server calls it hourly.
  [[nodiscard]] Result<void> sweep();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace faceforge::accounts
