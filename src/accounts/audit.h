#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "accounts/user.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace faceforge::accounts {

/// One line of the audit log: who did what to what, when and from where. Never a photo, an
/// embedding, a similarity, a password or a key.
struct AuditEntry {
  int64_t id = 0;
  UnixTime_ms at_ms = 0;
  std::optional<UserId> owner{};  ///< whose account it concerns; nothing: the installation's
  std::string actor{};            ///< `user 17`, `api key 4 of user 17`, `command line`, `nobody`
  std::string action{};           ///< a slug: `logged_in`, `login_failed`, `person_deleted`, ...
  std::string subject{};          ///< what was acted on: `gallery 3`; at most 200 bytes are kept
  std::string address{};          ///< from where; empty for the command line
};

/// How a principal is named in the audit log.
[[nodiscard]] std::string audit_actor(const Principal& principal);

/// Adds a line within the transaction of what it reports, so that neither is there without the
/// other. `id` is ignored.
///
/// fails: see `store::Transaction`
[[nodiscard]] Result<void> record(store::Transaction& transaction, const AuditEntry& entry);

/// The newest `limit` (1 to 1000, or else the nearest of them) lines about a user's account, newest
/// first; with `before_id`, those older than that line.
[[nodiscard]] Result<std::vector<AuditEntry>> audit_of(store::Transaction& transaction,
                                                       UserId owner, size_t limit,
                                                       std::optional<int64_t> before_id = {});

/// The same for the whole installation: for administrators.
[[nodiscard]] Result<std::vector<AuditEntry>> audit_of_all(store::Transaction& transaction,
                                                           size_t limit,
                                                           std::optional<int64_t> before_id = {});

}  // namespace faceforge::accounts
