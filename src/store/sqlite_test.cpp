// What only SQLite has: a file, its mode, its damage, and what a deletion leaves in it.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/database.h"
#include "store/internal/connection.h"
#include "store/migrate.h"
#include "support/ordinary_user.h"
#include "support/test_data.h"

namespace faceforge::store {
namespace {

namespace fs = std::filesystem;

class SqliteTest : public ::testing::Test {
 protected:
  Result<std::shared_ptr<Database>> open() { return Database::open({.location = file_.string()}); }

  static Result<void> run(Database& database, const std::string& sql) {
    return database.transact(
        [&](Transaction& transaction) { return transaction.execute_script(sql); });
  }
  static std::string contents(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // A file that ended in order, in which a page was overwritten afterwards.
  void make_damaged() {
    {
      const auto database = open().value();
      ASSERT_TRUE(run(*database,
                      "create table t (a text); insert into t with recursive n(i) as (select 1 "
                      "union all select i + 1 from n where i < 5000) select hex(randomblob(20)) "
                      "from n")
                      .has_value());
      ASSERT_TRUE(database
                      ->read([](Transaction& transaction) {
                        return transaction.query("select count(*) from t");
                      })
                      .has_value());
    }
    std::fstream stream(file_, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(8 * 4096);
    stream << std::string(4096, '\x5a');
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }

  test::TemporaryFolder folder_;
  fs::path file_ = folder_.path() / "state" / "faceforge.db";
};

TEST_F(SqliteTest, TheFileItsLogAndItsFolderAreTheOwnersOnly) {
  const auto database = open().value();
  ASSERT_TRUE(run(*database, "create table t (a text)").has_value());
  EXPECT_EQ(mode_of(file_.parent_path()), 0700U);
  EXPECT_EQ(mode_of(file_), 0600U);
  EXPECT_EQ(mode_of(file_.string() + "-wal"), 0600U);
}

TEST_F(SqliteTest, AFileThatOthersCouldReadIsClosedToThem) {
  ASSERT_TRUE(open().has_value());
  fs::permissions(file_, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add);
  ASSERT_EQ(mode_of(file_), 0644U);
  const auto database = open().value();
  EXPECT_EQ(mode_of(file_), 0600U);
}

TEST_F(SqliteTest, ALogThatOthersCouldReadIsClosedToThem) {
  const auto database = open().value();
  ASSERT_TRUE(run(*database, "create table t (a text)").has_value());
  for (const char* part : {"-wal", "-shm"}) {
    fs::permissions(file_.string() + part, fs::perms(0644));
  }
  const auto again = open().value();
  EXPECT_EQ(mode_of(file_.string() + "-wal"), 0600U);
  EXPECT_EQ(mode_of(file_.string() + "-shm"), 0600U);
}

TEST_F(SqliteTest, WhatIsNotADatabaseIsCorruptAndLeftAlone) {
  fs::create_directories(file_.parent_path());
  std::ofstream(file_) << std::string(5000, 'x');
  fs::permissions(file_, fs::perms(0644));
  const auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(opened.error().reason, "database_corrupt");
  EXPECT_EQ(contents(file_), std::string(5000, 'x'));
  EXPECT_EQ(mode_of(file_), 0644U);
}

TEST_F(SqliteTest, ADamagedPageIsFoundAtOpening) {
  make_damaged();
  EXPECT_EQ(open().error().reason, "database_corrupt");
}

TEST_F(SqliteTest, ALargeFileIsReadOnlyWhenItsLastUseDidNotEndInOrder) {
  make_damaged();
  const std::string log = file_.string() + "-wal";
  ASSERT_FALSE(fs::exists(log)) << "what ended in order leaves no log";
  EXPECT_TRUE(internal::prepare_sqlite_file(file_.string(), 0).has_value());
  std::ofstream(log) << "what a process that was cut off leaves";
  EXPECT_EQ(internal::prepare_sqlite_file(file_.string(), 0).error().reason, "database_corrupt");
}

TEST_F(SqliteTest, ExaminingReadsAllOfALargeFileToo) {
  make_damaged();
  fs::resize_file(file_, internal::kAlwaysCheckedMax_bytes + 4096);
  ASSERT_TRUE(open().has_value()) << "too large to be read at every start";
  const auto examined = examine(file_.string());
  ASSERT_FALSE(examined.has_value());
  EXPECT_EQ(examined.error().reason, "database_corrupt");
}

TEST_F(SqliteTest, ExaminingChangesNoModeAndKeepsALogThatWasLeft) {
  const auto database = open().value();
  ASSERT_TRUE(run(*database, "create table t (a text); insert into t values ('x')").has_value());
  // The files as they lie there while a process has them open are those it leaves when cut off.
  const fs::path left = folder_.path() / "left.db";
  const std::string log = left.string() + "-wal";
  fs::copy_file(file_, left);
  fs::copy_file(file_.string() + "-wal", log);
  for (const fs::path& file : {left, fs::path(log)}) fs::permissions(file, fs::perms(0644));
  const std::string file_before = contents(left);
  const std::string log_before = contents(log);
  ASSERT_FALSE(log_before.empty());
  ASSERT_TRUE(examine(left.string()).has_value());
  EXPECT_EQ(contents(left), file_before);
  EXPECT_EQ(contents(log), log_before);
  EXPECT_EQ(mode_of(left), 0644U);
  EXPECT_EQ(mode_of(log), 0644U);
}

TEST_F(SqliteTest, ExaminingWhatEndedInOrderLeavesNoFile) {
  ASSERT_TRUE(open().has_value());
  ASSERT_TRUE(examine(file_.string()).has_value());
  EXPECT_EQ(std::distance(fs::directory_iterator(file_.parent_path()), {}), 1);
}

TEST_F(SqliteTest, AFolderThatMayNotBeWrittenIsForbidden) {
  ASSERT_TRUE(open().has_value());
  const test::AsOrdinaryUser ordinary(folder_.path());
  fs::permissions(file_.parent_path(), fs::perms::owner_read | fs::perms::owner_exec);
  auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(opened.error().reason, "database_read_only");
  fs::permissions(file_.parent_path(), fs::perms::owner_all);
  fs::permissions(file_, fs::perms::owner_read);
  opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().reason, "database_read_only");
}

TEST_F(SqliteTest, ANewFileInAFolderThatMayNotBeWrittenIsForbidden) {
  const test::AsOrdinaryUser ordinary(folder_.path());
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(open().error().reason, "database_read_only");
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

TEST_F(SqliteTest, LocationsThatNameNothingAreRefused) {
  EXPECT_EQ(Database::open({.location = ""}).error().reason, "database_location");
  EXPECT_EQ(Database::open({.location = std::string("a\0b", 3)}).error().reason,
            "database_location");
  const auto other_kind = Database::open({.location = "mysql://ada:hunter2@db/faceforge"});
  ASSERT_FALSE(other_kind);
  EXPECT_EQ(other_kind.error().reason, "database_location");
  EXPECT_EQ(other_kind.error().message.find("hunter2"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists("mysql:"));
}

TEST_F(SqliteTest, AFullDiskIsExhaustedAndKeepsWhatWasThere) {
  // The limit of a file's size stands in for a disk that is full; the child has it alone.
  {
    const auto database = open().value();
    ASSERT_TRUE(
        run(*database, "create table t (a blob); insert into t values (x'2a')").has_value());
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto database = open();
    if (!database) ::_exit(2);
    const auto added = (*database)->transact([](Transaction& transaction) {
      return transaction.execute("insert into t values ($1)", Blob(4 << 20));
    });
    const bool small_ones_still_fit =
        (*database)
            ->transact([](Transaction& transaction) {
              return transaction.execute("insert into t values ($1)", Blob(10));
            })
            .has_value();
    const bool is_told = !added && added.error().code == ErrorCode::Exhausted &&
                         added.error().reason == "database_full";
    ::_exit(!is_told ? 1 : small_ones_still_fit ? 0 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: another reason; 2: not opened; 3: of no use afterwards";
  const auto rows = open().value()->read([](Transaction& transaction) {
    return transaction.query("select length(a) from t order by rowid");
  });
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U) << "the one that was there and the small one";
  EXPECT_EQ((*rows)[0].integer(0), 1);
  EXPECT_EQ((*rows)[1].integer(0), 10);
}

TEST_F(SqliteTest, NothingOfADeletedRowIsLeftInAnyFile) {
  const auto database = open().value();
  ASSERT_TRUE(run(*database, "create table t (a text)").has_value());
  // One that fits a page and one that spills over several.
  const std::string marker = "biometric-marker-";
  std::string long_marker;
  for (int repeat = 0; repeat < 2000; ++repeat) long_marker += marker;
  for (const auto& text : {marker, long_marker}) {
    ASSERT_TRUE(database
                    ->transact([&](Transaction& transaction) {
                      return transaction.execute("insert into t values ($1)", text);
                    })
                    .has_value());
  }
  const auto is_found = [&] {
    bool found = false;
    for (const auto& entry : fs::directory_iterator(file_.parent_path())) {
      found = found || contents(entry.path()).find(marker) != std::string::npos;
    }
    return found;
  };
  ASSERT_TRUE(is_found());
  ASSERT_TRUE(run(*database, "delete from t").has_value());
  ASSERT_TRUE(is_found()) << "the log still has it: this is what forgetting is for";
  ASSERT_TRUE(database->forget_deleted().has_value());
  EXPECT_FALSE(is_found());
}

TEST_F(SqliteTest, ForgettingWaitsForReadersAndThenSaysBusy) {
  const auto database =
      Database::open({.location = file_.string(), .wait_max = std::chrono::milliseconds(50)})
          .value();
  ASSERT_TRUE(run(*database, "create table t (a text); insert into t values ('x')").has_value());
  const auto read = database->read([&](Transaction& transaction) -> Result<void> {
    TRY(transaction.query("select a from t"));
    std::jthread([&] {
      EXPECT_TRUE(run(*database, "delete from t").has_value());
      EXPECT_EQ(database->forget_deleted().error().reason, "database_busy");
    }).join();
    return {};
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_TRUE(database->forget_deleted().has_value());
}

TEST_F(SqliteTest, WhatAKilledProcessHadCommittedIsThereAndNothingElse) {
  { ASSERT_TRUE(run(*open().value(), "create table t (n integer)").has_value()); }
  for (int round = 0; round < 3; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto database = open().value();
      for (int64_t number = round * 1000;; ++number) {
        const auto added = database->transact([&](Transaction& transaction) -> Result<void> {
          TRY(transaction.execute("insert into t values ($1)", number));
          TRY(transaction.execute("insert into t values ($1)", -number));
          return {};
        });
        if (!added || ::write(acknowledged[1], &number, sizeof number) < 0) ::_exit(1);
      }
    }
    ::close(acknowledged[1]);
    int64_t last = 0;
    for (int seen = 0; seen < 20; ++seen) {
      ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(acknowledged[0]);
    const auto rows = open().value()->read([&](Transaction& transaction) {
      return transaction.query(
          "select count(*), coalesce(sum(n), 0) from t where abs(n) between $1 and $2",
          round * 1000, last);
    });
    EXPECT_EQ((*rows)[0].integer(0), 2 * (last - round * 1000 + 1));
    EXPECT_EQ((*rows)[0].integer(1), 0) << "no half of a transaction";
  }
}

}  // namespace
}  // namespace faceforge::store
