#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "store/internal/connection.h"

namespace faceforge::store::internal {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// "UNIQUE constraint failed: users.name_folded" -> "users.name_folded"
std::string_view after_colon(std::string_view message) {
  const size_t at = message.find(": ");
  return at == std::string_view::npos ? message : message.substr(at + 2);
}

Error constraint_error(int extended_code, std::string_view message) {
  switch (extended_code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return {ErrorCode::AlreadyExists, "unique_violated",
              fmt::format("there is already a row with this {}", after_colon(message))};
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return {ErrorCode::Conflict, "foreign_key_violated",
              "a row that this refers to is gone, or this one is still referred to"};
    default:
      return {ErrorCode::InvalidInput, "constraint_violated",
              fmt::format("the table does not take this row: {}", after_colon(message))};
  }
}

Error io_error(int system_error, std::string_view message) {
  // EFBIG: a limit of the file system or of the process, which is room too.
  if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG) {
    return {ErrorCode::Exhausted, "database_full",
            fmt::format("no room left for the database: {}", std::strerror(system_error))};
  }
  if (system_error == EACCES || system_error == EPERM || system_error == EROFS) {
    return {ErrorCode::Forbidden, "database_read_only",
            fmt::format("the database's file may not be written: {}", std::strerror(system_error))};
  }
  return {ErrorCode::Internal, "database_error",
          fmt::format("{} ({})", message, std::strerror(system_error))};
}

Error translate(int extended_code, std::string_view message, int system_error) {
  switch (extended_code & 0xff) {
    case SQLITE_CONSTRAINT:
      return constraint_error(extended_code, message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::Busy, "database_busy", fmt::format("the database is busy: {}", message)};
    case SQLITE_FULL:
      return {ErrorCode::Exhausted, "database_full", "no room left for the database"};
    case SQLITE_NOMEM:
      return {ErrorCode::Exhausted, "out_of_memory", "no memory left for the database"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorCode::Forbidden, "database_read_only",
              fmt::format("the database may not be written: {}", message)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::Corrupt, "database_corrupt",
              fmt::format("the database's file is damaged: {}", message)};
    case SQLITE_TOOBIG:
      return {ErrorCode::TooLarge, "value_too_large", std::string(message)};
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return io_error(system_error, message);
    default:
      return {ErrorCode::Internal, "database_error", std::string(message)};
  }
}

class SqliteConnection final : public Connection {
 public:
  explicit SqliteConnection(DatabasePtr database) : database_(std::move(database)) {}

  Dialect dialect() const override { return Dialect::Sqlite; }
  bool is_usable() const override { return true; }

  Result<void> begin(Mode mode) override {
    // A writer takes the lock first: upgrading later could fail in the middle.
    return run_script(mode == Mode::ReadOnly ? "begin" : "begin immediate");
  }
  Result<void> commit() override { return run_script("commit"); }
  void roll_back() override {
    // Some errors (a full disk) have rolled back already.
    if (sqlite3_get_autocommit(database_.get()) == 0) {
      sqlite3_exec(database_.get(), "rollback", nullptr, nullptr, nullptr);
    }
  }

  Result<int64_t> run(std::string_view sql, std::span<const Parameter> parameters,
                      const TakeRow& take_row) override;
  Result<void> run_script(const std::string& sql) override;
  Result<void> forget_deleted(const std::set<std::string>& tables) override;

  /// Leaves the log, with the changes in it, to whoever opens the database next.
  void keep_log() {
    sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }

  /// The first cell of a statement's first row as text; empty without one.
  Result<std::string> first_text(const char* sql);

 private:
  Unexpected last_error() const {
    return Unexpected(translate(sqlite3_extended_errcode(database_.get()),
                                sqlite3_errmsg(database_.get()),
                                sqlite3_system_errno(database_.get())));
  }
  Result<sqlite3_stmt*> prepared(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, std::span<const Parameter> parameters);
  Result<void> take_rows(sqlite3_stmt* statement, const TakeRow& take_row);

  DatabasePtr database_;
  std::unordered_map<std::string, StatementPtr> statements_;
};

Result<void> SqliteConnection::run_script(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return last_error();
  }
  return {};
}

