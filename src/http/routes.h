#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "http/call.h"
#include "http/exchange.h"
#include "http/message.h"

namespace faceforge::http {

/// Who may ask: anyone, or a session or an API key with that scope (`Account`: sessions only).
enum class Access : uint8_t { Anyone, Read, Recognize, Manage, Account };

/// `anyone`, `read`, ...: `x-access` of openapi.yaml.
[[nodiscard]] std::string_view to_string(Access access);

using Handler = Result<Response> (*)(const Call&);

struct Route {
  Method method;
  std::string_view pattern;  ///< `/api/v1/galleries/{gallery_id}`; braces hold a positive integer
  Access access;
  size_t body_limit_bytes;  ///< 0: no body is expected
  Lane lane;
  Handler handler;
};

/// Every address of the API, each declared once.
[[nodiscard]] std::span<const Route> routes();

struct RouteMatch {
  const Route* route = nullptr;
  PathIds ids;
};
struct NoSuchPath {};
struct WrongMethod {
  std::string allowed;  ///< `GET, HEAD, POST`
};

/// Finds the route of a request; HEAD is answered by GET's.
[[nodiscard]] std::variant<RouteMatch, NoSuchPath, WrongMethod> find_route(
    Method method, std::span<const std::string> segments);

}  // namespace faceforge::http
