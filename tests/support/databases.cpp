#include "support/databases.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "support/test_data.h"

namespace faceforge::test {
namespace {

using store::Database;
using store::Dialect;
using store::OpenOptions;

constexpr int kConnectionCount = 8;

// The throw-away cluster of this program. It lives as long as the other end of its standard input,
// which closes with this process, however that ends.
class Cluster {
 public:
  Cluster() {
    if (const char* named = std::getenv("FACEFORGE_TEST_POSTGRES"); named != nullptr) {
      url_ = named;
      return;
    }
    std::array<int, 2> input{};
    std::array<int, 2> output{};
    CHECK(::pipe2(input.data(), O_CLOEXEC) == 0 && ::pipe2(output.data(), O_CLOEXEC) == 0);
    start(input[0], output[1]);
    ::close(input[0]);
    ::close(output[1]);
    input_ = input[1];
    char buffer[512];
    for (ssize_t got = 0; (got = ::read(output[0], buffer, sizeof buffer)) > 0;) {
      url_.append(buffer, static_cast<size_t>(got));
      if (url_.ends_with('\n')) break;
    }
    ::close(output[0]);
    while (url_.ends_with('\n')) url_.pop_back();
  }
  ~Cluster() {
    if (input_ < 0) return;
    ::close(input_);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  void start(int input, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    std::string program = (source_folder() / "tools" / "with_postgres").string();
    std::string shell = "sh";
    std::string option = "-c";
    std::string wait_for_the_end = "echo \"${FACEFORGE_TEST_POSTGRES:-}\"; exec cat >/dev/null";
    char* arguments[] = {program.data(), shell.data(), option.data(), wait_for_the_end.data(),
                         nullptr};
    CHECK(::posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
  }

  std::string url_;
  int input_ = -1;
  pid_t child_ = -1;
};

const std::string& postgres_url() {
  static const Cluster cluster;
  return cluster.url();
}

class FreshSqlite final : public FreshDatabase {
 public:
  OpenOptions options() const override {
    return {.location = (folder_.path() / "faceforge.db").string(),
            .connection_count_max = kConnectionCount};
  }

 private:
  TemporaryFolder folder_;
};

class FreshPostgres final : public FreshDatabase {
 public:
  explicit FreshPostgres(const std::string& url) : url_(url) {
    std::random_device random;
    schema_ = fmt::format("test_{:08x}{:08x}", random(), random());
    run("create schema " + schema_);
  }
  ~FreshPostgres() override { run("drop schema " + schema_ + " cascade"); }

  OpenOptions options() const override {
    const char separator = url_.find('?') == std::string::npos ? '?' : '&';
    return {.location = fmt::format("{}{}options=-csearch_path%3D{}&application_name={}", url_,
                                    separator, schema_, schema_),
            .connection_count_max = kConnectionCount};
  }

 private:
  void run(const std::string& sql) {
    auto database = Database::open({.location = url_, .connection_count_max = 1});
    CHECK_MSG(database.has_value(), database.error().message);
    const auto ran = (*database)->transact(
        [&](store::Transaction& transaction) { return transaction.execute_script(sql); });
    CHECK_MSG(ran.has_value(), ran.error().message);
  }

  std::string url_;
  std::string schema_;
};

}  // namespace

std::unique_ptr<FreshDatabase> FreshDatabase::make(Dialect dialect) {
  if (dialect == Dialect::Sqlite) return std::make_unique<FreshSqlite>();
  if (postgres_url().empty()) return nullptr;
  return std::make_unique<FreshPostgres>(postgres_url());
}

std::shared_ptr<Database> FreshDatabase::open() const {
  auto database = Database::open(options());
  CHECK_MSG(database.has_value(), database.error().message);
  return *std::move(database);
}

void OnBothDatabases::SetUp() {
  fresh_ = FreshDatabase::make(GetParam());
  if (fresh_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
  database_ = fresh_->open();
}

void OnBothDatabases::migrate(std::span<const store::Migration> migrations) {
  const auto migrated = store::migrate(*database_, migrations);
  CHECK_MSG(migrated.has_value(), migrated.error().message);
}

std::string dialect_name(const ::testing::TestParamInfo<Dialect>& info) {
  return info.param == Dialect::Sqlite ? "Sqlite" : "Postgres";
}

}  // namespace faceforge::test
