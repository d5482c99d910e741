// What only PostgreSQL has: a server that can be out of reach.
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/database.h"
#include "store/migrate.h"
#include "support/databases.h"

namespace faceforge::store {
namespace {

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fresh_ = test::FreshDatabase::make(Dialect::Postgres);
    if (fresh_ == nullptr) GTEST_SKIP() << "PostgreSQL is not installed";
    database_ = fresh_->open();
  }

  // Ends every connection to this test's schema but the one that asks.
  static Result<int64_t> end_other_connections(Database& database) {
    return database.transact([](Transaction& transaction) -> Result<int64_t> {
      const auto rows =
          TRY(transaction.query("select pg_terminate_backend(pid) from pg_stat_activity where pid "
                                "<> pg_backend_pid() and "
                                "application_name = current_setting('application_name')"));
      return static_cast<int64_t>(rows.size());
    });
  }

  Result<void> execute(const std::string& sql) {
    return database_->transact(
        [&](Transaction& transaction) { return transaction.execute_script(sql); });
  }
  int64_t vacuums_of(const std::string& table) {
    const auto rows = database_->read([&](Transaction& transaction) {
      return transaction.query(
          "select vacuum_count from pg_stat_user_tables where relname = $1 and schemaname = "
          "current_schema()",
          table);
    });
    return rows && !rows->empty() ? (*rows)[0].integer(0) : -1;
  }

  std::unique_ptr<test::FreshDatabase> fresh_;
  std::shared_ptr<Database> database_;
};

TEST_F(PostgresTest, AConnectionThatWasLostIsReplacedWithoutAnError) {
  ASSERT_EQ(database_->dialect(), Dialect::Postgres);
  const auto rival = fresh_->open();
  ASSERT_GE(end_other_connections(*rival).value(), 1);
  const auto rows =
      database_->transact([](Transaction& transaction) { return transaction.query("select 1"); });
  EXPECT_TRUE(rows.has_value()) << rows.error().message;
}

// As a job does that reports its progress without pause while its owner cancels it.
TEST_F(PostgresTest, AWriterThatIsInTheWayTimeAndAgainIsOutlasted) {
  const auto rival = fresh_->open();
  ASSERT_TRUE(execute("create table t (n bigint); insert into t values (0)").has_value());
  const auto increment = [](Transaction& transaction) {
    return transaction.execute("update t set n = n + 1");
  };
  int runs = 0;
  const auto outcome = database_->transact([&](Transaction& transaction) -> Result<int64_t> {
    TRY(transaction.query("select n from t"));
    if (++runs <= 15) {
      EXPECT_TRUE(rival->transact(increment).has_value());
    }
    return increment(transaction);
  });
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(runs, 16);
}

TEST_F(PostgresTest, AConnectionLostWithinATransactionRunsItAgain) {
  const auto rival = fresh_->open();
  ASSERT_TRUE(database_
                  ->transact([](Transaction& transaction) {
                    return transaction.execute_script("create table t (n bigint)");
                  })
                  .has_value());
  int runs = 0;
  const auto outcome = database_->transact([&](Transaction& transaction) -> Result<int64_t> {
    TRY(transaction.execute("insert into t values (1)"));
    if (++runs == 1) {
      EXPECT_TRUE(end_other_connections(*rival).has_value());
    }
    return TRY(transaction.query("select count(*) from t"))[0].integer(0);
  });
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(*outcome, 1) << "the first run left nothing";
}

TEST_F(PostgresTest, AConnectionLostBeforeTheCommitHasAnUnknownOutcome) {
  const auto rival = fresh_->open();
  const auto outcome = database_->transact([&](Transaction& transaction) -> Result<int> {
    TRY(transaction.query("select 1"));
    EXPECT_TRUE(end_other_connections(*rival).has_value());
    return 1;
  });
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::Conflict);
  EXPECT_EQ(outcome.error().reason, "commit_outcome_unknown");
}

TEST_F(PostgresTest, ForgettingVacuumsOurTablesAndNoOneElses) {
  const std::vector<Migration> steps{{.module = "boxes",
                                      .version = 1,
                                      .name = "boxes",
                                      .sql = "create table boxes (id {ID}) {STRICT};"}};
  ASSERT_TRUE(migrate(*database_, steps).has_value());
  ASSERT_TRUE(execute("create table of_another_program (n bigint)").has_value());
  ASSERT_TRUE(database_->forget_deleted().has_value());
  // The server's statistics come a little later.
  int64_t vacuums_of_ours = 0;
  for (int look = 0; look < 200 && vacuums_of_ours == 0; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    vacuums_of_ours = vacuums_of("boxes");
  }
  EXPECT_EQ(vacuums_of_ours, 1);
  EXPECT_EQ(vacuums_of("of_another_program"), 0);
}

