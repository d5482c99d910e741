#include <algorithm>

#include "accounts/accounts.h"
#include "accounts/internal/state.h"
#include "base/log.h"
#include "base/unicode.h"
#include "crypto/hash.h"
#include "crypto/token.h"

namespace faceforge::accounts {
namespace {

constexpr size_t kMaxToken_bytes = 200;
constexpr size_t kMaxLabel_characters = 100;
constexpr std::string_view kApiKeyPrefix = "ffk_";  // so that one that leaked is recognized

// Written at most this often, so that not every request becomes a write.
constexpr std::chrono::milliseconds kSeenEvery = std::chrono::minutes(1);

Unexpected session_unknown() {
  return fail(ErrorCode::Unauthenticated, "session_unknown", "log in: there is no such session");
}

Result<std::string> parse_label(std::string_view label) {
  const auto composed = to_nfc(label.substr(0, 4 * kMaxLabel_characters + 1));
  const auto characters = composed ? to_code_points(*composed) : std::nullopt;
  const bool has_control = characters && std::ranges::any_of(*characters, [](char32_t c) {
                             return kind_of(c) == CharacterKind::Control;
                           });
  if (!characters || characters->empty() || characters->size() > kMaxLabel_characters ||
      has_control) {
    return fail(ErrorCode::InvalidInput, "api_key_label",
                "an API key's label has 1 to {} characters of UTF-8, none of them a control "
                "character",
                kMaxLabel_characters);
  }
  return *composed;
}

// A failure to note a visit is no reason to turn the visitor away.
void note(store::Database& database, std::string_view sql, UnixTime_ms now_ms, int64_t id) {
  const auto noted = database.transact(
      [&](store::Transaction& transaction) { return transaction.execute(sql, now_ms, id); });
  if (!noted) log::warning("a visit was not noted: {}", noted.error().message);
}

}  // namespace

Result<Authenticated> Accounts::authenticate_session(std::string_view session_token) {
  if (session_token.size() > kMaxToken_bytes) return session_unknown();
  const auto hash = state_->stored_form(TokenUse::Session, session_token);
  const auto rows = TRY(state_->database->read([&](store::Transaction& transaction) {
    return transaction.query(
        "select u.id, u.name, u.role, u.created_at_ms, s.id, s.created_at_ms, s.last_seen_at_ms "
        "from sessions s join users u on u.id = s.owner_id where s.token_hash = $1",
        hash);
  }));
  if (rows.empty()) return session_unknown();
  const store::Row row = rows[0];
  const auto id = row.id<SessionId>(4);
  if (state_->is_expired(row.integer(5), row.integer(6))) {
    TRY(state_->database->transact([&](store::Transaction& transaction) {
      return transaction.execute("delete from sessions where id = $1", id);
    }));
    return fail(ErrorCode::Unauthenticated, "session_expired", "log in: the session has expired");
  }
  const UnixTime_ms now_ms = state_->clock.now_ms();
  if (now_ms - row.integer(6) >= kSeenEvery.count()) {
    note(*state_->database, "update sessions set last_seen_at_ms = $1 where id = $2", now_ms,
         id.value());
  }
  return Authenticated{
      .principal = {.user = user_of(row, 0), .scopes = Scopes::all(), .session = id},
      .csrf_token = state_->stored_form(TokenUse::Csrf, session_token)};
}

Result<Principal> Accounts::authenticate_api_key(std::string_view key) {
  const auto unknown = [] {
    return fail(ErrorCode::Unauthenticated, "api_key_unknown", "there is no such API key");
  };
  if (key.size() > kMaxToken_bytes) return unknown();
  const auto hash = state_->stored_form(TokenUse::ApiKey, key);
  const auto rows = TRY(state_->database->read([&](store::Transaction& transaction) {
    return transaction.query(
        "select u.id, u.name, u.role, u.created_at_ms, k.id, k.scopes, k.last_used_at_ms "
        "from api_keys k join users u on u.id = k.owner_id where k.key_hash = $1",
        hash);
  }));
  if (rows.empty()) return unknown();
  const store::Row row = rows[0];
  const UnixTime_ms now_ms = state_->clock.now_ms();
  if (now_ms - row.integer_or_null(6).value_or(0) >= kSeenEvery.count()) {
    note(*state_->database, "update api_keys set last_used_at_ms = $1 where id = $2", now_ms,
         row.integer(4));
  }
  const auto scopes = TRY(Scopes::parse(row.text(5)));
  return Principal{.user = user_of(row, 0), .scopes = scopes, .api_key = row.id<ApiKeyId>(4)};
}

Result<void> Accounts::check_csrf(std::string_view session_token,
                                  std::string_view csrf_token) const {
  const auto expected = state_->stored_form(TokenUse::Csrf, session_token);
  if (crypto::equal_in_constant_time(expected, csrf_token)) return {};
  return fail(ErrorCode::Forbidden, "csrf_token_wrong",
              "the request does not carry the token of its session");
}

Result<void> Accounts::log_out(const Principal& principal, const Origin& origin) {
  if (!principal.session) return {};
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    const auto ended =
        TRY(transaction.execute("delete from sessions where id = $1 and owner_id = $2",
                                *principal.session, principal.user.id));
    if (ended == 0) return {};
    return state_->audit(transaction, principal.user.id, audit_actor(principal), "logged_out", "",
                         origin);
  });
}

