#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "http/local_certificate.h"
#include "http/transport.h"

namespace faceforge::cli {

/// With which certificate a server is reached by https; all empty: it is not.
struct TlsChoice {
  std::string own;  ///< `auto`: the server's own
  std::string certificate;
  std::string key;
};

/// `--tls auto`, or `--tls-certificate FILE` with `--tls-key FILE`.
void add_tls_options(CLI::App& command, TlsChoice& choice);

/// Where an installation keeps the certificate of `--tls auto`.
[[nodiscard]] std::filesystem::path own_certificate_folder(const std::string& data_folder);

/// The certificate of `--tls auto`, made where it is needed; nothing without it.
///
/// fails: as http::local_certificate
[[nodiscard]] Result<std::optional<http::LocalCertificate>> own_certificate(
    const TlsChoice& choice, const std::string& data_folder, const Clock& clock);

/// What whoever opens the pages should know about it.
[[nodiscard]] std::string introduction(const http::LocalCertificate& certificate);

/// Looks after the certificate of a server that may run for longer than it is good.
class CertificateUpkeep {
 public:
  /// Has the server use a certificate from now on.
  using Use = std::function<Result<void>(const http::TlsFiles&)>;

  virtual ~CertificateUpkeep() = default;

  /// Called every few seconds, by one thread. What fails is logged and tried again.
  virtual void look(UnixTime_ms now_ms) = 0;
};

/// Makes the server's own certificate anew before it expires: with the same key, and for the names
/// that the machine has then.
///
/// in: `present` is served
[[nodiscard]] std::unique_ptr<CertificateUpkeep> upkeep_of_own_certificate(
    http::LocalCertificate present, CertificateUpkeep::Use use);

/// Takes the files of a certificate up when somebody has replaced them, and warns once a day when
/// nobody has and it expires within two weeks.
///
/// in: `files` are served
[[nodiscard]] std::unique_ptr<CertificateUpkeep> upkeep_of_given_certificate(
    http::TlsFiles files, CertificateUpkeep::Use use);

}  // namespace faceforge::cli
