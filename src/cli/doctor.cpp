#include "cli/doctor.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/listen_address.h"
#include "cli/pack_choice.h"
#include "http/tls_files.h"
#include "nn/processor.h"
#include "store/database.h"

namespace faceforge::cli {
namespace {

namespace fs = std::filesystem;

Finding fault(std::string check, const Error& error, std::string advice) {
  return {.check = std::move(check),
          .state = FindingState::Fault,
          .message = error.message,
          .advice = std::move(advice),
          .error = error};
}

std::string in_units(uint64_t bytes) {
  constexpr double kGigabyte = 1e9;
  const auto number = static_cast<double>(bytes);
  return number < kGigabyte ? fmt::format("{:.0f} MB", number / 1e6)
                            : fmt::format("{:.1f} GB", number / kGigabyte);
}

/// The folder, or the nearest one above it that is there.
fs::path existing(const std::string& folder) {
  std::error_code failed;
  fs::path place = fs::absolute(folder, failed);
  while (!fs::exists(place, failed) && place.has_relative_path()) place = place.parent_path();
  return place;
}

constexpr auto kTlsCheck = "tls";
constexpr UnixTime_ms kDay_ms = 86'400'000;

Finding given_certificate_finding(const DoctorOptions& options, const Clock& clock) {
  const auto expiry = http::tls_expiry({options.tls.certificate, options.tls.key});
  if (!expiry) return fault(kTlsCheck, expiry.error(), "Name the PEM files of one certificate.");
  const UnixTime_ms left_ms = *expiry - clock.now_ms();
  Finding finding{.check = kTlsCheck,
                  .message = fmt::format("the certificate is good until {}", to_rfc3339(*expiry)),
                  .figures = {{"expires_at", to_rfc3339(*expiry)}}};
  if (left_ms >= 30 * kDay_ms) return finding;
  finding.advice = "Renew its files; a server that runs takes them up by itself.";
  finding.state = left_ms <= 0 ? FindingState::Fault : FindingState::Hint;
  if (left_ms <= 0) {
    finding.message = fmt::format("the certificate expired at {}", to_rfc3339(*expiry));
    finding.error = Error{ErrorCode::InvalidInput, "tls_expired", finding.message};
  }
  return finding;
}

/// One that has expired is no fault: the next start makes another.
Finding own_certificate_finding(const DoctorOptions& options, const Clock& clock) {
  const auto found =
      http::find_local_certificate(own_certificate_folder(options.installation.data_folder));
  if (!found) {
    return {.check = kTlsCheck, .message = "no own certificate yet: `faceforge serve` makes it"};
  }
  Finding finding{.check = kTlsCheck,
                  .message = fmt::format("the server's own certificate, until {}; SHA-256 {}",
                                         to_rfc3339(found->expires_ms), found->fingerprint),
                  .figures = {{"expires_at", to_rfc3339(found->expires_ms)},
                              {"fingerprint", found->fingerprint}}};
  if (found->expires_ms - clock.now_ms() > http::kLocalCertificateRenewalDays * kDay_ms) {
    return finding;
  }
  finding.state = FindingState::Hint;
  finding.advice =
      "The server makes it anew, at its start or within the hour: browsers ask again whether to "
      "trust it.";
  return finding;
}

}  // namespace

Finding check_data_folder(const std::string& folder) {
  const std::string check = "data_folder";
  if (const auto named = require_data_folder(folder); !named) {
    return fault(check, named.error(), "Give --data DIR, or set HOME.");
  }
  struct stat found {};
  if (stat(folder.c_str(), &found) != 0) {
    if (errno != ENOENT) {
      return fault(check, file_error(errno, "look at", folder), "Name another folder with --data.");
    }
    return {.check = check,
            .state = FindingState::Hint,
            .message = fmt::format("{} is not there yet", folder),
            .advice = "`faceforge serve` and `faceforge packs install` make it."};
  }
  if (!S_ISDIR(found.st_mode)) {
    const Error error{ErrorCode::InvalidInput, "data_folder_is_a_file",
                      fmt::format("{} is a file; --data names a folder", folder)};
    return fault(check, error, "Name a folder with --data.");
  }
  if (faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return fault(check, file_error(errno, "write into", folder),
                 "Run as the folder's owner, or change its owner with chown.");
  }
  const auto mode = found.st_mode & 07777U;
  Finding finding{.check = check,
                  .message = fmt::format("{}, writable, mode {:04o}", folder, mode),
                  .figures = {{"mode", fmt::format("{:04o}", mode)}}};
  if ((mode & (S_IRWXG | S_IRWXO)) != 0) {
    finding.state = FindingState::Hint;
    finding.message =
        fmt::format("{} is open to other users of this machine: mode {:04o}", folder, mode);
    finding.advice = fmt::format("chmod 700 '{}'", folder);
  }
  return finding;
}

Finding check_free_disk(const std::string& folder, uint64_t free_bytes) {
  constexpr uint64_t kFault_bytes = 100'000'000;
  constexpr uint64_t kHint_bytes = 1'000'000'000;
  Finding finding{.check = "free_disk",
                  .message = fmt::format("{} free for {}", in_units(free_bytes), folder),
                  .figures = {{"free_bytes", free_bytes}}};
  if (free_bytes >= kHint_bytes) return finding;
  finding.advice = fmt::format("Make room: {} or more.", in_units(kHint_bytes));
  finding.state = free_bytes < kFault_bytes ? FindingState::Fault : FindingState::Hint;
  if (finding.state == FindingState::Fault) {
    finding.error = Error{ErrorCode::Exhausted, "disk_full", finding.message};
  }
  return finding;
}

Finding check_free_disk(const std::string& folder) {
  const fs::path place = existing(folder);
  struct statvfs disk {};
  if (statvfs(place.c_str(), &disk) != 0) {
    return fault("free_disk", file_error(errno, "look at", place), "");
  }
  return check_free_disk(folder, uint64_t{disk.f_bavail} * disk.f_frsize);
}

Finding check_database(const InstallationOptions& options) {
  const std::string check = "database";
  const std::string location = database_location(options);
  const auto dialect = store::dialect_of(location);
  if (!dialect) return fault(check, dialect.error(), "Name the database with --database.");
  const bool is_file = *dialect == store::Dialect::Sqlite;
  std::error_code failed;
  if (is_file && !fs::exists(location, failed)) {
    return {.check = check, .message = "none yet: `faceforge serve` makes it"};
  }
  if (const auto examined = store::examine(location); !examined) {
    return fault(check, examined.error(),
                 is_file ? "Put back a backup of it, or see docs/operate.md."
                         : "See whether the database server runs, and who may log in.");
  }
  if (!is_file) return {.check = check, .message = "PostgreSQL answers"};
  const auto size_bytes = fs::file_size(location, failed);
  return {.check = check,
          .message = fmt::format("SQLite, {}, opens and is whole", in_units(size_bytes)),
          .figures = {{"size_bytes", size_bytes}}};
}

Finding check_processor() {
  const nn::InstructionSet set = nn::instruction_set();
  const std::string name(nn::to_string(set));
  Finding finding{.check = "processor",
                  .message = fmt::format("the networks use {}", name),
                  .figures = {{"instruction_set", name}}};
  if (set >= nn::InstructionSet::Avx2) return finding;
  finding.state = FindingState::Hint;
  finding.advice =
      "A processor with AVX2 is several times as fast; in a virtual machine, hand the host's "
      "processor on.";
  return finding;
}

Finding check_tls(const DoctorOptions& options, const Clock& clock) {
  const auto listen = parse_listen_address(options.listen);
  if (!listen) return fault(kTlsCheck, listen.error(), "Name an address with --listen.");
  if (!options.tls.own.empty()) return own_certificate_finding(options, clock);
  if (!options.tls.certificate.empty()) return given_certificate_finding(options, clock);
  const bool is_local = listen->address.starts_with("127.") || listen->address == "::1";
  if (is_local)
    return {.check = kTlsCheck, .message = "none, and none needed on this machine alone"};
  if (options.behind_proxy) return {.check = kTlsCheck, .message = "left to the reverse proxy"};
  return {.check = kTlsCheck,
          .state = FindingState::Hint,
          .message = fmt::format("none at {}: passwords and photos cross the network in the open",
                                 options.listen),
          .advice =
              "Give --tls auto, or --tls-certificate and --tls-key, or put a reverse proxy before "
              "it and give --behind-proxy: docs/operate.md."};
}

Finding check_web_folder(const std::string& web_folder) {
  std::error_code failed;
  if (!web_folder.empty() && fs::exists(fs::path(web_folder) / "index.html", failed)) {
    return {.check = "pages", .message = web_folder};
  }
  return {.check = "pages",
          .state = FindingState::Hint,
          .message = web_folder.empty() ? "no built pages were found: the API is served alone"
                                        : fmt::format("{} holds no built pages", web_folder),
          .advice = "./run builds them; --web names their folder."};
}

std::vector<Finding> examine(const DoctorOptions& options, const Clock& clock) {
  const std::string& data_folder = options.installation.data_folder;
  std::vector<Finding> findings = {check_data_folder(data_folder)};
  // Where no data folder is named there is none to look into: the working folder is not it.
  if (!data_folder.empty()) {
    findings.push_back(check_free_disk(data_folder));
    findings.push_back(check_database(options.installation));
    for (Finding& finding : check_packs(options)) findings.push_back(std::move(finding));
  }
  findings.push_back(check_processor());
  findings.push_back(check_web_folder(options.web_folder));
  findings.push_back(check_tls(options, clock));
  return findings;
}

FindingState worst(const std::vector<Finding>& findings) {
  FindingState state = FindingState::Ok;
  for (const Finding& finding : findings) state = std::max(state, finding.state);
  return state;
}

}  // namespace faceforge::cli
