#include <memory>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "http/client_test_support.h"
#include "http/tls_files.h"
#include "http/transport.h"
#include "support/test_data.h"

namespace faceforge::http {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;

/// A key and a certificate for `localhost` that nobody has signed, valid for an hour.
TlsFiles write_certificate(const std::filesystem::path& folder) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());

  TlsFiles files{.certificate_chain = folder / "chain.pem", .private_key = folder / "key.pem"};
  FILE* file = std::fopen(files.certificate_chain.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(files.private_key.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  return files;
}

class Echo final : public Application {
 public:
  class EchoExchange final : public Exchange {
   public:
    Lane lane() const override { return Lane::Quick; }
    size_t body_limit_bytes() const override { return 3'000'000; }
    std::string_view route_name() const override { return "/echo"; }
    std::string asker() const override { return {}; }
    std::optional<Response> admit() override { return std::nullopt; }
    Response answer(Body body, std::stop_token) override {
      return {.body = std::vector<std::byte>(body.bytes().begin(), body.bytes().end())};
    }
  };
  std::unique_ptr<Exchange> begin(RequestHead) override { return std::make_unique<EchoExchange>(); }
  void finish(Response& response, Scheme scheme) const override {
    response.headers.add("X-Scheme", scheme == Scheme::Https ? "https" : "http");
  }
};

class TransportTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = Transport::start({.port = 0,
                                     .tls = write_certificate(folder_.path()),
                                     .spool_folder = folder_.path() / "spool"},
                                    application_);
    ASSERT_TRUE(started) << started.error().message;
    transport_ = *std::move(started);
  }

  std::string ask(const std::string& request) {
    asio::io_context io;
    asio::ssl::context context(asio::ssl::context::tls_client);
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, context);
    stream.next_layer().connect(
        {asio::ip::address_v4::loopback(), static_cast<uint16_t>(transport_->port())});
    stream.handshake(asio::ssl::stream_base::client);
    asio::write(stream, asio::buffer(request));
    std::string answer;
    boost::system::error_code end;
    asio::read(stream, asio::dynamic_buffer(answer), end);
    return answer;
  }

  faceforge::test::TemporaryFolder folder_;
  Echo application_;
  std::unique_ptr<Transport> transport_;
};

TEST_F(TransportTlsTest, AnswersOverTls) {
  const std::string body(2'000'000, 'x');
  const std::string answer = ask(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n" + body);
  EXPECT_THAT(answer.substr(0, 500), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(answer.substr(0, 500), HasSubstr("X-Scheme: https"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body));
}

TEST_F(TransportTlsTest, ClosesOnWhoeverSpeaksPlainHttp) {
  test::RawClient plain(transport_->port());
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_FALSE(plain.receive());
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), HasSubstr(" 200 "));
}

TEST_F(TransportTlsTest, RefusesAKeyThatIsNotTheCertificates) {
  const TlsFiles first = write_certificate(folder_.path());
  const auto other = folder_.path() / "other";
  std::filesystem::create_directories(other);
  const TlsFiles second = write_certificate(other);
  const auto started =
      Transport::start({.port = 0,
                        .tls = TlsFiles{first.certificate_chain, second.private_key},
                        .spool_folder = folder_.path() / "spool"},
                       application_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, "tls_files");
}

TEST(TlsFiles, TellWhenTheCertificateExpires) {
  const faceforge::test::TemporaryFolder folder;
  const TlsFiles files = write_certificate(folder.path());
  const auto expiry = tls_expiry(files);
  ASSERT_TRUE(expiry) << expiry.error().message;
  EXPECT_NEAR(static_cast<double>(*expiry), static_cast<double>(SystemClock().now_ms()) + 3.6e6,
              60'000);
}

TEST(TlsFiles, ThatCannotBeUsedSayWhich) {
  const faceforge::test::TemporaryFolder folder;
  const TlsFiles files = write_certificate(folder.path());
  std::filesystem::create_directory(folder.path() / "other");
  const TlsFiles other = write_certificate(folder.path() / "other");
  const auto mismatched = tls_expiry({files.certificate_chain, other.private_key});
  ASSERT_FALSE(mismatched) << "the key is of another certificate";
  EXPECT_EQ(mismatched.error().reason, "tls_files");
  EXPECT_THAT(mismatched.error().message, HasSubstr("private key"));
  const auto missing = tls_expiry({folder.path() / "none.pem", files.private_key});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("none.pem"));
}

}  // namespace
}  // namespace faceforge::http
