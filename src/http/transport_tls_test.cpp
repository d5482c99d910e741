#include <array>
#include <memory>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
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
#include "http/transport_test_support.h"
#include "support/test_data.h"

namespace faceforge::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
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

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return {digest.begin(), digest.begin() + size};
}

std::string fingerprint_of(const TlsFiles& files) {
  FILE* const file = std::fopen(files.certificate_chain.c_str(), "r");
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_X509(file, nullptr, nullptr, nullptr), X509_free);
  std::fclose(file);
  return fingerprint_of(certificate.get());
}

/// A client that is connected by TLS and trusts everybody.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port) {
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.handshake(asio::ssl::stream_base::client);
  }

  /// out: everything until the server closes
  std::string ask(const std::string& request) {
    asio::write(stream_, asio::buffer(request));
    std::string answer;
    boost::system::error_code end;
    asio::read(stream_, asio::dynamic_buffer(answer), end);
    return answer;
  }

  std::string fingerprint() {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(stream_.native_handle()), X509_free);
    return fingerprint_of(certificate.get());
  }

  asio::ssl::stream<asio::ip::tcp::socket>& stream() { return stream_; }

 private:
  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  asio::ssl::stream<asio::ip::tcp::socket> stream_{io_, context_};
};

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

  std::string ask(const std::string& request) { return TlsClient(transport_->port()).ask(request); }

  /// Another certificate than the one that is served first.
  TlsFiles another_certificate() {
    const auto folder = folder_.path() / "another";
    std::filesystem::create_directories(folder);
    return write_certificate(folder);
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

TEST_F(TransportTlsTest, ServesAnotherCertificateFromTheNextConnectionOn) {
  TlsClient before(transport_->port());
  const TlsFiles another = another_certificate();
  ASSERT_NE(before.fingerprint(), fingerprint_of(another));
  ASSERT_TRUE(transport_->use_certificate(another));
  TlsClient after(transport_->port());
  EXPECT_EQ(after.fingerprint(), fingerprint_of(another));
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(before.ask(request), HasSubstr(" 200 ")) << "one that was open goes on";
  EXPECT_THAT(after.ask(request), HasSubstr(" 200 "));
}

TEST_F(TransportTlsTest, ACertificateThatCannotBeServedLeavesThePresentOne) {
  const std::string present = TlsClient(transport_->port()).fingerprint();
  TlsFiles files = another_certificate();
  files.private_key = folder_.path() / "key.pem";  // that of the first
  const auto used = transport_->use_certificate(files);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().reason, "tls_files");
  EXPECT_EQ(TlsClient(transport_->port()).fingerprint(), present);
}

TEST(TransportTlsSocket, AWebSocketIsServedAndEndsWithItsSession) {
  const faceforge::test::TemporaryFolder folder;
  test::FakeApplication application;
  const auto transport =
      Transport::start({.port = 0,
                        .tls = write_certificate(folder.path()),
                        .spool_folder = folder.path() / "spool",
                        .limits = {.socket_check = std::chrono::milliseconds(100)}},
                       application)
          .value();
  TlsClient client(transport->port());
  beast::websocket::stream<asio::ssl::stream<asio::ip::tcp::socket>&> socket(client.stream());
  socket.handshake("127.0.0.1", "/socket");
  beast::flat_buffer buffer;
  const auto received = [&] {
    buffer.clear();
    boost::system::error_code error;
    socket.read(buffer, error);
    return error ? error.message() : beast::buffers_to_string(buffer.cdata());
  };
  EXPECT_EQ(received(), "hello");
  socket.binary(true);
  socket.write(asio::buffer(std::string("one")));
  EXPECT_EQ(received(), "one 1 0");
  // Of the size of a frame: many records of TLS.
  socket.write(asio::buffer(std::string(200'000, 'x')));
  EXPECT_THAT(received(), testing::EndsWith("x 2 0"));
  application.all_logged_out = true;
  EXPECT_EQ(received(), make_error_code(beast::websocket::error::closed).message());
  EXPECT_EQ(socket.reason().code, beast::websocket::close_code::policy_error);
  EXPECT_EQ(std::string_view(socket.reason().reason.data(), socket.reason().reason.size()),
            "session_ended");
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
