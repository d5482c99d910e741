#include "net/internal/transfer.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <curl/curl.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/internal/public_address.h"

namespace faceforge::net::internal {
namespace {

constexpr size_t kMaxUrl_bytes = 4096;
constexpr auto kProgressPause = std::chrono::milliseconds(100);

constexpr long kOk = 200;
constexpr long kPartialContent = 206;
constexpr long kRangeNotSatisfiable = 416;

template <typename... Args>
Unexpected interrupted(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::Busy, "download_interrupted", format, std::forward<Args>(args)...);
}

// The host that a transfer went to last; never the rest of its URL, which may hold a key.
std::string host_of(CURL* handle) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  char* text = nullptr;
  curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &text);
  if (!url || text == nullptr || curl_url_set(url.get(), CURLUPART_URL, text, 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK) {
    return "the server";
  }
  const std::unique_ptr<char, decltype(&curl_free)> host(text, &curl_free);
  return host.get();
}

void start_curl() {
  static const CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK_MSG(status == CURLE_OK, "libcurl does not start");
}

// The bytes of `bytes FIRST-LAST/TOTAL` that a 206 answer holds (RFC 9110, section 14.4).
struct ContentRange {
  uint64_t first = 0;
  std::optional<uint64_t> total;
};

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto first = take_number(text);
  if (!first || !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_number(text) || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  return ContentRange{*first, take_number(text)};
}

Unexpected refused_by_status(long status) {
  switch (status) {
    case 404:
    case 410:
      return fail(ErrorCode::NotFound, "url_not_found", "the server has no such file (HTTP {})",
                  status);
    case 401:
    case 403:
      return fail(ErrorCode::Forbidden, "url_forbidden",
                  "the server does not give this file to us (HTTP {})", status);
    case 408:
    case 425:
    case 429:
      return interrupted("the server is busy (HTTP {})", status);
    default:
      break;
  }
  if (status >= 500) return interrupted("the server has a problem (HTTP {})", status);
  return fail(ErrorCode::InvalidInput, "url_refused", "the server answered with HTTP {}", status);
}

struct CleanHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  return owned.get();
}

std::string scheme_of(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  CHECK_MSG(parsed != nullptr, "no memory for a URL");
  const bool is_url = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
  return is_url ? url_part(parsed.get(), CURLUPART_SCHEME) : std::string();
}

// One request. Libcurl calls the four callbacks from run(), on the same thread.
class Transfer {
 public:
  Transfer(PartFile& part, const DownloadOptions& options)
      : part_(part), options_(options), handle_(curl_easy_init()) {
    CHECK_MSG(handle_ != nullptr, "no memory for a transfer");
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<void> run(const std::string& url);

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    CHECK(curl_easy_setopt(handle_.get(), option, value) == CURLE_OK);
  }
  void set_up(const std::string& url);
  void set_up_resume();

  [[nodiscard]] long status() const;
  [[nodiscard]] std::string header(const char* name) const;

  Result<void> begin_body();
  Result<void> begin_rest();
  Result<void> take(std::span<const std::byte> bytes);
  Result<void> range_not_satisfiable();
  Result<void> explain(CURLcode code);
  void report_progress();

  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static int on_tick(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address);

  PartFile& part_;
  const DownloadOptions& options_;
  std::unique_ptr<CURL, CleanHandle> handle_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  bool body_has_begun_ = false;
  std::optional<uint64_t> total_bytes_;
  std::optional<Error> error_;  // why a callback stopped the transfer
  std::string refused_address_;
  std::chrono::steady_clock::time_point last_report_{};
};

void Transfer::set_up(const std::string& url) {
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);  // threads: SIGPIPE is the program's to ignore, see main()
  set(CURLOPT_USERAGENT, "faceforge");
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  // A download that began in private does not go on in the open.
  set(CURLOPT_REDIR_PROTOCOLS_STR, scheme_of(url) == "http" ? "http,https" : "https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, static_cast<long>(options_.redirect_limit));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout_ms));
  set(CURLOPT_LOW_SPEED_LIMIT, 1024L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_timeout_s));
  if (!options_.certificates.empty()) set(CURLOPT_CAINFO, options_.certificates.c_str());
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_tick);
  set(CURLOPT_XFERINFODATA, this);
  if (options_.allowed_addresses == AllowedAddresses::PublicOnly) {
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    // A proxy of the environment would connect on our behalf, unguarded.
    set(CURLOPT_PROXY, "");
  }
}

void Transfer::set_up_resume() {
  if (!part_.is_resumable()) return;
  const std::string if_range = "If-Range: " + *part_.validator().if_range();
  headers_.reset(curl_slist_append(nullptr, if_range.c_str()));
  CHECK_MSG(headers_ != nullptr, "no memory for a header");
  set(CURLOPT_HTTPHEADER, headers_.get());
  const std::string range = std::to_string(part_.size_bytes()) + "-";
  set(CURLOPT_RANGE, range.c_str());
}

