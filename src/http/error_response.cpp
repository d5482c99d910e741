#include "http/error_response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/unicode.h"

namespace faceforge::http {
namespace {

/// Busy because this client asked too often, not because the server has too much to do.
bool is_throttled(const Error& error) {
  return error.reason == "login_throttled" || error.reason == "sign_up_throttled";
}

constexpr int kRetryAfter_s = 5;

/// Whether the first number of the message are the seconds to wait.
bool names_seconds(const Error& error) {
  return is_throttled(error) || error.reason == "recognition_busy" ||
         error.reason == "server_busy" || error.reason == "pack_unavailable";
}

/// The seconds that the message names, else the usual ones.
int seconds_of(const Error& error) {
  if (!names_seconds(error)) return kRetryAfter_s;
  const size_t begin = error.message.find_first_of("0123456789");
  if (begin == std::string::npos) return kRetryAfter_s;
  int seconds = kRetryAfter_s;
  const char* const end = error.message.data() + error.message.size();
  std::from_chars(error.message.data() + begin, end, seconds);
  return seconds;
}

constexpr std::string_view kSeeLog =
    "something is wrong with this installation; its administrator finds details in the log";
constexpr std::string_view kNoRoom =
    "the server has no room left for this; its administrator has to make some";

/// What an error of the database or of a file means to a client, who can do nothing about either.
/// The words that such errors come with name paths, hosts and statements, and their codes are meant
/// for whoever runs the command: no client is forbidden a file of the server.
struct OwnTrouble {
  std::string_view reason;
  ErrorCode code;
  std::string_view message;
};
constexpr auto kOwnTroubles = std::to_array<OwnTrouble>({
    {"database_unreachable", ErrorCode::Busy, "the database cannot be reached; try again"},
    {"database_busy", ErrorCode::Busy, "the database has too much to do; try again"},
    {"database_full", ErrorCode::Exhausted, kNoRoom},
    {"database_read_only", ErrorCode::Internal, kSeeLog},
    {"constraint_violated", ErrorCode::Internal, kSeeLog},
    {"unique_violated", ErrorCode::AlreadyExists, "there is one like this already"},
    {"value_too_large", ErrorCode::TooLarge, "a value is larger than the database takes"},
    {"commit_outcome_unknown", ErrorCode::Conflict,
     "the database went away during the change; look whether it was made, then decide again"},
    {"disk_full", ErrorCode::Exhausted, kNoRoom},
    {"file_not_writable", ErrorCode::Internal, kSeeLog},
    {"file_not_readable", ErrorCode::Internal, kSeeLog},
    {"file_not_found", ErrorCode::Internal, kSeeLog},
    {"folder_not_found", ErrorCode::Internal, kSeeLog},
    {"file_too_large", ErrorCode::Internal, kSeeLog},
    {"not_a_file", ErrorCode::Internal, kSeeLog},
    {"not_a_folder", ErrorCode::Internal, kSeeLog},
    {"blob_not_found", ErrorCode::NotFound, "the file of this photo is lost"},
    {"blob_too_large", ErrorCode::Internal, kSeeLog},
});

/// The same error as a client may see it; nothing when it may be seen as it is.
std::optional<Error> disguised(const Error& error) {
  const auto own = std::ranges::find(kOwnTroubles, error.reason, &OwnTrouble::reason);
  if (own != kOwnTroubles.end()) return Error{own->code, error.reason, std::string(own->message)};
  if (error.code != ErrorCode::Corrupt && error.code != ErrorCode::Internal) return std::nullopt;
  return Error{error.code, error.reason, std::string(kSeeLog)};
}

}  // namespace

Error for_client(const Error& error) {
  return disguised(error).value_or(error);
}

bool is_own_trouble(const Error& error) {
  return disguised(error).has_value();
}

void log_own_trouble(const Error& error) {
  if (is_own_trouble(error)) log::error("{}: {}", error.reason, error.message);
}

int status_of(const Error& error) {
  switch (for_client(error).code) {
    case ErrorCode::InvalidInput:
      return 400;
    case ErrorCode::TooLarge:
      return 413;
    case ErrorCode::Unsupported:
      return 415;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::AlreadyExists:
    case ErrorCode::Conflict:
    case ErrorCode::Cancelled:
      return 409;
    case ErrorCode::Unauthenticated:
      return 401;
    case ErrorCode::Forbidden:
      return 403;
    case ErrorCode::Busy:
      return is_throttled(error) ? 429 : 503;
    case ErrorCode::Exhausted:
      return 507;
    case ErrorCode::Corrupt:
    case ErrorCode::Internal:
      return 500;
  }
  return 500;
}

std::optional<int> retry_after_s(const Error& error) {
  const int status = status_of(error);
  if (status != 429 && status != 503) return std::nullopt;
  return seconds_of(error);
}

json::object to_json(const Error& error) {
  const Error shown = for_client(error);
  return {{"code", to_string(shown.code)}, {"reason", shown.reason}, {"message", shown.message}};
}

Response error_response(const Error& error) {
  log_own_trouble(error);
  Response response = json_response(status_of(error), json::object{{"error", to_json(error)}});
  if (const auto seconds = retry_after_s(error)) {
    response.headers.add("Retry-After", std::to_string(*seconds));
  }
  if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

Response json_response(int status, const json::value& document) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = to_valid_utf8(json::to_text(document))};
}

Response no_content() {
  return {.status = 204};
}

}  // namespace faceforge::http
