#include "http/internal/refusals.h"

#include <fmt/format.h>

#include "http/error_response.h"
#include "http/header_value.h"

namespace faceforge::http::internal {
namespace {

Response with_status(int status, const Error& error) {
  Response response = error_response(error);
  response.status = status;
  return response;
}

}  // namespace

Response header_too_large() {
  return with_status(
      431, {ErrorCode::TooLarge, "header_too_large", "the header of the request is too long"});
}

Response request_malformed(const std::string& why) {
  return error_response(
      {ErrorCode::InvalidInput, "request_malformed", "not a valid HTTP/1.1 request: " + why});
}

Response body_incomplete() {
  return error_response({ErrorCode::InvalidInput, "body_incomplete",
                         "the body of the request ended before its announced end; send it again"});
}

Response body_too_slow(size_t received_bytes, std::chrono::steady_clock::duration taken) {
  return with_status(
      408, {ErrorCode::InvalidInput, "body_too_slow",
            fmt::format("the body of the request stopped: {} bytes in {:.1f} s", received_bytes,
                        std::chrono::duration<double>(taken).count())});
}

Response body_too_large(size_t limit_bytes) {
  return error_response({ErrorCode::TooLarge, "body_too_large",
                         fmt::format("the body of this request may have {} bytes", limit_bytes)});
}

Response server_busy() {
  return error_response(
      {ErrorCode::Busy, "server_busy", "too much to do at the moment; try again"});
}

Response server_busy(std::chrono::seconds retry_after) {
  return error_response(
      {ErrorCode::Busy, "server_busy",
       fmt::format("too much to do at the moment; try again in {} seconds", retry_after.count())});
}

Response share_taken(size_t limit) {
  return error_response({ErrorCode::Busy, "share_taken",
                         fmt::format("{} requests of yours are being answered, as many as each may "
                                     "have at a time; wait for one of them",
                                     limit)});
}

Response upgrade_required() {
  Response response =
      with_status(426, {ErrorCode::InvalidInput, "upgrade_required",
                        "this address is a WebSocket: ask for it with `Upgrade: websocket`"});
  response.headers.add("Upgrade", "websocket");
  return response;
}

Response sockets_taken(const Shares::Limits& limits) {
  return error_response(
      {ErrorCode::Busy, "sockets_taken",
       fmt::format("{} WebSockets at a time for each account and {} for all; close one",
                   limits.each, limits.all)});
}

std::optional<Response> refuse_framing(const Headers& headers, unsigned http_version) {
  constexpr std::string_view kField = "Transfer-Encoding";
  const auto coding = headers.find(kField);
  if (!coding) return std::nullopt;
  if (http_version < 11) return request_malformed("HTTP/1.0 has no Transfer-Encoding");
  if (headers.count(kField) == 1 && same_token(trimmed(*coding), "chunked")) return std::nullopt;
  return with_status(501, {ErrorCode::Unsupported, "transfer_encoding_unsupported",
                           "the only Transfer-Encoding that is understood is chunked"});
}

}  // namespace faceforge::http::internal
