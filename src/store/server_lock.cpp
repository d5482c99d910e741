#include "store/server_lock.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/file_lock.h"
#include "base/log.h"
#include "store/database.h"
#include "store/internal/connection.h"

namespace faceforge::store {
namespace {

constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::milliseconds kPoll{100};

// Any number that no other program's advisory locks are likely to have.
constexpr int64_t kAdvisoryClass = 0x46464C4B;

Unexpected in_use() {
  return fail(ErrorCode::Conflict, "database_in_use",
              "another faceforge serves this database; stop it, or choose another --database");
}

}  // namespace

class ServerLock::Holder {
 public:
  virtual ~Holder() = default;
  [[nodiscard]] virtual Result<void> keep() = 0;
};

class ServerLock::FileHolder final : public Holder {
 public:
  static Result<std::unique_ptr<Holder>> take(const std::filesystem::path& file) {
    auto lock = TRY(FileLock::try_take(file));
    if (!lock) return in_use();
    return std::unique_ptr<Holder>(new FileHolder(*std::move(lock)));
  }

  Result<void> keep() override { return {}; }

 private:
  explicit FileHolder(FileLock lock) : lock_(std::move(lock)) {}
  const FileLock lock_;
};

class ServerLock::PostgresHolder final : public Holder {
 public:
  static Result<std::unique_ptr<Holder>> take(const std::string& url) {
    auto holder = std::make_unique<PostgresHolder>(url);
    const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      const auto taken = holder->connect_and_lock();
      if (taken) return holder;
      const bool is_taken = taken.error().code == ErrorCode::Conflict;
      if (!is_taken || std::chrono::steady_clock::now() >= give_up_at) {
        return Unexpected(taken.error());
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
  explicit PostgresHolder(std::string url) : url_(std::move(url)) {}

  Result<void> keep() override {
    if (connection_ != nullptr && connection_->run_script("select 1")) return {};
    TRY(connect_and_lock());
    log::warning("the connection that keeps other servers away was lost, and is there again");
    return {};
  }

 private:
  Result<void> connect_and_lock() {
    connection_ = nullptr;
    auto connection = TRY(internal::open_postgres(url_, OpenOptions{}.wait_max));
    // A machine that vanished lets go of the lock within a minute, not within hours.
    TRY(
        connection->run_script("set tcp_keepalives_idle = 20; set tcp_keepalives_interval = 10;"
                               "set tcp_keepalives_count = 3"));
    bool is_ours = false;
    TRY(connection->run(
        "select case when pg_try_advisory_lock($1::bigint::int,"
        " hashtext(current_schema()::text)) then 1 else 0 end",
        std::array{Parameter(kAdvisoryClass)}, [&](std::span<Value> row) -> Result<void> {
          is_ours = std::get<int64_t>(row[0]) == 1;
          return {};
        }));
    if (!is_ours) return in_use();
    connection_ = std::move(connection);
    return {};
  }

  const std::string url_;
  std::unique_ptr<internal::Connection> connection_;
};

ServerLock::ServerLock(std::unique_ptr<Holder> holder) : holder_(std::move(holder)) {}
ServerLock::ServerLock(ServerLock&& other) noexcept = default;
ServerLock::~ServerLock() = default;

Result<ServerLock> ServerLock::take(const std::string& location) {
  if (TRY(dialect_of(location)) == Dialect::Postgres) {
    return ServerLock(TRY(PostgresHolder::take(location)));
  }
  return ServerLock(TRY(FileHolder::take(internal::sqlite_path(location) + ".server")));
}

Result<void> ServerLock::keep() {
  return holder_->keep();
}

}  // namespace faceforge::store
