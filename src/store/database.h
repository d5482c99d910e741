#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "store/rows.h"
#include "store/value.h"

namespace faceforge::store {

namespace internal {
class BackgroundTurn;
class Connection;
class Pool;
class SharedTurn;
}  // namespace internal

enum class Dialect { Sqlite, Postgres };

/// Which of them a location names: a `postgresql://` (or `postgres://`) URL, or a file's path.
///
/// fails: invalid_input/database_location for nothing, and for another kind of URL
[[nodiscard]] Result<Dialect> dialect_of(const std::string& location);

/// More rows than this at once are an error; `Transaction::scan` has no such limit.
inline constexpr size_t kMaxQueryRows = 1'000'000;

/// Statements within one transaction. Placeholders are `$1`, `$2`, ... on both databases;
/// `returning` and `on conflict` work on both. Use one transaction from one thread.
///
/// The first failed statement dooms the transaction, on both databases: every later statement
/// answers the same error, and it is rolled back whatever its function returns. Where a duplicate
/// is expected, write `on conflict do nothing` and look at the count.
///
/// fails (every statement):
///   already_exists/unique_violated      naming the columns as `table.column`
///   conflict/foreign_key_violated       the other row is gone, or this one is still referred to
///   invalid_input/constraint_violated   a `check` or `not null` of the table
///   invalid_input/text_not_utf8, text_with_nul, real_not_finite  an argument that one of the two
///                                       databases cannot keep
///   busy/database_busy                  another writer was in the way (retried by `transact`)
///   busy/database_unreachable           the connection was lost (retried by `transact`)
///   exhausted/database_full             no room left on the disk
///   forbidden/database_read_only        the file or the transaction may not be written
///   corrupt/database_corrupt            the file is damaged
///   too_large/value_too_large           an argument over the database's own limit
///   internal/database_error             anything else: a mistake in the statement
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Runs one statement and returns all its rows.
  ///
  /// fails: too_large/too_many_rows beyond `kMaxQueryRows`; see the class
  template <typename... Values>
  [[nodiscard]] Result<Rows> query(std::string_view sql, const Values&... values) {
    const std::array<Parameter, sizeof...(Values)> parameters{Parameter(values)...};
    return query_with(sql, parameters);
  }

  /// Runs one statement and returns how many rows it inserted, updated or deleted (without those
  /// that a foreign key cascaded to).
  ///
  /// fails: see the class
  template <typename... Values>
  [[nodiscard]] Result<int64_t> execute(std::string_view sql, const Values&... values) {
    const std::array<Parameter, sizeof...(Values)> parameters{Parameter(values)...};
    return execute_with(sql, parameters);
  }

  /// What a scan does with a row: `{}` goes on, an error ends the scan with it. The row is valid
  /// only during the call, and the visitor may not run other statements of this transaction.
  using Visitor = std::function<Result<void>(const Row&)>;

  /// Runs one statement and visits its rows one by one, holding only one of them in memory: for
  /// results as large as a gallery's embeddings.
  ///
  /// fails: what the visitor returns; see the class
  template <typename... Values>
  [[nodiscard]] Result<void> scan(std::string_view sql, const Visitor& visit,
                                  const Values&... values) {
    const std::array<Parameter, sizeof...(Values)> parameters{Parameter(values)...};
    return scan_with(sql, visit, parameters);
  }

  /// As above, with the arguments in a list.
  [[nodiscard]] Result<Rows> query_with(std::string_view sql, std::span<const Parameter> values);
  [[nodiscard]] Result<int64_t> execute_with(std::string_view sql,
                                             std::span<const Parameter> values);
  [[nodiscard]] Result<void> scan_with(std::string_view sql, const Visitor& visit,
                                       std::span<const Parameter> values);

  /// Runs several statements, separated by `;` and without arguments: for migrations.
  [[nodiscard]] Result<void> execute_script(const std::string& sql);

  [[nodiscard]] Dialect dialect() const;

 private:
  friend class Database;
  explicit Transaction(internal::Connection& connection) : connection_(connection) {}

  template <typename T>
  Result<T> remember(Result<T> outcome);

  internal::Connection& connection_;
  std::optional<Error> doomed_;
};

