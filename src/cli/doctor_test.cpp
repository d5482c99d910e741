#include "cli/doctor.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/exit_code.h"
#include "store/database.h"
#include "support/ordinary_user.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using enum FindingState;

TEST(Doctor, ADataFolderThatIsNotThereIsAHintAndIsNotMade) {
  const test::TemporaryFolder folder;
  const std::string missing = (folder.path() / "none").string();
  EXPECT_EQ(check_data_folder(missing).state, Hint);
  EXPECT_EQ(check_database({.data_folder = missing, .database = ""}).state, Ok);
  EXPECT_FALSE(std::filesystem::exists(missing));
}

TEST(Doctor, ADataFolderThatOthersMayEnterIsAHintWithTheCommandThatClosesIt) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path().string();
  ASSERT_EQ(chmod(path.c_str(), 0755), 0);
  const Finding open = check_data_folder(path);
  EXPECT_EQ(open.state, Hint);
  EXPECT_THAT(open.message, HasSubstr("0755"));
  EXPECT_THAT(open.advice, HasSubstr("chmod 700"));
  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  EXPECT_EQ(check_data_folder(path).state, Ok);
}

TEST(Doctor, ADataFolderThatIsAFileIsAFault) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "file";
  std::ofstream(file) << "no folder";
  const Finding finding = check_data_folder(file.string());
  EXPECT_EQ(finding.state, Fault);
  EXPECT_EQ(finding.error->reason, "data_folder_is_a_file");
  EXPECT_EQ(exit_code({finding}), 3);
}

TEST(Doctor, ADataFolderThatCannotBeWrittenIsAFault) {
  const test::TemporaryFolder folder;
  const test::AsOrdinaryUser ordinary(folder.path());
  ASSERT_EQ(chmod(folder.path().c_str(), 0500), 0);
  const Finding finding = check_data_folder(folder.path().string());
  ASSERT_EQ(chmod(folder.path().c_str(), 0700), 0);
  EXPECT_EQ(finding.state, Fault);
  EXPECT_EQ(exit_code({finding}), 8);
}

TEST(Doctor, WithoutADataFolderNothingIsLookedForInTheWorkingFolder) {
  const SystemClock clock;
  const auto findings = examine({}, clock);
  EXPECT_EQ(findings.front().check, "data_folder");
  EXPECT_EQ(findings.front().state, Fault);
  EXPECT_EQ(findings.front().error->reason, "data_folder_unknown");
  EXPECT_THAT(findings.front().advice, HasSubstr("--data"));
  EXPECT_EQ(exit_code(findings), 3);
  for (const Finding& finding : findings) {
    EXPECT_NE(finding.check, "free_disk");
    EXPECT_NE(finding.check, "database");
    EXPECT_NE(finding.check, "pack");
  }
}

TEST(Doctor, LittleRoomIsAHintAndHardlyAnyAFault) {
  EXPECT_EQ(check_free_disk("/srv", 5'000'000'000).state, Ok);
  EXPECT_EQ(check_free_disk("/srv", 999'999'999).state, Hint);
  const Finding full = check_free_disk("/srv", 99'999'999);
  EXPECT_EQ(full.state, Fault);
  EXPECT_EQ(exit_code({full}), 6);
  EXPECT_GT(check_free_disk("/not/there/at/all").figures.at("free_bytes").to_number<uint64_t>(), 0U)
      << "the disk of the nearest folder that is there";
}

TEST(Doctor, ADatabaseThatOpensIsOkAndADamagedOneAFault) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "faceforge.sqlite3";
  const InstallationOptions options{.data_folder = folder.path().string(), .database = ""};
  { ASSERT_TRUE(store::Database::open({.location = file.string()})); }
  EXPECT_EQ(check_database(options).state, Ok) << check_database(options).message;
  std::ofstream(file) << std::string(10'000, 'x');
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  const Finding damaged = check_database(options);
  EXPECT_EQ(damaged.state, Fault);
  EXPECT_EQ(exit_code({damaged}), 7);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0644))
      << "it is someone's file all the same";
}

TEST(Doctor, OnlyAUrlOfPostgresIsPostgres) {
  const std::string file = "postgres-copy.sqlite3";
  EXPECT_EQ(check_database({.data_folder = "/not/there", .database = file}).state, Ok);
  EXPECT_FALSE(std::filesystem::exists(file));
  const Finding other = check_database({.data_folder = "/not/there", .database = "mysql://db/x"});
  EXPECT_EQ(other.state, Fault);
  EXPECT_EQ(other.error->reason, "database_location");
}

