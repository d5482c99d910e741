#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace faceforge::net {

/// Which machines a URL may lead to. PublicOnly refuses loopback, private, link-local, carrier NAT,
/// multicast and reserved addresses, IPv4 and IPv6, judged on the address that is connected to (so
/// neither a redirect nor a name that resolves to the inside gets around it). With PublicOnly, the
/// proxy that the environment may name is not used.
enum class AllowedAddresses { PublicOnly, Any };

struct DownloadProgress {
  uint64_t received_bytes = 0;            ///< what an earlier attempt left included
  std::optional<uint64_t> total_bytes{};  ///< when the server says
};

struct DownloadOptions {
  uint64_t limit_bytes = uint64_t{2} << 30;
  std::optional<std::string> expected_sha256{};  ///< 64 hexadecimal digits
  AllowedAddresses allowed_addresses = AllowedAddresses::PublicOnly;
  int redirect_limit = 5;
  int retry_limit = 5;      ///< attempts in a row that may bring nothing, after the first
  int retry_wait_ms = 500;  ///< before the first retry; doubles each time, to 30 s at most
  int connect_timeout_ms = 15'000;
  int stall_timeout_s = 30;  ///< an attempt ends when it gets less than 1 KB/s for this long
  std::filesystem::path certificates{};  ///< PEM file of whom to trust; empty: whom the system does
  std::function<void(const DownloadProgress&)> on_progress{};  ///< on the calling thread
  const std::atomic<bool>* cancelled = nullptr;                ///< looked at every second at least
};

struct DownloadReport {
  uint64_t size_bytes = 0;
  uint64_t resumed_at_bytes = 0;  ///< of these, how many an earlier call had left
  std::string sha256;             ///< hexadecimal
};

/// Whether a URL is one that `download` would ask for at all; nobody is asked.
///
/// fails: invalid_input/url_invalid
[[nodiscard]] Result<void> check_url(const std::string& url);

/// Downloads into `destination`, which appears complete and checked or not at all.
///
/// What has arrived lies in `destination` + `.part` until then (and what identifies it at the
/// server in `.part.json`), so that a retry, or a call after a restart, asks for the rest only. The
/// server's ETag or Last-Modified must still be the same (If-Range); otherwise, and with servers
/// that cannot resume, it starts again.
///
/// in:    an http or https URL without credentials; `destination` in an existing folder
/// fails: invalid_input/url_invalid (no host, another scheme, credentials, over 4096 bytes);
///        invalid_input/sha256_invalid (the expected one); conflict/download_in_progress;
///        forbidden/address_not_allowed; not_found/url_not_found (404, 410);
///        forbidden/url_forbidden (401, 403); forbidden/certificate_not_trusted;
///        invalid_input/url_refused (other 4xx, redirects beyond the limit, to another scheme or
///        from https to http); too_large/download_too_large;
///        corrupt/sha256_mismatch (the part is removed); busy/download_interrupted (retries used
///        up: connection, timeout, 5xx, 408, 425, 429; the part is kept);
///        cancelled/download_cancelled (kept); exhausted/disk_full; forbidden/file_not_writable;
///        not_found/folder_not_found
/// cost:  blocks until done
[[nodiscard]] Result<DownloadReport> download(const std::string& url,
                                              const std::filesystem::path& destination,
                                              const DownloadOptions& options = {});

}  // namespace faceforge::net