Result<sqlite3_stmt*> SqliteConnection::prepared(std::string_view sql) {
  std::string key(sql);
  if (const auto found = statements_.find(key); found != statements_.end()) {
    return found->second.get();
  }
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), key.data(), static_cast<int>(key.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  StatementPtr statement(raw);
  if (code != SQLITE_OK) return last_error();
  // SQLite would silently leave out what follows the first statement.
  const std::string_view tail(rest, static_cast<size_t>(key.data() + key.size() - rest));
  if (statement == nullptr || tail.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return fail(ErrorCode::Internal, "database_error", "not exactly one statement: {}", sql);
  }
  if (statements_.size() >= kMaxPreparedStatements) statements_.clear();
  statements_.emplace(std::move(key), std::move(statement));
  return raw;
}

int bind_value(sqlite3_stmt* statement, int index, const Parameter::View& view) {
  // SQLITE_STATIC: what arguments view outlives the statement's run, and they are cleared after it.
  return std::visit(
      [&]<typename T>(const T& value) {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return sqlite3_bind_null(statement, index);
        } else if constexpr (std::is_same_v<T, int64_t>) {
          return sqlite3_bind_int64(statement, index, value);
        } else if constexpr (std::is_same_v<T, double>) {
          return sqlite3_bind_double(statement, index, value);
        } else {
          // A null pointer would be bound as null, but an empty view is an empty value.
          const auto* start = value.empty() ? "" : reinterpret_cast<const char*>(value.data());
          const auto size = static_cast<sqlite3_uint64>(value.size());
          if constexpr (std::is_same_v<T, std::string_view>) {
            return sqlite3_bind_text64(statement, index, start, size, SQLITE_STATIC, SQLITE_UTF8);
          } else {
            return sqlite3_bind_blob64(statement, index, start, size, SQLITE_STATIC);
          }
        }
      },
      view);
}

Result<void> SqliteConnection::bind(sqlite3_stmt* statement,
                                    std::span<const Parameter> parameters) {
  for (size_t number = 1; number <= parameters.size(); ++number) {
    // `$2` is a name to SQLite: its index is the order in which it first occurs.
    const int index = sqlite3_bind_parameter_index(statement, fmt::format("${}", number).c_str());
    if (index == 0) {
      return fail(ErrorCode::Internal, "database_error", "there is no ${} in: {}", number,
                  sqlite3_sql(statement));
    }
    if (bind_value(statement, index, parameters[number - 1].view()) != SQLITE_OK) {
      return last_error();
    }
  }
  return {};
}

Value column_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(start, static_cast<size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* start = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
      return Blob(start, start + sqlite3_column_bytes(statement, column));
    }
    default:
      return std::monostate{};
  }
}

Result<void> SqliteConnection::take_rows(sqlite3_stmt* statement, const TakeRow& take_row) {
  std::vector<Value> values(static_cast<size_t>(sqlite3_column_count(statement)));
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return last_error();
    for (size_t column = 0; column < values.size(); ++column) {
      values[column] = column_value(statement, static_cast<int>(column));
    }
    TRY(take_row(values));
  }
}

Result<int64_t> SqliteConnection::run(std::string_view sql, std::span<const Parameter> parameters,
                                      const TakeRow& take_row) {
  sqlite3_stmt* statement = TRY(prepared(sql));
  const auto finish = [](sqlite3_stmt* used) {
    sqlite3_reset(used);
    sqlite3_clear_bindings(used);
  };
  const std::unique_ptr<sqlite3_stmt, decltype(finish)> reset_at_end(statement, finish);
  TRY(bind(statement, parameters));
  const sqlite3_int64 total_before = sqlite3_total_changes64(database_.get());
  TRY(take_rows(statement, take_row));
  // sqlite3_changes still tells of an earlier statement when this one changed nothing.
  if (sqlite3_total_changes64(database_.get()) == total_before) return 0;
  return int64_t{sqlite3_changes64(database_.get())};
}

Result<void> SqliteConnection::forget_deleted(const std::set<std::string>&) {
  // Waits, as long as the busy timeout, for readers that still need the log.
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  if (code != SQLITE_OK) return last_error();
  return {};
}

Result<std::string> SqliteConnection::first_text(const char* sql) {
  std::string text;
  TRY(run(sql, {}, [&](std::span<Value> row) -> Result<void> {
    if (auto* found = std::get_if<std::string>(&row[0]); found && text.empty()) text = *found;
    return {};
  }));
  return text;
}

