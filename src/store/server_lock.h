#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace faceforge::store {

/// Makes this process the only server of a database until the end of the scope, however the process
/// ends: jobs and photos belong to one server. Other programs may use the database beside it.
///
/// SQLite: a lock on `FILE.server`, beside the database, whatever symbolic link names it.
/// PostgreSQL: an advisory lock of a connection of its own, one for each schema; it is gone with
/// the connection, so `keep` is called every few seconds.
class ServerLock {
 public:
  /// in:    a file's path or a `postgresql://` URL, as `OpenOptions::location`
  /// fails: conflict/database_in_use when another server has it, on PostgreSQL after 3 s
  ///        (the connection of one that was killed may outlive it for a moment); as
  ///        `Database::open`
  [[nodiscard]] static Result<ServerLock> take(const std::string& location);

  /// Takes it again where its connection was lost. Not thread safe.
  ///
  /// fails: conflict/database_in_use when another server took it meanwhile: this one is to end;
  ///        busy/database_unreachable: try again later
  /// cost:  one round trip on PostgreSQL, none on SQLite; about half a minute when the network
  /// drops
  ///        what is sent
  [[nodiscard]] Result<void> keep();

  ServerLock(ServerLock&& other) noexcept;
  ServerLock& operator=(ServerLock&&) = delete;
  ~ServerLock();

 private:
  class Holder;
  class FileHolder;
  class PostgresHolder;
  explicit ServerLock(std::unique_ptr<Holder> holder);

  std::unique_ptr<Holder> holder_;
};

}  // namespace faceforge::store
