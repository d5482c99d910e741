#include "http/message.h"

#include <algorithm>

#include "http/header_value.h"

namespace faceforge::http {
std::string_view to_string(Method method) {
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Head:
      return "HEAD";
    case Method::Post:
      return "POST";
    case Method::Put:
      return "PUT";
    case Method::Patch:
      return "PATCH";
    case Method::Delete:
      return "DELETE";
    case Method::Other:
      break;
  }
  return "OTHER";
}

Method method_from(std::string_view text) {
  for (const Method method :
       {Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete}) {
    if (text == to_string(method)) return method;
  }
  return Method::Other;
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (same_token(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Headers::find_last(std::string_view name) const {
  std::optional<std::string_view> last;
  for (const Header& field : fields_) {
    if (same_token(field.name, name)) last = field.value;
  }
  return last;
}

size_t Headers::count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(
      fields_, [&](const Header& field) { return same_token(field.name, name); }));
}

std::string_view bytes_of(const ResponseBody& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return *text;
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&body)) {
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  }
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body)) return **shared;
  return {};
}

std::shared_ptr<EventSource> events_of(const Response& response) {
  const auto* events = std::get_if<std::shared_ptr<EventSource>>(&response.body);
  return events == nullptr ? nullptr : *events;
}

std::shared_ptr<SocketSession> session_of(const Response& response) {
  const auto* session = std::get_if<std::shared_ptr<SocketSession>>(&response.body);
  return session == nullptr ? nullptr : *session;
}

}  // namespace faceforge::http
