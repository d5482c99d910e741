#include "net/download.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/sha256.h"
#include "net/internal/part_file.h"
#include "net/internal/transfer.h"

namespace faceforge::net {
namespace {

using internal::PartFile;

constexpr int kLongestWait_ms = 30'000;

// An attempt that brought this much does not use up a retry: a large file may come over a line that
// breaks often.
constexpr uint64_t kGain_bytes = 256 * 1024;

bool is_cancelled(const DownloadOptions& options) {
  return options.cancelled != nullptr && options.cancelled->load();
}

// In slices, so that a cancellation is noticed soon.
void wait_unless_cancelled(int wait_ms, const DownloadOptions& options) {
  constexpr std::chrono::milliseconds kSlice{50};
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (!is_cancelled(options) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_until(std::min(end, std::chrono::steady_clock::now() + kSlice));
  }
}

// Transfers until `part` is whole.
Result<void> transfer_with_retries(const std::string& url, PartFile& part,
                                   const DownloadOptions& options) {
  int retries_left = options.retry_limit;
  int wait_ms = options.retry_wait_ms;
  uint64_t most_bytes = part.size_bytes();
  while (true) {
    if (is_cancelled(options)) {
      return fail(ErrorCode::Cancelled, "download_cancelled", "the download was cancelled");
    }
    auto transferred = internal::transfer(url, part, options);
    if (transferred || transferred.error().code != ErrorCode::Busy) return transferred;
    // Against the most so far, because a server that cannot resume starts from 0 each time.
    const bool gained = part.size_bytes() >= most_bytes + kGain_bytes;
    most_bytes = std::max(most_bytes, part.size_bytes());
    if (gained) {
      retries_left = options.retry_limit;
      wait_ms = options.retry_wait_ms;
    } else if (retries_left-- == 0) {
      return transferred;
    }
    log::info("download: {}; trying again", transferred.error().message);
    wait_unless_cancelled(wait_ms, options);
    wait_ms = std::min(wait_ms * 2, kLongestWait_ms);
  }
}

// Leaves nothing behind that no later call could use.
Unexpected give_up(PartFile& part, Error error) {
  const bool useless = part.size_bytes() == 0 || error.code == ErrorCode::TooLarge ||
                       error.code == ErrorCode::NotFound || error.code == ErrorCode::Corrupt;
  if (useless) part.discard();
  return Unexpected(std::move(error));
}

Result<DownloadReport> fetch(const std::string& url, PartFile& part,
                             const std::optional<std::string>& expected_sha256,
                             const DownloadOptions& options) {
  TRY(transfer_with_retries(url, part, options));
  DownloadReport report{
      .size_bytes = part.size_bytes(), .resumed_at_bytes = part.found_bytes(), .sha256 = {}};
  report.sha256 = TRY(part.sha256());
  if (expected_sha256 && report.sha256 != *expected_sha256) {
    return fail(ErrorCode::Corrupt, "sha256_mismatch",
                "the download's sha256 is {}; {} was expected", report.sha256, *expected_sha256);
  }
  return report;
}

}  // namespace

Result<void> check_url(const std::string& url) {
  return internal::check_url(url);
}

Result<DownloadReport> download(const std::string& url, const std::filesystem::path& destination,
                                const DownloadOptions& options) {
  TRY(internal::check_url(url));
  std::optional<std::string> expected_sha256;
  if (options.expected_sha256) {
    const auto hash = sha256_from_hex(*options.expected_sha256);
    if (!hash) {
      return fail(ErrorCode::InvalidInput, "sha256_invalid",
                  "the expected sha256 is not 64 hexadecimal digits");
    }
    expected_sha256 = to_hex(*hash);
  }
  PartFile part = TRY(PartFile::open(destination, url));
  const bool resuming = part.size_bytes() > 0;
  auto report = fetch(url, part, expected_sha256, options);
  if (!report && report.error().code == ErrorCode::Corrupt && resuming) {
    // What an earlier call had left may have been at fault.
    log::info("download: {}; starting again", report.error().message);
    TRY(part.restart({}));
    report = fetch(url, part, expected_sha256, options);
  }
  if (!report) return give_up(part, std::move(report).error());
  TRY(part.finish());
  return report;
}

}  // namespace faceforge::net