TEST(Doctor, WithoutTlsOnlyThisMachineAndAProxyAreSafe) {
  const SystemClock clock;
  DoctorOptions options;
  for (const char* local : {"127.0.0.1:8080", "[::1]:8080"}) {
    options.listen = local;
    EXPECT_EQ(check_tls(options, clock).state, Ok) << local;
  }
  options.listen = "0.0.0.0:8080";
  const Finding open = check_tls(options, clock);
  EXPECT_EQ(open.state, Hint);
  EXPECT_THAT(open.advice, AllOf(HasSubstr("--tls auto"), HasSubstr("--tls-certificate"),
                                 HasSubstr("--behind-proxy")));
  options.behind_proxy = true;
  EXPECT_EQ(check_tls(options, clock).state, Ok);
  options.listen = "nowhere";
  EXPECT_EQ(check_tls(options, clock).error->reason, "listen_address");
  options.listen = "0.0.0.0:8080";
  options.tls.certificate = "/not/there.pem";
  options.tls.key = "/not/there.key";
  EXPECT_EQ(check_tls(options, clock).error->reason, "tls_files");
}

TEST(Doctor, TheServersOwnCertificateIsToldAndNotMade) {
  const test::TemporaryFolder folder;
  const SystemClock clock;
  constexpr UnixTime_ms kDay_ms = 86'400'000;
  DoctorOptions options;
  options.installation.data_folder = folder.path().string();
  options.listen = "0.0.0.0:8443";
  options.tls.own = "auto";
  EXPECT_EQ(check_tls(options, clock).state, Ok);
  const auto tls = folder.path() / "tls";
  EXPECT_FALSE(std::filesystem::exists(tls));
  const std::vector<std::string> names{"localhost"};
  const auto old = http::local_certificate(tls, names, clock.now_ms() - 380 * kDay_ms).value();
  const Finding expiring = check_tls(options, clock);
  EXPECT_EQ(expiring.state, Hint);
  EXPECT_THAT(expiring.message, HasSubstr(old.fingerprint));
  const auto fresh = http::local_certificate(tls, names, clock.now_ms()).value();
  ASSERT_NE(fresh.fingerprint, old.fingerprint);
  const Finding good = check_tls(options, clock);
  EXPECT_EQ(good.state, Ok);
  EXPECT_EQ(good.figures.at("fingerprint").as_string(), fresh.fingerprint);
}

TEST(Doctor, WithoutAPackItSaysHowToInstallOne) {
  const test::TemporaryFolder folder;
  unsetenv("FACEFORGE_PACKS");
  DoctorOptions options;
  options.installation.data_folder = folder.path().string();
  const auto findings = check_packs(options);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].state, Fault);
  EXPECT_EQ(findings[0].error->reason, "no_pack");
  EXPECT_THAT(findings[0].message, HasSubstr("faceforge packs install"));
  EXPECT_EQ(exit_code(findings), 4);
}

TEST(Doctor, TheWorstFindingIsTheStateAndTheFirstFaultTheExitCode) {
  const Finding ok{.check = "a", .message = "fine"};
  const Finding hint{.check = "b", .state = Hint, .message = "so so", .advice = "do this"};
  Finding corrupt{.check = "c", .state = Fault, .message = "broken"};
  corrupt.error = Error{ErrorCode::Corrupt, "broken", "broken"};
  Finding full{.check = "d", .state = Fault, .message = "full"};
  full.error = Error{ErrorCode::Exhausted, "disk_full", "full"};
  EXPECT_EQ(exit_code({ok, hint}), kExitDone);
  EXPECT_EQ(exit_code({ok, hint, corrupt, full}), 7);
  const json::object written = to_json({ok, hint, corrupt});
  EXPECT_EQ(written.at("state"), "fault");
  EXPECT_TRUE(written.at("checks").at(0).at("advice").is_null());
  EXPECT_EQ(written.at("checks").at(1).at("advice"), "do this");
  EXPECT_EQ(written.at("checks").at(2).at("error").at("reason"), "broken");
  EXPECT_THAT(to_text({ok, hint}), AllOf(HasSubstr("ok     a            fine\n"),
                                         HasSubstr("hint   b            so so\n"),
                                         HasSubstr("                    -> do this\n")));
}

}  // namespace
}  // namespace faceforge::cli
