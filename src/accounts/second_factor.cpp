#include <algorithm>

#include "accounts/accounts.h"
#include "accounts/internal/state.h"
#include "crypto/sealed_box.h"
#include "crypto/totp.h"

namespace faceforge::accounts {
namespace {

constexpr int kRecoveryCodeCount = 10;
constexpr size_t kRecoveryCode_bytes = 10;  // 80 bits: 16 characters of Base32
constexpr size_t kRecoveryCodePart_characters = 4;
constexpr size_t kMaxCode_characters = 64;
constexpr std::string_view kKeyPurpose = "second factors";

struct SecondFactor {
  crypto::Secret key;
  bool is_confirmed = false;
  int64_t last_step = 0;
};

std::string box_context(UserId user) {
  return fmt::format("second factor:{}", user.value());
}

Unexpected already_on() {
  return fail(ErrorCode::Conflict, "second_factor_on",
              "the account has a second factor already; remove it first");
}

/// Whether log-ins need it: it was confirmed.
Result<bool> is_on(store::Transaction& transaction, UserId user) {
  const auto rows = TRY(transaction.query(
      "select 1 from second_factors where owner_id = $1 and confirmed = 1", user));
  return !rows.empty();
}

Result<std::optional<SecondFactor>> find_factor(store::Transaction& transaction, UserId user,
                                                const crypto::Secret& token_key) {
  const auto rows = TRY(transaction.query(
      "select sealed_key, confirmed, last_step from second_factors where owner_id = $1", user));
  if (rows.empty()) return std::nullopt;
  const auto key = crypto::unseal(rows[0].blob(0), box_context(user),
                                  crypto::box_key_for(kKeyPurpose, token_key));
  if (!key) {
    return fail(
        ErrorCode::Corrupt, "second_factor_damaged",
        "the second factor of this account cannot be read (was token.key replaced?); whoever "
        "runs the server takes it away with `faceforge user reset-password`");
  }
  return SecondFactor{.key = crypto::Secret::copy_of(std::span<const std::byte>(*key)),
                      .is_confirmed = rows[0].boolean(1),
                      .last_step = rows[0].integer(2)};
}

/// As people may type it: spaces, hyphens and small letters do not count.
std::string without_spelling(std::string_view code) {
  std::string plain;
  for (const char c : code.substr(0, kMaxCode_characters)) {
    if (c == ' ' || c == '-') continue;
    plain += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return plain;
}

/// `ABCD-EFGH-IJKL-MNOP`
std::string new_recovery_code() {
  const std::string plain = crypto::to_base32(crypto::Secret::random(kRecoveryCode_bytes));
  std::string code;
  for (size_t at = 0; at < plain.size(); at += kRecoveryCodePart_characters) {
    if (at > 0) code += '-';
    code += plain.substr(at, kRecoveryCodePart_characters);
  }
  return code;
}

/// What wrong codes of a session are counted under, beside its wrong passwords: a right password
/// must not make the next codes free.
std::string codes_of(const Principal& principal) {
  return fmt::format("{} codes", principal.session.value_or(SessionId(0)).value());
}

Result<void> take_step(store::Transaction& transaction, UserId user, int64_t step) {
  TRY(transaction.execute(
      "update second_factors set confirmed = 1, last_step = $2 where owner_id = $1", user, step));
  return {};
}

}  // namespace

Result<void> delete_second_factor(store::Transaction& transaction, UserId user) {
  TRY(transaction.execute("delete from second_factors where owner_id = $1", user));
  TRY(transaction.execute("delete from recovery_codes where owner_id = $1", user));
  return {};
}

Result<void> Accounts::State::check_second_factor(store::Transaction& transaction, UserId user,
                                                  std::optional<std::string_view> code) const {
  // Before its key is read: one that was only begun locks nobody out, readable or not.
  const bool is_needed = TRY(is_on(transaction, user));
  if (!is_needed) return {};
  const auto factor = TRY(find_factor(transaction, user, token_key));
  if (!code) {
    return fail(ErrorCode::Unauthenticated, "second_factor_needed",
                "enter the code of your authenticator, or a recovery code");
  }
  const std::string plain = without_spelling(*code);
  const auto step =
      crypto::matching_totp_step(factor->key, plain, clock.now_ms(), factor->last_step);
  if (step) return take_step(transaction, user, *step);
  const auto used =
      TRY(transaction.execute("delete from recovery_codes where owner_id = $1 and code_hash = $2",
                              user, stored_form(TokenUse::RecoveryCode, plain)));
  if (used > 0) return {};
  return fail(ErrorCode::Unauthenticated, "second_factor_wrong",
              "the code is wrong, or was used already; wait for the next one");
}

Result<void> Accounts::State::admit_code(const Principal& principal,
                                         std::optional<std::string_view> code) {
  if (!code) return {};
  return confirmations.admit(codes_of(principal), "login_throttled");
}

void Accounts::State::forget_codes(const Principal& principal) {
  confirmations.forget(codes_of(principal));
}

Result<void> Accounts::State::confirm_code(store::Transaction& transaction, UserId user,
                                           std::optional<std::string_view> code) const {
  const auto checked = check_second_factor(transaction, user, code);
  if (checked || checked.error().code != ErrorCode::Unauthenticated) return checked;
  return fail(ErrorCode::Forbidden, checked.error().reason, "{}", checked.error().message);
}

Result<std::vector<std::string>> Accounts::State::replace_recovery_codes(
    store::Transaction& transaction, UserId user) const {
  TRY(transaction.execute("delete from recovery_codes where owner_id = $1", user));
  std::vector<std::string> codes;
  for (int made = 0; made < kRecoveryCodeCount; ++made) {
    codes.push_back(new_recovery_code());
    TRY(transaction.execute("insert into recovery_codes (owner_id, code_hash) values ($1, $2)",
                            user,
                            stored_form(TokenUse::RecoveryCode, without_spelling(codes.back()))));
  }
  return codes;
}

Result<SecondFactorState> Accounts::second_factor(const Principal& principal) {
  return state_->database->read([&](store::Transaction& transaction) -> Result<SecondFactorState> {
    const bool on = TRY(is_on(transaction, principal.user.id));
    const auto codes = TRY(transaction.query(
        "select count(*) from recovery_codes where owner_id = $1", principal.user.id));
    return SecondFactorState{.is_on = on, .recovery_code_count = codes[0].integer(0)};
  });
}

Result<std::string> Accounts::begin_second_factor(const Principal& principal,
                                                  std::string_view password) {
  TRY(state_->confirm_password(principal, password));
  const crypto::Secret key = crypto::Secret::random(crypto::kTotpKey_bytes);
  const UserId user = principal.user.id;
  const auto sealed = crypto::seal(key.bytes(), box_context(user),
                                   crypto::box_key_for(kKeyPurpose, state_->token_key));
  const auto store_key = [&](store::Transaction& transaction) -> Result<void> {
    const auto changed = TRY(transaction.execute(
        "insert into second_factors (owner_id, sealed_key, confirmed, last_step)"
        " values ($1, $2, 0, 0) on conflict (owner_id) do update"
        " set sealed_key = excluded.sealed_key, last_step = 0 where second_factors.confirmed = 0",
        user, sealed));
    if (changed == 0) return already_on();
    return {};
  };
  TRY(state_->database->transact(store_key));
  return crypto::to_base32(key);
}

Result<std::vector<std::string>> Accounts::confirm_second_factor(const Principal& principal,
                                                                 std::string_view code,
                                                                 const Origin& origin) {
  TRY(principal.require(Scope::Account));
  const UserId user = principal.user.id;
  const std::string session = std::to_string(principal.session.value_or(SessionId(0)).value());
  TRY(state_->confirmations.admit(session, "login_throttled"));
  std::vector<std::string> codes;
  const auto confirm = [&](store::Transaction& transaction) -> Result<void> {
    const auto factor = TRY(find_factor(transaction, user, state_->token_key));
    if (!factor) {
      return fail(ErrorCode::Conflict, "second_factor_not_begun",
                  "there is no second factor to confirm; begin again");
    }
    if (factor->is_confirmed) return already_on();
    const auto step = crypto::matching_totp_step(factor->key, without_spelling(code),
                                                 state_->clock.now_ms(), factor->last_step);
    if (!step) {
      return fail(ErrorCode::Forbidden, "second_factor_wrong",
                  "the code is not that of the authenticator; is its clock right?");
    }
    TRY(take_step(transaction, user, *step));
    codes = TRY(state_->replace_recovery_codes(transaction, user));
    return state_->audit(transaction, user, audit_actor(principal), "second_factor_on", "", origin);
  };
  TRY(state_->database->transact(confirm));
  state_->confirmations.forget(session);
  return codes;
}

Result<std::vector<std::string>> Accounts::renew_recovery_codes(const Principal& principal,
                                                                std::string_view password,
                                                                std::string_view code,
                                                                const Origin& origin) {
  TRY(state_->confirm_password(principal, password));
  TRY(state_->admit_code(principal, code));
  const UserId user = principal.user.id;
  std::vector<std::string> codes;
  const auto renew = [&](store::Transaction& transaction) -> Result<void> {
    const bool on = TRY(is_on(transaction, user));
    if (!on) {
      return fail(ErrorCode::Conflict, "second_factor_off",
                  "the account has no second factor, and so no recovery codes");
    }
    TRY(state_->confirm_code(transaction, user, code));
    codes = TRY(state_->replace_recovery_codes(transaction, user));
    return state_->audit(transaction, user, audit_actor(principal), "recovery_codes_renewed", "",
                         origin);
  };
  TRY(state_->database->transact(renew));
  state_->forget_codes(principal);
  return codes;
}

Result<void> Accounts::remove_second_factor(const Principal& principal, std::string_view password,
                                            std::string_view code, const Origin& origin) {
  TRY(state_->confirm_password(principal, password));
  TRY(state_->admit_code(principal, code));
  const auto remove = [&](store::Transaction& transaction) -> Result<void> {
    TRY(state_->confirm_code(transaction, principal.user.id, code));
    TRY(delete_second_factor(transaction, principal.user.id));
    return state_->audit(transaction, principal.user.id, audit_actor(principal),
                         "second_factor_off", "", origin);
  };
  TRY(state_->database->transact(remove));
  state_->forget_codes(principal);
  return {};
}

}  // namespace faceforge::accounts