TEST_F(PostgresTest, ForgettingDoesNotKeepWhoAskedForItWaiting) {
  const std::vector<Migration> steps{{.module = "boxes",
                                      .version = 1,
                                      .name = "boxes",
                                      .sql = "create table boxes (id {ID}) {STRICT};"}};
  ASSERT_TRUE(migrate(*database_, steps).has_value());
  const auto rival = fresh_->open();
  const auto held = rival->transact([&](Transaction& transaction) -> Result<int> {
    TRY(transaction.execute_script("lock table boxes in share mode"));  // a vacuum has to wait
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(database_->forget_deleted().has_value());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
    return 1;
  });
  EXPECT_TRUE(held.has_value());
}

TEST_F(PostgresTest, ATypeThatTheSeamDoesNotHaveIsNamed) {
  const auto rows = database_->read(
      [](Transaction& transaction) { return transaction.query("select 1.5::numeric as price"); });
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().reason, "database_error");
  EXPECT_NE(rows.error().message.find("`price`"), std::string::npos);
}

TEST(PostgresUrl, AServerThatIsNotThereIsUnreachableAndItsPasswordStaysSecret) {
  const auto opened = Database::open(
      {.location = "postgresql://ada:hunter2@127.0.0.1:1/faceforge?connect_timeout=2"});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::Busy);
  EXPECT_EQ(opened.error().reason, "database_unreachable");
  EXPECT_EQ(opened.error().message.find("hunter2"), std::string::npos);
  // libpq asks "Is the server running ..?" in a second line, indented.
  EXPECT_EQ(opened.error().message.find_first_of("\n\t"), std::string::npos);
  EXPECT_NE(opened.error().message.find("; Is the server running"), std::string::npos);
}

// The socket of this process that is connected to a port of this machine.
int connected_to(in_port_t port) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename().string());
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == port) {
      return descriptor;
    }
  }
  return -1;
}

// What the system is told of how long to wait for a silent server, by a connection with these
// parameters to one that takes it and says nothing.
struct Patience {
  int idle_s = 0;
  int interval_s = 0;
  int probe_count = 0;
  int unanswered_ms = 0;
};

Patience patience_with(const std::string& parameters) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::jthread client([&] {
    EXPECT_FALSE(Database::open(
        {.location = fmt::format("postgresql://ada@127.0.0.1:{}/faceforge?sslmode=disable{}",
                                 ntohs(address.sin_port), parameters)}));
  });
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  const int connected = connected_to(address.sin_port);
  const auto option = [&](int name) {
    int value = -1;
    socklen_t value_size = sizeof value;
    EXPECT_EQ(::getsockopt(connected, IPPROTO_TCP, name, &value, &value_size), 0);
    return value;
  };
  const Patience found{.idle_s = option(TCP_KEEPIDLE),
                       .interval_s = option(TCP_KEEPINTVL),
                       .probe_count = option(TCP_KEEPCNT),
                       .unanswered_ms = option(TCP_USER_TIMEOUT)};
  ::close(listener);
  ::close(accepted);
  return found;
}

TEST(PostgresUrl, AServerThatFallsSilentIsMissedWithinAMinute) {
  const Patience found = patience_with("");
  EXPECT_EQ(found.idle_s, 20);
  EXPECT_EQ(found.interval_s, 10);
  EXPECT_EQ(found.probe_count, 3);
  EXPECT_EQ(found.unanswered_ms, 30'000);
}

TEST(PostgresUrl, HowLongToWaitForASilentServerIsTheUrlsToSay) {
  const Patience found = patience_with(
      "&keepalives_idle=77&keepalives_interval=7&keepalives_count=9&tcp_user_timeout=5000");
  EXPECT_EQ(found.idle_s, 77);
  EXPECT_EQ(found.interval_s, 7);
  EXPECT_EQ(found.probe_count, 9);
  EXPECT_EQ(found.unanswered_ms, 5000);
}

TEST(PostgresUrl, AMalformedUrlIsAnErrorAndItsPasswordStaysSecret) {
  const auto opened = Database::open({.location = "postgresql://ada:hunter2@host:port:x/%%%"});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(opened.error().reason, "database_location");
  EXPECT_EQ(opened.error().message.find("hunter2"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace faceforge::store
