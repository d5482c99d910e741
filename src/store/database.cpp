#include "store/database.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "store/internal/background_turn.h"
#include "store/internal/connection.h"
#include "store/internal/pool.h"
#include "store/internal/shared_turn.h"

namespace faceforge::store {
namespace {

// The databases that this thread is in a transaction of, innermost first.
struct Inside {
  explicit Inside(const Database* entered) : database(entered), outer(innermost) {
    for (const Inside* other = outer; other != nullptr; other = other->outer) {
      CHECK_MSG(other->database != entered,
                "a transaction within another of the same database could wait for itself");
    }
    innermost = this;
  }
  ~Inside() { innermost = outer; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  const Database* database;
  const Inside* outer;
  static thread_local const Inside* innermost;
};
thread_local const Inside* Inside::innermost = nullptr;

bool is_transient(const Error& error) {
  return error.code == ErrorCode::Busy &&
         (error.reason == "database_busy" || error.reason == "database_unreachable");
}

// Doubles up to 256 ms; the random half keeps two rivals from meeting again and again.
void wait_before_attempt(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const int longest_ms = 1 << std::min(attempt, 8);
  std::uniform_int_distribution<int> choose(longest_ms / 2, longest_ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(choose(random)));
}

}  // namespace

Result<Dialect> dialect_of(const std::string& location) {
  if (location.empty() || location.find('\0') != std::string::npos) {
    return fail(ErrorCode::InvalidInput, "database_location",
                "a database is a file's path or a postgresql:// URL");
  }
  if (location.starts_with("postgresql://") || location.starts_with("postgres://")) {
    return Dialect::Postgres;
  }
  if (const size_t scheme_end = location.find("://"); scheme_end != std::string::npos) {
    // Taken for a path, it would become an empty database in a folder called `mysql:`.
    return fail(ErrorCode::InvalidInput, "database_location",
                "`{}:` is no kind of database that FaceForge knows: give a file's path or a "
                "postgresql:// URL",
                location.substr(0, scheme_end));
  }
  return Dialect::Sqlite;
}

std::string internal::sqlite_path(const std::string& location) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(location, error);
  const auto canonical = std::filesystem::weakly_canonical(absolute, error);
  return (error ? absolute : canonical).string();
}

template <typename T>
Result<T> Transaction::remember(Result<T> outcome) {
  if (!outcome) doomed_ = outcome.error();
  return outcome;
}

Result<void> Transaction::scan_with(std::string_view sql, const Visitor& visit,
                                    std::span<const Parameter> values) {
  if (doomed_) return Unexpected(*doomed_);
  TRY(remember(internal::check_parameters(sql, values)));
  TRY(remember(connection_.run(
      sql, values, [&](std::span<Value> row) -> Result<void> { return visit(Row(row)); })));
  return {};
}

Result<Rows> Transaction::query_with(std::string_view sql, std::span<const Parameter> values) {
  if (doomed_) return Unexpected(*doomed_);
  TRY(remember(internal::check_parameters(sql, values)));
  size_t column_count = 0;
  std::vector<Value> cells;
  TRY(remember(connection_.run(sql, values, [&](std::span<Value> row) -> Result<void> {
    column_count = row.size();
    if (cells.size() / column_count >= kMaxQueryRows) {
      return fail(ErrorCode::TooLarge, "too_many_rows", "a query found more than {} rows",
                  kMaxQueryRows);
    }
    std::ranges::move(row, std::back_inserter(cells));
    return {};
  })));
  return Rows(column_count, std::move(cells));
}

Result<int64_t> Transaction::execute_with(std::string_view sql, std::span<const Parameter> values) {
  if (doomed_) return Unexpected(*doomed_);
  TRY(remember(internal::check_parameters(sql, values)));
  return remember(
      connection_.run(sql, values, [](std::span<Value>) -> Result<void> { return {}; }));
}

Result<void> Transaction::execute_script(const std::string& sql) {
  if (doomed_) return Unexpected(*doomed_);
  return remember(connection_.run_script(sql));
}

Dialect Transaction::dialect() const {
  return connection_.dialect();
}

Database::Database(Dialect dialect, const OpenOptions& options)
    : dialect_(dialect), options_(options), forgetting_(std::make_unique<internal::SharedTurn>()) {
  const auto capacity = static_cast<size_t>(options.connection_count_max);
  const auto wait_max = options.wait_max;
  const std::string location = options.location;
  if (dialect == Dialect::Postgres) {
    readers_ = std::make_shared<internal::Pool>(
        capacity, wait_max, [=] { return internal::open_postgres(location, wait_max); });
    writers_ = readers_;
    vacuuming_ = std::make_unique<internal::BackgroundTurn>([this] {
      if (const auto forgotten = forget_now(); !forgotten) {
        log::warning("deleted rows are not vacuumed yet: {}", forgotten.error().message);
      }
    });
    return;
  }
  const auto connect = [=](internal::Mode mode) {
    return [=] { return internal::open_sqlite(location, mode, wait_max); };
  };
  readers_ =
      std::make_shared<internal::Pool>(capacity, wait_max, connect(internal::Mode::ReadOnly));
  writers_ = std::make_shared<internal::Pool>(1, wait_max, connect(internal::Mode::ReadWrite));
}

Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::open(const OpenOptions& options) {
  CHECK(options.connection_count_max > 0);
  const Dialect dialect = TRY(dialect_of(options.location));
  OpenOptions opened = options;
  if (dialect == Dialect::Sqlite) {
    opened.location = internal::sqlite_path(options.location);
    TRY(internal::prepare_sqlite_file(opened.location));
  }
  const std::shared_ptr<Database> database(new Database(dialect, opened));
  // The first connection tells whether the database is there at all.
  TRY(database->writers_->lease());
  return database;
}

Result<void> Database::attempt(Access access, const Body& body) {
  auto& pool = access == Access::Read ? *readers_ : *writers_;
  auto connection = TRY(pool.lease());
  const auto mode = access == Access::Read ? internal::Mode::ReadOnly : internal::Mode::ReadWrite;
  if (auto begun = connection->begin(mode); !begun) {
    connection->roll_back();
    return begun;
  }
  // Rolls back whatever was not committed, also when an exception passes through.
  const auto roll_back = [](internal::Connection* open) { open->roll_back(); };
  std::unique_ptr<internal::Connection, decltype(roll_back)> open(&*connection, roll_back);
  Transaction transaction(*connection);
  TRY(body(transaction));
  if (transaction.doomed_) return Unexpected(*transaction.doomed_);
  TRY(connection->commit());
  open.release();
  return {};
}

Result<void> Database::run_body(Access access, const Body& body) {
  const Inside inside(this);
  const auto give_up_at = std::chrono::steady_clock::now() + options_.wait_max;
  int lost_count = 0;
  for (int number = 1;; ++number) {
    auto outcome = attempt(access, body);
    if (outcome || !is_transient(outcome.error())) return outcome;
    // When one connection is lost, the idle ones are most likely lost with it.
    const bool is_lost = outcome.error().reason == "database_unreachable";
    if (is_lost) readers_->close_idle();
    if (is_lost && ++lost_count == kAttemptsMaxWhenLost) return outcome;
    if (std::chrono::steady_clock::now() >= give_up_at) return outcome;
    wait_before_attempt(number);
  }
}

Result<void> Database::forget_deleted() {
  if (vacuuming_ == nullptr) return forgetting_->run([&] { return forget_now(); });
  vacuuming_->ask();
  return {};
}

Result<void> Database::forget_now() {
  std::set<std::string> tables;
  {
    const std::scoped_lock lock(tables_mutex_);
    tables = tables_;
  }
  auto connection = TRY(writers_->lease());
  return connection->forget_deleted(tables);
}

void Database::add_tables(std::span<const std::string> names) {
  const std::scoped_lock lock(tables_mutex_);
  tables_.insert(names.begin(), names.end());
}

Result<void> examine(const std::string& location) {
  if (TRY(dialect_of(location)) == Dialect::Sqlite) {
    return internal::examine_sqlite_file(internal::sqlite_path(location));
  }
  TRY(internal::open_postgres(location, OpenOptions{}.wait_max));
  return {};
}

}  // namespace faceforge::store
