#include "http/local_certificate.h"

#include <array>
#include <cstdio>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "http/tls_files.h"
#include "support/test_data.h"

namespace faceforge::http {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr UnixTime_ms kDay_ms = 86'400'000;

const std::vector<std::string> kNames{"localhost", "door-cam.local", "127.0.0.1", "192.168.1.5",
                                      "fd00::5"};

/// What the `openssl` program prints.
std::string openssl(const std::string& arguments) {
  FILE* const pipe = ::popen(("openssl " + arguments + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4'096> chunk{};
  while (const size_t count = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
    text.append(chunk.data(), count);
  }
  ::pclose(pipe);
  return text;
}

class LocalCertificateTest : public testing::Test {
 protected:
  LocalCertificate certificate(UnixTime_ms now_ms, const std::vector<std::string>& names = kNames) {
    auto made = local_certificate(folder_.path() / "tls", names, now_ms);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(LocalCertificate{});
  }

  faceforge::test::TemporaryFolder folder_;
  const UnixTime_ms now_ms_ = SystemClock().now_ms();
};

TEST_F(LocalCertificateTest, IsForTheNamesAndAsOtherProgramsReadIt) {
  const LocalCertificate made = certificate(now_ms_);
  EXPECT_TRUE(made.is_new);
  const std::string file = made.files.certificate_chain.string();
  const std::string text = openssl("x509 -noout -text -fingerprint -sha256 -in " + file);
  EXPECT_THAT(text, HasSubstr("DNS:localhost, DNS:door-cam.local, IP Address:127.0.0.1, "
                              "IP Address:192.168.1.5, IP Address:FD00:0:0:0:0:0:0:5"));
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication"));
  EXPECT_THAT(text, HasSubstr("NIST CURVE: P-256"));
  EXPECT_THAT(text, HasSubstr("Fingerprint=" + made.fingerprint));
  EXPECT_THAT(openssl("verify -CAfile " + file + " " + file), HasSubstr("OK"));
  EXPECT_THAT(openssl(fmt::format("verify -verify_hostname door-cam.local -CAfile {0} {0}", file)),
              HasSubstr("OK"));
  EXPECT_THAT(openssl(fmt::format("verify -verify_hostname evil.example -CAfile {0} {0}", file)),
              Not(HasSubstr(": OK")));
}

TEST_F(LocalCertificateTest, CanBeServedAndExpiresWithinWhatBrowsersAccept) {
  const LocalCertificate made = certificate(now_ms_);
  const auto expiry = tls_expiry(made.files);
  ASSERT_TRUE(expiry) << expiry.error().message;
  EXPECT_EQ(*expiry, made.expires_ms);
  EXPECT_LT(made.expires_ms - now_ms_, 398 * kDay_ms);
  EXPECT_GT(made.expires_ms - now_ms_, 396 * kDay_ms);
}

TEST_F(LocalCertificateTest, IsForItsOwnerOnly) {
  const LocalCertificate made = certificate(now_ms_);
  for (const auto& [path, mode] :
       {std::pair(made.files.private_key, 0600U), std::pair(made.files.certificate_chain, 0600U),
        std::pair(folder_.path() / "tls", 0700U)}) {
    struct stat found {};
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, mode) << path;
  }
}

TEST_F(LocalCertificateTest, IsUsedAgainWhileItIsGood) {
  const LocalCertificate first = certificate(now_ms_);
  const LocalCertificate again = certificate(now_ms_ + 366 * kDay_ms);
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.fingerprint, first.fingerprint);
  const LocalCertificate fewer = certificate(now_ms_, {"localhost"});
  EXPECT_FALSE(fewer.is_new) << "it has more names than are needed";
}

TEST_F(LocalCertificateTest, IsRenewedBeforeItExpiresWithTheSameKey) {
  const LocalCertificate first = certificate(now_ms_);
  const auto key = read_file(first.files.private_key, 10'000).value();
  const LocalCertificate later = certificate(now_ms_ + 368 * kDay_ms);
  EXPECT_TRUE(later.is_new);
  EXPECT_NE(later.fingerprint, first.fingerprint);
  EXPECT_GT(later.expires_ms, first.expires_ms);
  EXPECT_EQ(read_file(first.files.private_key, 10'000).value(), key);
}

TEST_F(LocalCertificateTest, IsMadeAnewWhenTheMachineHasAnotherName) {
  certificate(now_ms_, {"localhost", "192.168.1.5"});
  EXPECT_TRUE(certificate(now_ms_, {"localhost", "192.168.1.6"}).is_new);
}

TEST_F(LocalCertificateTest, IsMadeAnewWhenItsFilesAreDamagedOrOfTwoPairs) {
  const LocalCertificate first = certificate(now_ms_);
  std::ofstream(first.files.certificate_chain) << "nonsense";
  EXPECT_TRUE(certificate(now_ms_).is_new);
  std::ofstream(first.files.private_key) << "nonsense";
  const LocalCertificate third = certificate(now_ms_);
  EXPECT_TRUE(third.is_new);
  EXPECT_TRUE(tls_expiry(third.files)) << "the new certificate is the new key's";
}

TEST_F(LocalCertificateTest, AKeyThatIsThereAndCannotBeReadIsToldAndNotReplaced) {
  certificate(now_ms_);
  const auto key = folder_.path() / "tls" / "key.pem";
  std::filesystem::remove(key);
  std::filesystem::create_directory(key);  // as unreadable as a file of someone else's
  const auto failed = local_certificate(folder_.path() / "tls", kNames, now_ms_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "not_a_file");
  EXPECT_THAT(failed.error().message, HasSubstr("key.pem"));
  EXPECT_TRUE(std::filesystem::is_directory(key));
}

TEST_F(LocalCertificateTest, IsFoundAsItIsAndNotMade) {
  const auto folder = folder_.path() / "tls";
  EXPECT_FALSE(find_local_certificate(folder));
  EXPECT_FALSE(std::filesystem::exists(folder));
  const LocalCertificate made = certificate(now_ms_ - 400 * kDay_ms);
  const auto found = find_local_certificate(folder);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fingerprint, made.fingerprint);
  EXPECT_EQ(found->expires_ms, made.expires_ms);
  EXPECT_LT(found->expires_ms, now_ms_);
  std::ofstream(made.files.private_key) << "nonsense";
  EXPECT_FALSE(find_local_certificate(folder));
}

TEST_F(LocalCertificateTest, ANameThatCouldSmuggleAnotherInIsLeftOut) {
  const LocalCertificate made =
      certificate(now_ms_, {"localhost", "a,DNS:bank.example", "b\nc", ""});
  const std::string text =
      openssl("x509 -noout -ext subjectAltName -in " + made.files.certificate_chain.string());
  EXPECT_THAT(text, HasSubstr("DNS:localhost"));
  EXPECT_THAT(text, Not(HasSubstr("bank")));
}

TEST_F(LocalCertificateTest, AFolderThatCannotBeMadeIsTold) {
  std::ofstream(folder_.path() / "file") << "here";
  const auto failed = local_certificate(folder_.path() / "file", kNames, now_ms_);
  EXPECT_FALSE(failed);
}

TEST(NamesOfThisMachine, AreThoseThatABrowserOnItUses) {
  const auto names = names_of_this_machine();
  EXPECT_THAT(names, Contains("localhost"));
  EXPECT_THAT(names, Contains("127.0.0.1"));
  EXPECT_THAT(names, Contains("::1"));
}

}  // namespace
}  // namespace faceforge::http
