#include "accounts/accounts.h"

namespace faceforge::accounts {

std::vector<store::Migration> migrations() {
  return {
      {.module = "accounts", .version = 1, .name = "users, sessions, API keys, audit", .sql = R"(
create table users (
  id {INTEGER} primary key references owners(id) on delete cascade,
  name {TEXT} not null,
  name_folded {TEXT} not null unique,
  role {TEXT} not null check (role in ('user', 'administrator')),
  password_hash {TEXT} not null,
  created_at_ms {INTEGER} not null
) {STRICT};

create table sessions (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  token_hash {TEXT} not null unique,
  created_at_ms {INTEGER} not null,
  last_seen_at_ms {INTEGER} not null,
  address {TEXT} not null,
  user_agent {TEXT} not null
) {STRICT};
create index sessions_by_owner on sessions (owner_id, last_seen_at_ms);

create table api_keys (
  id {ID},
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  label {TEXT} not null,
  scopes {TEXT} not null,
  key_hash {TEXT} not null unique,
  created_at_ms {INTEGER} not null,
  last_used_at_ms {INTEGER}
) {STRICT};
create index api_keys_by_owner on api_keys (owner_id);

-- Without an owner: what concerns the installation, or an account that is gone.
create table audit_entries (
  id {ID},
  at_ms {INTEGER} not null,
  owner_id {INTEGER} references owners(id) on delete cascade,
  actor {TEXT} not null,
  action {TEXT} not null,
  subject {TEXT} not null,
  address {TEXT} not null
) {STRICT};
create index audit_entries_by_owner on audit_entries (owner_id, id);
create index audit_entries_by_time on audit_entries (at_ms);
)"},
      {.module = "accounts", .version = 2, .name = "second factors", .sql = R"(
-- One a user: asked for once it is confirmed. last_step is that of the last code that was taken.
create table second_factors (
  owner_id {INTEGER} primary key references owners(id) on delete cascade,
  sealed_key {BLOB} not null,
  confirmed {INTEGER} not null,
  last_step {INTEGER} not null
) {STRICT};

create table recovery_codes (
  owner_id {INTEGER} not null references owners(id) on delete cascade,
  code_hash {TEXT} not null,
  primary key (owner_id, code_hash)
) {STRICT};
)"}};
}

}  // namespace faceforge::accounts