Result<std::unique_ptr<SqliteConnection>> connect(const std::string& path,
                                                  std::chrono::milliseconds wait_max) {
  sqlite3* raw = nullptr;
  // Each connection is used by one thread at a time, so SQLite's own mutex is not needed.
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  DatabasePtr database(raw);
  if (code != SQLITE_OK) {
    const int system_error = raw == nullptr ? 0 : sqlite3_system_errno(raw);
    return Unexpected(
        translate(code, fmt::format("{}: {}", path, sqlite3_errstr(code)), system_error));
  }
  sqlite3_busy_timeout(raw, static_cast<int>(wait_max.count()));
  return std::make_unique<SqliteConnection>(std::move(database));
}

// A file that may be written in a folder that may not would open, and fail at the first change.
Result<void> require_writable(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0 &&
      ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) {
    return {};
  }
  return fail(ErrorCode::Forbidden, "database_read_only",
              "{} and its folder must be writable by this user", path);
}

// The last connection that closes takes the log away. One that is there was left by a process that
// was cut off, or belongs to one that uses the database now.
bool ended_in_order(const std::string& path) {
  std::error_code error;
  const auto log_bytes = std::filesystem::file_size(path + "-wal", error);
  return error == std::errc::no_such_file_or_directory || (!error && log_bytes == 0);
}

Result<void> check_integrity(SqliteConnection& connection, const std::string& path) {
  const std::string found = TRY(connection.first_text("pragma quick_check(1)"));
  if (found == "ok") return {};
  return fail(ErrorCode::Corrupt, "database_corrupt",
              "{} is damaged ({}); restore it from a backup", path, found);
}

/// Takes away what others may do with the database's files where they are this user's: those that
/// were put back from a backup may be readable by everyone. By their names, because closing a
/// descriptor lets go of the locks that another connection of this process has on the file.
Result<void> close_to_others(const std::string& path) {
  for (const char* part : {"", "-wal", "-shm"}) {
    const std::string file = path + part;
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) {
      if (errno == ENOENT) continue;
      return Unexpected(io_error(errno, file));
    }
    const bool is_open = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    if (!S_ISREG(status.st_mode) || !is_open || status.st_uid != ::geteuid()) continue;
    // The log goes with the last connection that closes, at any moment.
    if (::chmod(file.c_str(), S_IRUSR | S_IWUSR) != 0 && errno != ENOENT) {
      return Unexpected(io_error(errno, file));
    }
  }
  return {};
}

constexpr std::chrono::seconds kCheckPatience{10};

}  // namespace

Result<void> prepare_sqlite_file(const std::string& path, uint64_t always_checked_max_bytes) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) return Unexpected(io_error(error.value(), folder.string()));
  if (!std::filesystem::exists(path, error)) {
    // Made here, not by SQLite, for its mode; the log's files take theirs from it.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (made < 0) return Unexpected(io_error(errno, path));
    ::close(made);
  }
  TRY(require_writable(path));
  const bool in_order = ended_in_order(path);
  const auto connection = TRY(connect(path, kCheckPatience));
  // Reads the first page: a file that is no database is someone else's, and keeps its mode.
  TRY(connection->run_script("pragma schema_version"));
  TRY(close_to_others(path));
  const auto size_bytes = std::filesystem::file_size(path, error);
  // Reading gigabytes at every start would find what a scrub of the disk finds better.
  if (!error && size_bytes > always_checked_max_bytes && in_order) return {};
  return check_integrity(*connection, path);
}

Result<void> examine_sqlite_file(const std::string& path) {
  TRY(require_writable(path));
  const bool in_order = ended_in_order(path);
  const auto connection = TRY(connect(path, kCheckPatience));
  // A log that was left there tells the next start to read the whole file.
  if (!in_order) connection->keep_log();
  return check_integrity(*connection, path);
}

Result<std::unique_ptr<Connection>> open_sqlite(const std::string& path, Mode mode,
                                                std::chrono::milliseconds wait_max) {
  auto connection = TRY(connect(path, wait_max));
  const std::string journal = TRY(connection->first_text("pragma journal_mode = wal"));
  if (journal != "wal") {
    return fail(ErrorCode::Unsupported, "database_without_wal",
                "{} cannot have a write-ahead log (got `{}`); is it on a network drive?", path,
                journal);
  }
  // secure_delete: deleted rows are overwritten. synchronous full: a commit is on the disk.
  TRY(connection->run_script(
      "pragma foreign_keys = on; pragma synchronous = full; pragma secure_delete = on;"
      "pragma trusted_schema = off; pragma cell_size_check = on;"));
  if (mode == Mode::ReadOnly) TRY(connection->run_script("pragma query_only = on"));
  return connection;
}

}  // namespace faceforge::store::internal