Result<void> Transfer::run(const std::string& url) {
  set_up(url);
  set_up_resume();
  const CURLcode code = curl_easy_perform(handle_.get());
  if (code != CURLE_OK || error_) return explain(code);
  if (!body_has_begun_) TRY(begin_body());  // an empty file
  if (total_bytes_ && part_.size_bytes() != *total_bytes_) {
    return interrupted("{} of {} bytes arrived", part_.size_bytes(), *total_bytes_);
  }
  last_report_ = {};
  report_progress();
  return {};
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  // The last request's: what a redirect said does not count.
  if (curl_easy_header(handle_.get(), name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return {};
  return found->value;
}

// Decides, once the final answer's headers are there, where its body belongs.
Result<void> Transfer::begin_body() {
  body_has_begun_ = true;
  if (status() == kPartialContent && headers_ != nullptr) return begin_rest();
  if (status() == kRangeNotSatisfiable && headers_ != nullptr) return range_not_satisfiable();
  if (status() != kOk) return refused_by_status(status());
  TRY(part_.restart({.etag = header("ETag"), .last_modified = header("Last-Modified")}));
  curl_off_t length = -1;
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) total_bytes_ = static_cast<uint64_t>(length);
  return {};
}

Result<void> Transfer::begin_rest() {
  const auto range = parse_content_range(header("Content-Range"));
  const Validator validator{.etag = header("ETag"), .last_modified = header("Last-Modified")};
  const bool fits =
      range && range->first == part_.size_bytes() && part_.validator().may_be_same_as(validator);
  if (!fits) {
    TRY(part_.restart({}));
    return interrupted("the server resumed another file or at another place");
  }
  total_bytes_ = range->total;
  return {};
}

// The server has no more bytes than are here: either all had arrived, or it has another file now.
Result<void> Transfer::range_not_satisfiable() {
  const std::string complete = fmt::format("bytes */{}", part_.size_bytes());
  if (header("Content-Range") == complete) {
    total_bytes_ = part_.size_bytes();
    return {};
  }
  TRY(part_.restart({}));
  return interrupted("the server has a shorter file now");
}

Result<void> Transfer::take(std::span<const std::byte> bytes) {
  if (!body_has_begun_) TRY(begin_body());
  if (status() == kRangeNotSatisfiable) return {};  // the words of the refusal
  const uint64_t known_bytes = total_bytes_.value_or(part_.size_bytes() + bytes.size());
  if (known_bytes > options_.limit_bytes ||
      part_.size_bytes() + bytes.size() > options_.limit_bytes) {
    return fail(ErrorCode::TooLarge, "download_too_large",
                "the file has {} bytes or more; the limit is {}", known_bytes,
                options_.limit_bytes);
  }
  return part_.append(bytes);
}

void Transfer::report_progress() {
  const auto now = std::chrono::steady_clock::now();
  if (!options_.on_progress || now - last_report_ < kProgressPause) return;
  last_report_ = now;
  options_.on_progress({.received_bytes = part_.size_bytes(), .total_bytes = total_bytes_});
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::span<const char> body(data, size * count);
  const auto taken = transfer.take(std::as_bytes(body));
  if (taken) return body.size();
  transfer.error_ = taken.error();
  return CURL_WRITEFUNC_ERROR;
}

int Transfer::on_tick(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.options_.cancelled != nullptr && transfer.options_.cancelled->load()) return 1;
  if (transfer.body_has_begun_ && !transfer.error_) transfer.report_progress();
  return 0;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (!is_public_address(address->addr)) {
    transfer.refused_address_ = address_text(address->addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Result<void> Transfer::explain(CURLcode code) {
  if (error_) return Unexpected(*std::move(error_));
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return fail(ErrorCode::Cancelled, "download_cancelled", "the download was cancelled");
    case CURLE_TOO_MANY_REDIRECTS:
      return fail(ErrorCode::InvalidInput, "url_refused", "the server redirects more than {} times",
                  options_.redirect_limit);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return fail(ErrorCode::InvalidInput, "url_refused",
                  "the server redirects to an address that is not allowed");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(ErrorCode::Forbidden, "certificate_not_trusted",
                  "the server's certificate is not trusted");
    case CURLE_COULDNT_CONNECT:
      if (!refused_address_.empty()) {
        return fail(ErrorCode::Forbidden, "address_not_allowed",
                    "the URL leads to {}, which is not a public address", refused_address_);
      }
      break;
    default:
      break;
  }
  return interrupted("{}: {} after {} bytes", host_of(handle_.get()), curl_easy_strerror(code),
                     part_.size_bytes());
}

}  // namespace

Result<void> check_url(const std::string& url) {
  start_curl();
  const auto invalid = [](std::string_view fault) {
    return fail(ErrorCode::InvalidInput, "url_invalid", "the URL {}", fault);
  };
  if (url.size() > kMaxUrl_bytes) return invalid("is longer than 4096 bytes");
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  CHECK_MSG(parsed != nullptr, "no memory for a URL");
  if (url.find('\0') != std::string::npos || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(),
                                                          CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return invalid("is malformed");
  }
  const std::string scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return invalid("is neither http nor https");
  if (url_part(parsed.get(), CURLUPART_HOST).empty()) return invalid("names no server");
  if (!url_part(parsed.get(), CURLUPART_USER).empty() ||
      !url_part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return invalid("holds credentials, which do not belong there");
  }
  return {};
}

Result<void> transfer(const std::string& url, PartFile& part, const DownloadOptions& options) {
  return Transfer(part, options).run(url);
}

}  // namespace faceforge::net::internal
