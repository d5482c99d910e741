#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "net/download.h"
#include "support/test_data.h"

namespace faceforge::net {
namespace {

// A certificate of its own for `localhost`, signed by itself, valid for an hour.
struct Identity {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};

  Identity() {
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate.get(), names, -1);
    X509_EXTENSION_free(names);
    CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  }

  [[nodiscard]] std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(memory.get(), certificate.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<size_t>(size)};
  }
};

// Gives the same answer to everyone who speaks TLS.
class TlsServer {
 public:
  explicit TlsServer(std::string answer) : answer_(std::move(answer)) {
    SSL_CTX_use_certificate(context_.get(), identity_.certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), identity_.key.get());
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listener_, 4) == 0);
    socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "https://localhost:" + std::to_string(ntohs(address.sin_port)) + "/x";
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string certificate() const { return identity_.pem(); }

 private:
  void serve() {
    while (true) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), SSL_free);
      SSL_set_fd(tls.get(), connection);
      char request[4096];
      if (SSL_accept(tls.get()) == 1 && SSL_read(tls.get(), request, sizeof request) > 0) {
        SSL_write(tls.get(), answer_.data(), static_cast<int>(answer_.size()));
        SSL_shutdown(tls.get());
      }
      ::close(connection);
    }
  }

  std::string answer_;
  Identity identity_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_server_method()),
                                                             SSL_CTX_free};
  int listener_ = -1;
  std::string url_;
  std::thread thread_;
};

class TlsDownloadTest : public testing::Test {
 protected:
  // As main() does: OpenSSL writes to sockets that the other side may have closed.
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  [[nodiscard]] std::filesystem::path destination() const { return folder_.path() / "x"; }
  DownloadOptions trusting(const TlsServer& server) {
    const auto file = folder_.path() / "certificates.pem";
    CHECK(write_file_atomically(file, server.certificate()).has_value());
    return {.allowed_addresses = AllowedAddresses::Any, .retry_limit = 0, .certificates = file};
  }

 private:
  test::TemporaryFolder folder_;
};

TEST_F(TlsDownloadTest, AServerWhoseCertificateIsTrustedIsAsked) {
  const TlsServer server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
  ASSERT_TRUE(download(server.url(), destination(), trusting(server)));
  EXPECT_EQ(read_text_file(destination(), 100).value(), "secret");
}

TEST_F(TlsDownloadTest, AnUnknownCertificateIsNotTrusted) {
  const TlsServer server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
  const auto report =
      download(server.url(), destination(), {.allowed_addresses = AllowedAddresses::Any});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(report.error().reason, "certificate_not_trusted");
  EXPECT_FALSE(std::filesystem::exists(destination()));
}

TEST_F(TlsDownloadTest, ACertificateForAnotherNameIsNotTrusted) {
  const TlsServer server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
  std::string url = server.url();
  url.replace(url.find("localhost"), 9, "127.0.0.1");
  const auto report = download(url, destination(), trusting(server));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "certificate_not_trusted");
}

TEST_F(TlsDownloadTest, ARedirectFromHttpsToHttpIsRefused) {
  const TlsServer server(
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n");
  for (const std::string scheme : {"https", "HTTPS"}) {
    const std::string url = scheme + server.url().substr(5);
    const auto report = download(url, destination(), trusting(server));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().reason, "url_refused") << url;
  }
}

}  // namespace
}  // namespace faceforge::net
