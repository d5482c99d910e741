#include "http/application.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/wipe.h"
#include "http/authenticate.h"
#include "http/error_response.h"
#include "http/routes.h"

namespace faceforge::http {
namespace {

/// A request whose answer was clear from its first line.
class SettledExchange final : public Exchange {
 public:
  SettledExchange(std::string_view route_name, Response response)
      : route_name_(route_name), response_(std::move(response)) {}

  Lane lane() const override { return Lane::AtOnce; }
  size_t body_limit_bytes() const override { return 0; }
  std::string_view route_name() const override { return route_name_; }
  std::optional<Response> admit() override { return std::move(response_); }
  std::string asker() const override { return {}; }
  Response answer(Body, std::stop_token) override { return std::move(response_); }

 private:
  std::string_view route_name_;
  Response response_;
};

/// A request that a route of the API answers.
class RouteExchange final : public Exchange {
 public:
  RouteExchange(const Services& services, RequestHead head, Target target, RouteMatch match)
      : services_(services),
        head_(std::move(head)),
        target_(std::move(target)),
        match_(std::move(match)),
        origin_{.address = head_.client_address,
                .user_agent = std::string(head_.headers.find("User-Agent").value_or(""))} {}

  Lane lane() const override { return match_.route->lane; }
  size_t body_limit_bytes() const override { return match_.route->body_limit_bytes; }
  std::string_view route_name() const override { return match_.route->pattern; }

  std::optional<Response> admit() override {
    auto caller = authenticate(services_.accounts, head_, *match_.route);
    if (!caller) return error_response(caller.error());
    caller_ = *std::move(caller);
    return std::nullopt;
  }

  std::string asker() const override {
    if (caller_.principal) return fmt::format("user {}", caller_.principal->user.id.value());
    return accounts::throttled_address(origin_.address);
  }

  Response answer(Body body, std::stop_token abandoned) override {
    const Call call{.services = services_,
                    .head = head_,
                    .target = target_,
                    .ids = match_.ids,
                    .principal = caller_.principal,
                    .csrf_token = caller_.csrf_token,
                    .origin = origin_,
                    .body = body.bytes(),
                    .abandoned = std::move(abandoned)};
    auto response = match_.route->handler(call);
    if (lane() == Lane::Passwords) wipe_used_stack();
    return response ? *std::move(response) : error_response(response.error());
  }

 private:
  const Services& services_;
  RequestHead head_;
  Target target_;
  RouteMatch match_;
  accounts::Origin origin_;
  Caller caller_;
};

std::unique_ptr<Exchange> refuse(std::string_view route_name, const Error& error) {
  return std::make_unique<SettledExchange>(route_name, error_response(error));
}

std::unique_ptr<Exchange> refuse_method(std::string_view route_name, const std::string& allowed) {
  Response response = error_response(
      {ErrorCode::Unsupported, "method_not_allowed", "this address takes only: " + allowed});
  response.status = 405;
  response.headers.add("Allow", allowed);
  return std::make_unique<SettledExchange>(route_name, std::move(response));
}

bool is_of_api(const Target& target) {
  return !target.segments.empty() && target.segments.front() == "api";
}

constexpr std::string_view kPageRoute = "page";

}  // namespace

std::unique_ptr<Exchange> ApiApplication::begin(RequestHead head) {
  if (head.headers.count("Host") != 1) {
    return refuse("no host", {ErrorCode::InvalidInput, "host_missing",
                              "the request must have one Host header"});
  }
  auto target = parse_target(head.target);
  if (!target) return refuse("malformed", target.error());
  auto found = find_route(head.method, target->segments);
  if (auto* match = std::get_if<RouteMatch>(&found)) {
    return std::make_unique<RouteExchange>(services_, std::move(head), *std::move(target),
                                           std::move(*match));
  }
  if (const auto* wrong = std::get_if<WrongMethod>(&found)) {
    return refuse_method("wrong method", wrong->allowed);
  }
  if (is_of_api(*target)) {
    return refuse("unknown", {ErrorCode::NotFound, "route_unknown", "there is no such address"});
  }
  return begin_page(head, *target);
}

std::unique_ptr<Exchange> ApiApplication::begin_page(const RequestHead& head,
                                                     const Target& target) const {
  auto response = pages_.find(
      target.segments, {.if_none_match = head.headers.find("If-None-Match").value_or(""),
                        .accept_encoding = head.headers.find("Accept-Encoding").value_or("")});
  if (!response) {
    return refuse(kPageRoute, {ErrorCode::NotFound, "page_unknown", "there is no such page"});
  }
  if (!is_safe(head.method)) return refuse_method(kPageRoute, "GET, HEAD");
  return std::make_unique<SettledExchange>(kPageRoute, *std::move(response));
}

void ApiApplication::finish(Response& response, Scheme scheme) const {
  static constexpr auto kFields = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"Cache-Control", "no-store"},
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
  });
  for (const auto& [name, value] : kFields) {
    if (!response.headers.find(name)) response.headers.add(std::string(name), std::string(value));
  }
  if (scheme == Scheme::Https && strict_transport_ == StrictTransport::On) {
    response.headers.add("Strict-Transport-Security", "max-age=31536000");
  }
}

}  // namespace faceforge::http