Result<std::vector<SessionInfo>> Accounts::sessions(const Principal& principal) {
  const auto rows = TRY(state_->database->read([&](store::Transaction& transaction) {
    return transaction.query(
        "select id, created_at_ms, last_seen_at_ms, address, user_agent from sessions "
        "where owner_id = $1 order by last_seen_at_ms desc, id desc",
        principal.user.id);
  }));
  std::vector<SessionInfo> sessions;
  for (const store::Row row : rows) {
    if (state_->is_expired(row.integer(1), row.integer(2))) continue;
    sessions.push_back({.id = row.id<SessionId>(0),
                        .created_at_ms = row.integer(1),
                        .last_seen_at_ms = row.integer(2),
                        .address = row.text(3),
                        .user_agent = row.text(4)});
  }
  return sessions;
}

Result<void> Accounts::end_session(const Principal& principal, SessionId session,
                                   const Origin& origin) {
  TRY(principal.require(Scope::Account));
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    const auto ended = TRY(transaction.execute(
        "delete from sessions where id = $1 and owner_id = $2", session, principal.user.id));
    if (ended == 0) {
      return fail(ErrorCode::NotFound, "session_not_found", "there is no session {}",
                  session.value());
    }
    return state_->audit(transaction, principal.user.id, audit_actor(principal), "session_ended",
                         fmt::format("session {}", session.value()), origin);
  });
}

Result<CreatedApiKey> Accounts::create_api_key(const Principal& principal, std::string_view label,
                                               Scopes scopes, const Origin& origin) {
  TRY(principal.require(Scope::Account));
  const std::string composed = TRY(parse_label(label));
  if (scopes.empty() || scopes.has(Scope::Account)) {
    return fail(ErrorCode::InvalidInput, "api_key_scopes",
                "an API key has at least one of the scopes read, recognize and manage");
  }
  const std::string key = fmt::format("{}{}", kApiKeyPrefix, crypto::random_token());
  const UnixTime_ms now_ms = state_->clock.now_ms();
  return state_->database->transact([&](store::Transaction& transaction) -> Result<CreatedApiKey> {
    const auto count = TRY(transaction.query("select count(*) from api_keys where owner_id = $1",
                                             principal.user.id))[0]
                           .integer(0);
    if (std::cmp_greater_equal(count, state_->options.api_keys_per_user_max)) {
      return fail(ErrorCode::Conflict, "too_many_api_keys",
                  "there are {} API keys already; revoke one first", count);
    }
    const auto rows = TRY(
        transaction.query("insert into api_keys (owner_id, label, scopes, key_hash, created_at_ms) "
                          "values ($1, $2, $3, $4, $5) returning id",
                          principal.user.id, composed, scopes.text(),
                          state_->stored_form(TokenUse::ApiKey, key), now_ms));
    const auto id = rows[0].id<ApiKeyId>(0);
    TRY(state_->audit(transaction, principal.user.id, audit_actor(principal), "api_key_created",
                      fmt::format("api key {}", id.value()), origin));
    return CreatedApiKey{
        .info = {.id = id, .label = composed, .scopes = scopes, .created_at_ms = now_ms},
        .key = key};
  });
}

Result<std::vector<ApiKeyInfo>> Accounts::api_keys(const Principal& principal) {
  const auto rows = TRY(state_->database->read([&](store::Transaction& transaction) {
    return transaction.query(
        "select id, label, scopes, created_at_ms, last_used_at_ms from api_keys "
        "where owner_id = $1 order by id",
        principal.user.id);
  }));
  std::vector<ApiKeyInfo> keys;
  for (const store::Row row : rows) {
    const auto scopes = TRY(Scopes::parse(row.text(2)));
    keys.push_back({.id = row.id<ApiKeyId>(0),
                    .label = row.text(1),
                    .scopes = scopes,
                    .created_at_ms = row.integer(3),
                    .last_used_at_ms = row.integer_or_null(4)});
  }
  return keys;
}

Result<void> Accounts::revoke_api_key(const Principal& principal, ApiKeyId key,
                                      const Origin& origin) {
  TRY(principal.require(Scope::Account));
  return state_->database->transact([&](store::Transaction& transaction) -> Result<void> {
    const auto revoked = TRY(transaction.execute(
        "delete from api_keys where id = $1 and owner_id = $2", key, principal.user.id));
    if (revoked == 0) {
      return fail(ErrorCode::NotFound, "api_key_not_found", "there is no API key {}", key.value());
    }
    return state_->audit(transaction, principal.user.id, audit_actor(principal), "api_key_revoked",
                         fmt::format("api key {}", key.value()), origin);
  });
}

}  // namespace faceforge::accounts
