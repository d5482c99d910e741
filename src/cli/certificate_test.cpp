#include "cli/certificate.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/tls_files.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr UnixTime_ms kDay_ms = 86'400'000;

class CertificateUpkeepTest : public testing::Test {
 protected:
  /// A certificate that expires after so many days.
  http::LocalCertificate made(const fs::path& folder, int good_for_days) {
    const UnixTime_ms made_at_ms =
        now_ms_ + (good_for_days - http::kLocalCertificateDays) * kDay_ms;
    const std::vector<std::string> names{"localhost"};
    return http::local_certificate(folder, names, made_at_ms).value();
  }

  CertificateUpkeep::Use use() {
    return [this](const http::TlsFiles& files) -> Result<void> {
      TRY(http::tls_expiry(files));
      used_.push_back(http::find_local_certificate(files.certificate_chain.parent_path())
                          .value_or(http::LocalCertificate{})
                          .fingerprint);
      return {};
    };
  }

  /// Puts the files of one certificate in the place of another's, as a program that renews does.
  static void replace(const http::TlsFiles& files, const http::TlsFiles& by) {
    const auto later = fs::last_write_time(files.certificate_chain) + std::chrono::seconds(60);
    for (const auto& [to, from] : {std::pair(files.certificate_chain, by.certificate_chain),
                                   std::pair(files.private_key, by.private_key)}) {
      if (from != to) fs::copy_file(from, to, fs::copy_options::overwrite_existing);
      fs::last_write_time(to, later);  // file systems may count in seconds
    }
  }

  test::TemporaryFolder folder_;
  const UnixTime_ms now_ms_ = SystemClock().now_ms();
  std::vector<std::string> used_;  ///< fingerprints of what was to be served
};

TEST_F(CertificateUpkeepTest, TheServersOwnIsMadeAnewBeforeItExpires) {
  const auto first = made(folder_.path() / "tls", 40);
  const auto upkeep = upkeep_of_own_certificate(first, use());
  upkeep->look(now_ms_);
  upkeep->look(now_ms_ + 9 * kDay_ms);
  EXPECT_THAT(used_, IsEmpty());
  upkeep->look(now_ms_ + 11 * kDay_ms);
  ASSERT_THAT(used_, SizeIs(1));
  EXPECT_NE(used_[0], first.fingerprint);
  upkeep->look(now_ms_ + 12 * kDay_ms);
  EXPECT_THAT(used_, SizeIs(1)) << "good for another year";
  upkeep->look(now_ms_ + 400 * kDay_ms);
  EXPECT_THAT(used_, SizeIs(2));
}

TEST_F(CertificateUpkeepTest, WhatCouldNotBeRenewedIsTriedAgainAnHourLater) {
  const auto first = made(folder_.path() / "tls", 20);
  int attempts = 0;
  const auto upkeep = upkeep_of_own_certificate(first, [&](const http::TlsFiles&) -> Result<void> {
    ++attempts;
    return fail(ErrorCode::Internal, "not_now", "not now");
  });
  upkeep->look(now_ms_);
  upkeep->look(now_ms_ + 60'000);
  EXPECT_EQ(attempts, 1);
  upkeep->look(now_ms_ + 3'600'000);
  EXPECT_EQ(attempts, 2);
}

TEST_F(CertificateUpkeepTest, FilesThatWereReplacedAreServed) {
  const auto files = made(folder_.path() / "tls", 40).files;
  const auto renewed = made(folder_.path() / "renewed", 90);
  const auto upkeep = upkeep_of_given_certificate(files, use());
  upkeep->look(now_ms_);
  EXPECT_THAT(used_, IsEmpty());
  replace(files, renewed.files);
  upkeep->look(now_ms_);
  EXPECT_THAT(used_, testing::ElementsAre(renewed.fingerprint));
  upkeep->look(now_ms_);
  EXPECT_THAT(used_, SizeIs(1));
}

TEST_F(CertificateUpkeepTest, OfFilesThatDoNotGoTogetherNothingIsServedUntilTheyDo) {
  const auto files = made(folder_.path() / "tls", 40).files;
  const auto renewed = made(folder_.path() / "renewed", 90);
  const auto upkeep = upkeep_of_given_certificate(files, use());
  replace(files, {renewed.files.certificate_chain, files.private_key});
  upkeep->look(now_ms_);
  EXPECT_THAT(used_, IsEmpty());
  replace(files, renewed.files);
  upkeep->look(now_ms_);
  EXPECT_THAT(used_, testing::ElementsAre(renewed.fingerprint));
}

TEST_F(CertificateUpkeepTest, OneThatExpiresSoonIsToldOnceADay) {
  const auto files = made(folder_.path() / "tls", 15).files;
  const auto upkeep = upkeep_of_given_certificate(files, use());
  const auto said = [&](UnixTime_ms now_ms) {
    testing::internal::CaptureStderr();
    upkeep->look(now_ms);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(said(now_ms_), IsEmpty());
  EXPECT_THAT(said(now_ms_ + 2 * kDay_ms), testing::HasSubstr("renew its files"));
  EXPECT_THAT(said(now_ms_ + 2 * kDay_ms + 10'000), IsEmpty());
  EXPECT_THAT(said(now_ms_ + 3 * kDay_ms), testing::HasSubstr("renew its files"));
}

}  // namespace
}  // namespace faceforge::cli
