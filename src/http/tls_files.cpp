#include "http/tls_files.h"

#include <ctime>

#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "http/internal/tls_context.h"

namespace faceforge::http {

namespace asio = boost::asio;

Result<void> load_tls(std::optional<asio::ssl::context>& context, const TlsFiles& files) {
  context.emplace(asio::ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1 |
                           SSL_OP_CLEANSE_PLAINTEXT,  // a password, once it was handed on
                       error);
  if (!error) context->use_certificate_chain_file(files.certificate_chain.string(), error);
  if (error) {
    return fail(ErrorCode::InvalidInput, "tls_files", "cannot use the certificate {}: {}",
                files.certificate_chain.string(), error.message());
  }
  context->use_private_key_file(files.private_key.string(), asio::ssl::context::pem, error);
  if (error) {
    return fail(ErrorCode::InvalidInput, "tls_files", "cannot use the private key {}: {}",
                files.private_key.string(), error.message());
  }
  return {};
}

Result<UnixTime_ms> tls_expiry(const TlsFiles& files) {
  std::optional<asio::ssl::context> context;
  TRY(load_tls(context, files));
  const X509* certificate = SSL_CTX_get0_certificate(context->native_handle());
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
    return fail(ErrorCode::InvalidInput, "tls_files", "cannot tell when the certificate {} expires",
                files.certificate_chain.string());
  }
  return UnixTime_ms{timegm(&end)} * 1'000;
}

}  // namespace faceforge::http
