#pragma once

#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "accounts/accounts.h"
#include "accounts/internal/attempt_throttle.h"
#include "accounts/names_and_passwords.h"

namespace faceforge::accounts {

/// What a token is for: a session's token is worth nothing as an API key.
enum class TokenUse { Session, Csrf, ApiKey, RecoveryCode };

struct StoredUser {
  User user;
  std::string password_hash;
};

struct Accounts::State {
  State(std::shared_ptr<store::Database> database, const Clock& clock, crypto::Secret token_key,
        const Options& options);

  /// fails: busy/password_hashing_busy; exhausted/out_of_memory
  [[nodiscard]] Result<std::string> hash(const crypto::Secret& password);

  /// Checks a password against a user's hash; without a user it takes as long and is wrong.
  ///
  /// fails: busy/password_hashing_busy
  [[nodiscard]] Result<crypto::PasswordVerdict> verify(const crypto::Secret& password,
                                                       const std::optional<StoredUser>& stored);

  /// Checks the password of who is logged in already. Throttled by the session and not as a log-in
  /// is: whoever fails to log in under this name is someone else, and no session begins without the
  /// password.
  ///
  /// out:   the stored hash that the password fits: what is done for it checks that it still stands
  /// fails: forbidden/scope_missing; forbidden/wrong_password; busy/login_throttled; as
  ///        normalize_password;
  ///        unauthenticated/session_unknown when the account is gone
  [[nodiscard]] Result<std::string> confirm_password(const Principal& principal,
                                                     std::string_view password);

  /// fails: busy/login_throttled
  [[nodiscard]] Result<void> admit_login(const std::string& name_folded, const Origin& origin);
  void login_succeeded(const std::string& name_folded, const Origin& origin);
  /// The password was right, and the code comes with the next attempt.
  void login_interrupted(const std::string& name_folded, const Origin& origin);

  [[nodiscard]] std::string stored_form(TokenUse use, std::string_view token) const;

  /// Begins a session, ending the one idle for longest where there are too many.
  [[nodiscard]] Result<LoggedIn> begin_session(store::Transaction& transaction, const User& user,
                                               const Origin& origin) const;

  /// Checks what a user's log-in needs beside the password, and uses it up.
  ///
  /// in:    `code` of the authenticator, or a recovery code; nothing when none was sent
  /// fails: unauthenticated/second_factor_needed; unauthenticated/second_factor_wrong
  [[nodiscard]] Result<void> check_second_factor(store::Transaction& transaction, UserId user,
                                                 std::optional<std::string_view> code) const;

  /// Counts a code that somebody who is logged in sent as wrong, until `forget_codes`.
  ///
  /// fails: busy/login_throttled
  [[nodiscard]] Result<void> admit_code(const Principal& principal,
                                        std::optional<std::string_view> code);
  void forget_codes(const Principal& principal);

  /// As `check_second_factor`, of who is logged in already: a wrong code is no end of the session.
  /// Comes after `admit_code`.
  ///
  /// fails: forbidden/second_factor_needed; forbidden/second_factor_wrong
  [[nodiscard]] Result<void> confirm_code(store::Transaction& transaction, UserId user,
                                          std::optional<std::string_view> code) const;

  /// Ten recovery codes in place of those there are.
  [[nodiscard]] Result<std::vector<std::string>> replace_recovery_codes(
      store::Transaction& transaction, UserId user) const;

  [[nodiscard]] bool is_expired(UnixTime_ms created_at_ms, UnixTime_ms last_seen_at_ms) const;

  [[nodiscard]] Result<void> audit(store::Transaction& transaction, std::optional<UserId> owner,
                                   std::string actor, std::string action, std::string subject,
                                   const Origin& origin) const;

  const std::shared_ptr<store::Database> database;
  const Clock& clock;
  const crypto::Secret token_key;
  const Options options;
  internal::AttemptThrottle logins_by_name;
  internal::AttemptThrottle logins_by_address;
  internal::AttemptThrottle confirmations;  ///< by session
  internal::AttemptThrottle sign_ups;
  std::counting_semaphore<> hashing_slots;
};

[[nodiscard]] Result<std::optional<StoredUser>> find_user(store::Transaction& transaction,
                                                          const std::string& name_folded);

/// With its recovery codes.
[[nodiscard]] Result<void> delete_second_factor(store::Transaction& transaction, UserId user);

/// Reads a user from the columns id, name, role, created_at_ms that begin at `column`.
[[nodiscard]] User user_of(const store::Row& row, size_t column);

}  // namespace faceforge::accounts
