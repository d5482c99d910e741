#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "base/log.h"
#include "store/internal/connection.h"
#include "store/internal/postgres_error.h"
#include "store/internal/postgres_value.h"

namespace faceforge::store::internal {
namespace {

// Identity columns, `generated`, and shortest exact floats are all there since then.
constexpr int kMinServerVersion = 120000;
constexpr int kBinary = 1;

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeCancel {
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
};
struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using ConnectionPtr = std::unique_ptr<PGconn, CloseConnection>;
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

bool is_success(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_EMPTY_QUERY:
      return true;
    default:
      return false;
  }
}

// What the server remarks goes to our log, not to its own place on standard error.
void log_notice(void*, const PGresult* notice) {
  const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  if (message != nullptr) log::debug("PostgreSQL: {}", message);
}

class PostgresConnection final : public Connection {
 public:
  explicit PostgresConnection(ConnectionPtr connection) : connection_(std::move(connection)) {}

  Dialect dialect() const override { return Dialect::Postgres; }
  bool is_usable() const override {
    return PQstatus(connection_.get()) == CONNECTION_OK &&
           PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
  }

  Result<void> begin(Mode mode) override {
    return run_script(mode == Mode::ReadOnly ? "begin isolation level repeatable read read only"
                                             : "begin isolation level serializable read write");
  }
  Result<void> commit() override;
  void roll_back() override {
    if (PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
    const ResultPtr ignored(PQexec(connection_.get(), "rollback"));
  }

  Result<int64_t> run(std::string_view sql, std::span<const Parameter> parameters,
                      const TakeRow& take_row) override;
  Result<void> run_script(const std::string& sql) override;
  Result<void> forget_deleted(const std::set<std::string>& tables) override;

 private:
  Unexpected failed(const PGresult* result) const {
    return Unexpected(postgres_error(connection_.get(), result));
  }
  Result<std::string> prepared(std::string_view sql, const PostgresArguments& arguments);
  Result<int64_t> take_results(const TakeRow& take_row);
  void drop_remaining_results();

  ConnectionPtr connection_;
  std::unordered_map<std::string, std::string> statement_names_;
};

Result<void> PostgresConnection::run_script(const std::string& sql) {
  const ResultPtr result(PQexec(connection_.get(), sql.c_str()));
  if (!is_success(result.get())) return failed(result.get());
  return {};
}

Result<void> PostgresConnection::commit() {
  const ResultPtr result(PQexec(connection_.get(), "commit"));
  if (is_success(result.get())) return {};
  Error error = postgres_error(connection_.get(), result.get());
  if (error.reason == "database_unreachable") {
    return fail(
        ErrorCode::Conflict, "commit_outcome_unknown",
        "the connection was lost while the change was being made permanent; look whether it "
        "was made, then decide again ({})",
        error.message);
  }
  return Unexpected(std::move(error));
}

Result<std::string> PostgresConnection::prepared(std::string_view sql,
                                                 const PostgresArguments& arguments) {
  std::string key = fmt::format("{}\n{}", arguments.signature(), sql);
  if (const auto found = statement_names_.find(key); found != statement_names_.end()) {
    return found->second;
  }
  if (statement_names_.size() >= kMaxPreparedStatements) {
    TRY(run_script("deallocate all"));
    statement_names_.clear();
  }
  std::string name = fmt::format("s{}", statement_names_.size());
  const ResultPtr result(PQprepare(connection_.get(), name.c_str(), std::string(sql).c_str(),
                                   arguments.count(), arguments.types()));
  if (!is_success(result.get())) return failed(result.get());
  statement_names_.emplace(std::move(key), name);
  return name;
}

Result<int64_t> PostgresConnection::run(std::string_view sql, std::span<const Parameter> parameters,
                                        const TakeRow& take_row) {
  const PostgresArguments arguments(parameters);
  const std::string name = TRY(prepared(sql, arguments));
  if (PQsendQueryPrepared(connection_.get(), name.c_str(), arguments.count(), arguments.values(),
                          arguments.lengths(), arguments.formats(), kBinary) == 0) {
    return failed(nullptr);
  }
  // Row by row: otherwise libpq would hold the whole result besides the one that is built from it.
  PQsetSingleRowMode(connection_.get());
  auto changed = take_results(take_row);
  if (!changed) drop_remaining_results();
  return changed;
}

Result<int64_t> PostgresConnection::take_results(const TakeRow& take_row) {
  std::vector<Value> values;
  int64_t changed = 0;
  while (true) {
    const ResultPtr result(PQgetResult(connection_.get()));
    if (result == nullptr) return changed;
    if (!is_success(result.get())) return failed(result.get());
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      values.resize(static_cast<size_t>(PQnfields(result.get())));
      for (size_t column = 0; column < values.size(); ++column) {
        values[column] = TRY(postgres_cell(result.get(), row, static_cast<int>(column)));
      }
      TRY(take_row(values));
    }
    // "select" counts too, as rows found; only changes are wanted.
    const std::string_view status(PQcmdStatus(result.get()));
    if (!status.empty() && !status.starts_with("SELECT")) {
      changed = std::strtoll(PQcmdTuples(result.get()), nullptr, 10);
    }
  }
}

void PostgresConnection::drop_remaining_results() {
  ResultPtr result(PQgetResult(connection_.get()));
  if (result == nullptr) return;
  const std::unique_ptr<PGcancel, FreeCancel> cancel(PQgetCancel(connection_.get()));
  char ignored[256];
  if (cancel != nullptr) PQcancel(cancel.get(), ignored, sizeof ignored);
  while (result != nullptr) result.reset(PQgetResult(connection_.get()));
}

// Other programs may have tables in the same schema: theirs are not our business.
Result<void> PostgresConnection::forget_deleted(const std::set<std::string>& tables) {
  std::vector<std::string> ours;
  TRY(
      run("select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
          "where n.nspname = current_schema() and c.relkind = 'r' order by c.relname",
          {}, [&](std::span<Value> row) -> Result<void> {
            auto table = std::get<std::string>(std::move(row[0]));
            if (tables.contains(table)) ours.push_back(std::move(table));
            return {};
          }));
  for (const std::string& table : ours) {
    const std::unique_ptr<char, FreeMemory> quoted(
        PQescapeIdentifier(connection_.get(), table.data(), table.size()));
    if (quoted == nullptr) return failed(nullptr);
    TRY(run_script(fmt::format("vacuum {}", quoted.get())));
  }
  return {};
}

Result<void> check_server(PGconn* connection) {
  if (PQserverVersion(connection) < kMinServerVersion) {
    return fail(ErrorCode::Unsupported, "database_version",
                "PostgreSQL {} is older than {}, the oldest that is supported",
                PQserverVersion(connection) / 10000, kMinServerVersion / 10000);
  }
  const char* encoding = PQparameterStatus(connection, "server_encoding");
  if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
    return fail(ErrorCode::Unsupported, "database_encoding",
                "the PostgreSQL database has the encoding {}; it must be UTF8",
                encoding == nullptr ? "?" : encoding);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Connection>> open_postgres(const std::string& url,
                                                  std::chrono::milliseconds wait_max) {
  // Checked first, because libpq's own words would repeat parts of a malformed URL.
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
      PQconninfoParse(url.c_str(), nullptr));
  if (parsed == nullptr) {
    return fail(ErrorCode::InvalidInput, "database_location",
                "the database's URL is malformed; it looks like "
                "postgresql://user@host:5432/database");
  }
  // What stands before the URL is a default that the URL may replace; what follows it is fixed.
  const std::string connect_timeout_s =
      std::to_string(std::max<int64_t>(2, wait_max.count() / 1000));
  // A server that vanished is missed within a minute, not within a quarter of an hour.
  const char* keywords[] = {"connect_timeout",
                            "application_name",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "dbname",
                            "client_encoding",
                            nullptr};
  const char* values[] = {connect_timeout_s.c_str(),
                          "faceforge",
                          "20",
                          "10",
                          "3",
                          "30000",
                          url.c_str(),
                          "UTF8",
                          nullptr};
  ConnectionPtr connection(PQconnectdbParams(keywords, values, 1));
  if (connection == nullptr) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "no memory for a connection to PostgreSQL");
  }
  PQsetNoticeReceiver(connection.get(), &log_notice, nullptr);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return Unexpected(postgres_error(connection.get(), nullptr));
  }
  TRY(check_server(connection.get()));
  auto opened = std::make_unique<PostgresConnection>(std::move(connection));
  TRY(opened->run_script(
      fmt::format("set lock_timeout = {}; set client_min_messages = warning", wait_max.count())));
  return opened;
}

}  // namespace faceforge::store::internal
