#include "http/internal/beast_messages.h"

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <boost/beast/http/error.hpp>

#include "http/internal/refusals.h"

namespace faceforge::http::internal {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  const size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, length};
}

}  // namespace

ResponseMessage message_of(const Response& response, Method method, bool keep_alive) {
  const std::string_view bytes = bytes_of(response.body);
  ResponseMessage message;
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  message.set(beast::http::field::date, http_date());
  for (const Header& field : response.headers) message.insert(field.name, field.value);
  message.keep_alive(keep_alive);
  const bool is_stream = events_of(response) != nullptr;
  const bool has_length = !is_stream && response.status != 204 && response.status != 304;
  if (has_length) message.content_length(bytes.size());
  if (method != Method::Head) message.body() = {bytes.data(), bytes.size()};
  return message;
}

std::optional<Response> response_to_malformed(const error_code& error) {
  if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
    return header_too_large();
  }
  const bool is_protocol_error =
      error.category() == beast::http::make_error_code(beast::http::error::bad_method).category();
  if (!is_protocol_error || error == beast::http::error::end_of_stream ||
      error == beast::http::error::partial_message) {
    return std::nullopt;
  }
  return request_malformed(error.message());
}

std::optional<Response> response_to_incomplete(const error_code& error) {
  if (error == beast::http::error::partial_message) return body_incomplete();
  return response_to_malformed(error);
}

}  // namespace faceforge::http::internal