struct OpenOptions {
  /// A file's path (made when missing, with its folder), or a `postgresql://` URL.
  std::string location;
  /// Open connections at most; further transactions wait for one.
  int connection_count_max = 8;
  /// How long a transaction waits for a connection, another writer or a lock before
  /// busy/database_busy.
  std::chrono::milliseconds wait_max{10'000};
};

/// A database that is open. Thread safe; holds a pool of connections. Everything goes through
/// `transact` and `read`; a transaction inside another of the same database and thread is a bug (a
/// CHECK), because it could wait for itself.
class Database {
 public:
  /// Opens SQLite or PostgreSQL.
  ///
  /// SQLite: file mode 0600 in a folder of mode 0700, write-ahead log, foreign keys, full
  /// synchronization (what was acknowledged survives a power cut), deleted content overwritten, and
  /// its integrity checked first. PostgreSQL: serializable transactions, lost connections replaced.
  ///
  /// fails: corrupt/database_corrupt; forbidden/database_read_only (file or folder);
  ///        exhausted/database_full; busy/database_unreachable; invalid_input/database_location
  /// cost:  SQLite reads the whole file once when its last user did not close it in order
  [[nodiscard]] static Result<std::shared_ptr<Database>> open(const OpenOptions& options);

  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Calls `work(transaction)`, which returns a `Result`: a value commits, an error rolls back and
  /// is returned. Transactions are serializable. When another writer was in the way, `work` runs
  /// again until `wait_max` is over; an attempt that begins before may itself wait as long again
  /// for a lock. Where the connection is lost before the commit, that is borne up to
  /// `kAttemptsMaxWhenLost` times. `work` may have no effects outside the transaction that cannot
  /// be repeated.
  ///
  /// fails: what `work` returns; busy/database_busy; busy/database_unreachable;
  ///        conflict/commit_outcome_unknown when the connection was lost during the commit
  template <typename Work>
  [[nodiscard]] auto transact(Work&& work) -> std::invoke_result_t<Work&, Transaction&> {
    return run<std::invoke_result_t<Work&, Transaction&>>(Access::Write, work);
  }

  /// Calls `work(transaction)` on a read-only snapshot: everything it reads is of one moment. Never
  /// waits for writers.
  ///
  /// fails: what `work` returns; forbidden/database_read_only when it writes
  template <typename Work>
  [[nodiscard]] auto read(Work&& work) -> std::invoke_result_t<Work&, Transaction&> {
    return run<std::invoke_result_t<Work&, Transaction&>>(Access::Read, work);
  }

  static constexpr int kAttemptsMaxWhenLost = 10;

  /// Makes what was deleted unrecoverable from the database's files as far as the database allows.
  /// Call it after deleting photos, people or accounts. SQLite overwrites deleted rows at once;
  /// this writes its log back and empties it. PostgreSQL: has the tables that were made here (see
  /// `add_tables`) vacuumed in the background, after which the space is reused; its write-ahead log
  /// and backups are the operator's (docs/privacy.md). A vacuum that fails is logged; the next one
  /// makes up for it.
  ///
  /// fails: busy/database_busy when readers kept the log in use for longer than `wait_max`
  [[nodiscard]] Result<void> forget_deleted();

  /// Names tables that belong to this program; `migrate` does it for those that its steps make.
  void add_tables(std::span<const std::string> names);

  [[nodiscard]] Dialect dialect() const { return dialect_; }

 private:
  enum class Access { Read, Write };

  Database(Dialect dialect, const OpenOptions& options);

  using Body = std::function<Result<void>(Transaction&)>;
  [[nodiscard]] Result<void> run_body(Access access, const Body& body);
  [[nodiscard]] Result<void> attempt(Access access, const Body& body);
  [[nodiscard]] Result<void> forget_now();

  template <typename Outcome, typename Work>
  Outcome run(Access access, Work& work) {
    std::optional<Outcome> outcome;
    auto finished = run_body(access, [&](Transaction& transaction) -> Result<void> {
      outcome.emplace(work(transaction));
      if (!*outcome) return Unexpected(outcome->error());
      return {};
    });
    if (!finished) return Unexpected(std::move(finished).error());
    return *std::move(outcome);
  }

  const Dialect dialect_;
  const OpenOptions options_;
  // SQLite has one writer at a time: waiting for it in line is fairer than polling its lock.
  // PostgreSQL's readers and writers share one pool.
  std::shared_ptr<internal::Pool> readers_;
  std::shared_ptr<internal::Pool> writers_;
  // Many deletions at once ask to forget once.
  std::unique_ptr<internal::SharedTurn> forgetting_;
  std::mutex tables_mutex_;
  std::set<std::string> tables_;
  std::unique_ptr<internal::BackgroundTurn> vacuuming_;  // ends first: it uses all of the above
};

/// Looks whether a database that is there would open, checks all of a SQLite file whatever its
/// size, and changes nothing: no mode, no table, no log that was left.
///
/// in:    a location as `OpenOptions::location`
/// fails: as `Database::open`
/// cost:  reads the whole SQLite file; one connection on PostgreSQL
[[nodiscard]] Result<void> examine(const std::string& location);

}  // namespace faceforge::store
