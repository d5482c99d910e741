#include "accounts/audit.h"

#include <algorithm>

#include "accounts/internal/storable_text.h"

namespace faceforge::accounts {
namespace {

constexpr size_t kMaxEntries = 1000;

std::vector<AuditEntry> entries_of(const store::Rows& rows) {
  std::vector<AuditEntry> entries;
  entries.reserve(rows.size());
  for (const store::Row row : rows) {
    AuditEntry entry{.id = row.integer(0),
                     .at_ms = row.integer(1),
                     .actor = row.text(3),
                     .action = row.text(4),
                     .subject = row.text(5),
                     .address = row.text(6)};
    if (!row.is_null(2)) entry.owner = row.id<UserId>(2);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

std::string audit_actor(const Principal& principal) {
  const std::string user = fmt::format("user {}", principal.user.id.value());
  if (!principal.api_key) return user;
  return fmt::format("api key {} of {}", principal.api_key->value(), user);
}

Result<void> record(store::Transaction& transaction, const AuditEntry& entry) {
  TRY(transaction.execute(
      "insert into audit_entries (at_ms, owner_id, actor, action, subject, address) "
      "values ($1, $2, $3, $4, $5, $6)",
      entry.at_ms, entry.owner, internal::storable_text(entry.actor),
      internal::storable_text(entry.action), internal::storable_text(entry.subject),
      internal::storable_text(entry.address)));
  return {};
}

Result<std::vector<AuditEntry>> audit_of(store::Transaction& transaction, UserId owner,
                                         size_t limit, std::optional<int64_t> before_id) {
  const auto rows = TRY(transaction.query(
      "select id, at_ms, owner_id, actor, action, subject, address from audit_entries "
      "where owner_id = $1 and id < $2 order by id desc limit $3",
      owner, before_id.value_or(INT64_MAX), std::clamp<size_t>(limit, 1, kMaxEntries)));
  return entries_of(rows);
}

Result<std::vector<AuditEntry>> audit_of_all(store::Transaction& transaction, size_t limit,
                                             std::optional<int64_t> before_id) {
  const auto rows = TRY(transaction.query(
      "select id, at_ms, owner_id, actor, action, subject, address from audit_entries "
      "where id < $1 order by id desc limit $2",
      before_id.value_or(INT64_MAX), std::clamp<size_t>(limit, 1, kMaxEntries)));
  return entries_of(rows);
}

}  // namespace faceforge::accounts
