#include "http/error_response.h"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "base/log.h"

namespace faceforge::http {
namespace {

/// Busy because this client asked too often, not because the server has too much to do.
bool is_throttled(const Error& error) {
  return error.reason == "login_throttled" || error.reason == "sign_up_throttled";
}

constexpr int kRetryAfter_s = 5;

/// The seconds that a throttling message names, else the usual ones.
int retry_after_s(const Error& error) {
  if (!is_throttled(error)) return kRetryAfter_s;
  const size_t begin = error.message.find_first_of("0123456789");
  if (begin == std::string::npos) return kRetryAfter_s;
  int seconds = kRetryAfter_s;
  const char* const end = error.message.data() + error.message.size();
  std::from_chars(error.message.data() + begin, end, seconds);
  return seconds;
}

/// Messages about what is inside the server stay inside: they name paths and statements.
Error for_client(const Error& error) {
  if (error.code != ErrorCode::Corrupt && error.code != ErrorCode::Internal) return error;
  log::error("{}: {}", error.reason, error.message);
  return {error.code, error.reason,
          "something is wrong with this installation; its administrator finds details in the log"};
}

}  // namespace

int status_of(const Error& error) {
  switch (error.code) {
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

json::object to_json(const Error& error) {
  return {{"code", to_string(error.code)}, {"reason", error.reason}, {"message", error.message}};
}

Response error_response(const Error& error) {
  Response response =
      json_response(status_of(error), json::object{{"error", to_json(for_client(error))}});
  if (response.status == 429 || response.status == 503) {
    response.headers.add("Retry-After", std::to_string(retry_after_s(error)));
  }
  if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

Response json_response(int status, const json::value& document) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = json::to_text(document)};
}

Response no_content() {
  return {.status = 204};
}

}  // namespace faceforge::http
