#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/transport.h"

namespace faceforge::http {

/// A certificate that a server has made for itself: nobody vouches for it, whoever wants it trusted
/// tells their browser so.
struct LocalCertificate {
  TlsFiles files{};
  std::string fingerprint{};  ///< SHA-256, `AB:CD:..`, as browsers show it
  UnixTime_ms expires_ms = 0;
  bool is_new = false;  ///< made by this call
};

/// Days that browsers accept a certificate for: Apple's limit, and the CA/Browser Forum's of 2020,
/// is 398.
inline constexpr int kLocalCertificateDays = 397;
/// One that expires sooner is made anew.
inline constexpr int kLocalCertificateRenewalDays = 30;

/// The certificate in `folder` as it is, also one that has expired; nothing where there is none
/// that goes with its key. Makes and changes nothing.
[[nodiscard]] std::optional<LocalCertificate> find_local_certificate(
    const std::filesystem::path& folder);

/// Names under which browsers may reach this machine: `localhost`, its host name, the IPv4
/// addresses of its network interfaces, and both addresses that mean this machine.
[[nodiscard]] std::vector<std::string> names_of_this_machine();

/// Uses the certificate in `folder`, or makes it where there is none, where it expires soon, or
/// where it lacks one of `names`. The key stays when only the certificate is made anew. Both files
/// are for their owner only.
///
/// in:    `names` host names and IPv4 or IPv6 addresses, at least one; others are left out
/// out:   a certificate of a P-256 key that may serve TLS and sign nothing
/// fails: as make_private_folder and write_file_atomically; as read_text_file for a key that is
/// there
///        and cannot be read: it is not replaced; internal/certificate_failed
[[nodiscard]] Result<LocalCertificate> local_certificate(const std::filesystem::path& folder,
                                                         std::span<const std::string> names,
                                                         UnixTime_ms now_ms);

}  // namespace faceforge::http
