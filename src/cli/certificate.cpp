#include "cli/certificate.h"

#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "cli/text.h"
#include "http/tls_files.h"

namespace faceforge::cli {
namespace {

constexpr UnixTime_ms kHour_ms = 3'600'000;
constexpr UnixTime_ms kDay_ms = 24 * kHour_ms;
constexpr UnixTime_ms kWarnBefore_ms = 14 * kDay_ms;

std::string date_of(UnixTime_ms time_ms) {
  return to_rfc3339(time_ms).substr(0, 10);
}

class OwnCertificate final : public CertificateUpkeep {
 public:
  OwnCertificate(http::LocalCertificate present, Use use)
      : present_(std::move(present)), use_(std::move(use)) {}

  void look(UnixTime_ms now_ms) override {
    const bool is_good =
        present_.expires_ms - now_ms > http::kLocalCertificateRenewalDays * kDay_ms;
    if (is_good || now_ms < next_attempt_ms_) return;
    next_attempt_ms_ = now_ms + kHour_ms;
    if (const auto renewed = renew(now_ms); !renewed) {
      log::warning("the server's own certificate, good until {}, was not renewed: {}",
                   date_of(present_.expires_ms), renewed.error().message);
      return;
    }
    log::warning(
        "the server's own certificate was renewed until {}: browsers that were told to trust the "
        "one before ask again; SHA-256 {}",
        date_of(present_.expires_ms), present_.fingerprint);
  }

 private:
  Result<void> renew(UnixTime_ms now_ms) {
    const auto folder = present_.files.certificate_chain.parent_path();
    auto made = TRY(http::local_certificate(folder, http::names_of_this_machine(), now_ms));
    TRY(use_(made.files));
    present_ = std::move(made);
    return {};
  }

  http::LocalCertificate present_;
  const Use use_;
  UnixTime_ms next_attempt_ms_ = 0;
};

class GivenCertificate final : public CertificateUpkeep {
 public:
  GivenCertificate(http::TlsFiles files, Use use)
      : files_(std::move(files)), use_(std::move(use)), seen_(times_of_files()) {
    if (const auto expiry = http::tls_expiry(files_)) expires_ms_ = *expiry;
  }

  void look(UnixTime_ms now_ms) override {
    if (const Times present = times_of_files(); present != seen_) {
      seen_ = present;
      take_up();
    }
    const bool expires_soon = expires_ms_ && *expires_ms_ - now_ms < kWarnBefore_ms;
    if (!expires_soon || now_ms < next_warning_ms_) return;
    next_warning_ms_ = now_ms + kDay_ms;
    log::warning("the certificate is good until {}: renew its files, the server takes them up",
                 to_rfc3339(*expires_ms_));
  }

 private:
  using Times = std::array<std::filesystem::file_time_type, 2>;

  /// A file that is not there has the earliest time.
  [[nodiscard]] Times times_of_files() const {
    std::error_code missing;
    return {std::filesystem::last_write_time(files_.certificate_chain, missing),
            std::filesystem::last_write_time(files_.private_key, missing)};
  }

  /// Between the writing of one file and of the other they do not go together: the second changes
  /// them again.
  void take_up() {
    const auto expiry = http::tls_expiry(files_);
    const auto used = expiry ? use_(files_) : Result<void>(Unexpected(expiry.error()));
    if (!used) {
      log::warning("the files of the certificate have changed and are not used: {}",
                   used.error().message);
      return;
    }
    expires_ms_ = *expiry;
    next_warning_ms_ = 0;
    log::info("the certificate's new files are used; it is good until {}", date_of(*expiry));
  }

  const http::TlsFiles files_;
  const Use use_;
  Times seen_;
  std::optional<UnixTime_ms> expires_ms_;
  UnixTime_ms next_warning_ms_ = 0;
};

}  // namespace

void add_tls_options(CLI::App& command, TlsChoice& choice) {
  auto* own = command
                  .add_option("--tls", choice.own,
                              "auto: https with a certificate of the server's own, made in the "
                              "data folder")
                  ->type_name("auto")
                  ->check(CLI::IsMember({"auto"}));
  auto* certificate = command
                          .add_option("--tls-certificate,--tls-cert", choice.certificate,
                                      "Https: certificate chain, PEM")
                          ->type_name("FILE")
                          ->excludes(own);
  auto* key =
      command.add_option("--tls-key", choice.key, "The certificate's key, PEM")->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
}

std::filesystem::path own_certificate_folder(const std::string& data_folder) {
  return std::filesystem::path(data_folder) / "tls";
}

Result<std::optional<http::LocalCertificate>> own_certificate(const TlsChoice& choice,
                                                              const std::string& data_folder,
                                                              const Clock& clock) {
  if (choice.own.empty()) return std::nullopt;
  return TRY(http::local_certificate(own_certificate_folder(data_folder),
                                     http::names_of_this_machine(), clock.now_ms()));
}

std::string introduction(const http::LocalCertificate& certificate) {
  return fmt::format(
      "The certificate is this server's own{}, until {}:\n"
      "  {}\n"
      "  SHA-256 {}\n"
      "Browsers warn until they are told to trust it. Compare the fingerprint and go "
      "on, or import\nthe file: docs/operate.md says how, for each browser and "
      "system.\n",
      certificate.is_new ? " (new)" : "", date_of(certificate.expires_ms),
      to_printable(certificate.files.certificate_chain.string()), certificate.fingerprint);
}

std::unique_ptr<CertificateUpkeep> upkeep_of_own_certificate(http::LocalCertificate present,
                                                             CertificateUpkeep::Use use) {
  return std::make_unique<OwnCertificate>(std::move(present), std::move(use));
}

std::unique_ptr<CertificateUpkeep> upkeep_of_given_certificate(http::TlsFiles files,
                                                               CertificateUpkeep::Use use) {
  return std::make_unique<GivenCertificate>(std::move(files), std::move(use));
}

}  // namespace faceforge::cli
