#include "http/authenticate.h"

#include <chrono>

#include <fmt/format.h>

#include "base/check.h"
#include "http/header_value.h"

namespace faceforge::http {
namespace {

/// A browser tells with Origin, and newer ones with Sec-Fetch-Site, whose page is asking.
Result<void> require_same_origin(const RequestHead& head) {
  const auto site = head.headers.find("Sec-Fetch-Site");
  bool foreign = site && *site != "same-origin" && *site != "none";
  if (const auto origin = head.headers.find("Origin")) {
    // Only host and port: behind a proxy that ends TLS the schemes differ.
    const size_t host_begin = origin->find("://");
    foreign = foreign || host_begin == std::string_view::npos ||
              !same_token(origin->substr(host_begin + 3), head.headers.find("Host").value_or(""));
  }
  if (foreign) {
    return fail(ErrorCode::Forbidden, "cross_origin",
                "this request comes from a page of another site");
  }
  return {};
}

/// Browsers let any page open a WebSocket, with our cookies, and always tell which page it is; no
/// other rule of theirs stands before it. A page that only asks why it got none tells it otherwise.
Result<void> require_own_page(const RequestHead& head) {
  TRY(require_same_origin(head));
  if (head.headers.find("Origin") || head.headers.find("Sec-Fetch-Site") == "same-origin") {
    return {};
  }
  return fail(ErrorCode::Forbidden, "origin_missing",
              "a WebSocket with a session cookie needs the Origin of its page; programs use an API "
              "key");
}

Result<Caller> authenticate_key(accounts::Accounts& accounts, std::string_view authorization) {
  constexpr std::string_view kBearer = "Bearer ";
  if (!same_token(authorization.substr(0, kBearer.size()), kBearer)) {
    return fail(ErrorCode::Unauthenticated, "authorization_unsupported",
                "send an API key as `Authorization: Bearer KEY`");
  }
  auto principal =
      TRY(accounts.authenticate_api_key(trimmed(authorization.substr(kBearer.size()))));
  return Caller{.principal = std::move(principal), .csrf_token = {}};
}

Result<Caller> authenticate_cookie(accounts::Accounts& accounts, const RequestHead& head) {
  const auto cookies = head.headers.find("Cookie");
  const auto token = cookies ? cookie_value(*cookies, kSessionCookie) : std::nullopt;
  if (!token) {
    return fail(ErrorCode::Unauthenticated, "login_required",
                "log in, or send an API key as `Authorization: Bearer KEY`");
  }
  auto authenticated = TRY(accounts.authenticate_session(*token));
  if (!is_safe(head.method)) {
    TRY(accounts.check_csrf(*token, head.headers.find("X-CSRF-Token").value_or("")));
  }
  return Caller{.principal = std::move(authenticated.principal),
                .csrf_token = std::move(authenticated.csrf_token)};
}

accounts::Scope scope_of(Access access) {
  switch (access) {
    case Access::Read:
      return accounts::Scope::Read;
    case Access::Recognize:
      return accounts::Scope::Recognize;
    case Access::Manage:
      return accounts::Scope::Manage;
    case Access::Account:
      return accounts::Scope::Account;
    case Access::Anyone:
      break;
  }
  CHECK_MSG(false, "no scope is asked of anyone");
  return accounts::Scope::Account;
}

std::string cookie(std::string_view value, std::chrono::seconds age, Scheme scheme) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie,
                     value, age.count(), scheme == Scheme::Https ? "; Secure" : "");
}

}  // namespace

Result<Caller> authenticate(accounts::Accounts& accounts, const RequestHead& head,
                            const Route& route) {
  const auto authorization = head.headers.find("Authorization");
  if (!is_safe(head.method) && !authorization) TRY(require_same_origin(head));
  if (route.lane == Lane::Sockets && !authorization) TRY(require_own_page(head));
  if (route.access == Access::Anyone) return Caller{};
  Caller caller = authorization ? TRY(authenticate_key(accounts, *authorization))
                                : TRY(authenticate_cookie(accounts, head));
  TRY(caller.principal->require(scope_of(route.access)));
  return caller;
}

Result<Caller> session_of(accounts::Accounts& accounts, const RequestHead& head) {
  auto caller = authenticate_cookie(accounts, head);
  if (!caller && caller.error().code == ErrorCode::Unauthenticated) return Caller{};
  return caller;
}

std::string session_cookie(std::string_view session_token, Scheme scheme) {
  // The longest that a session can last; the server ends it earlier when it is idle.
  const auto age =
      std::chrono::duration_cast<std::chrono::seconds>(accounts::Options{}.session_age_max);
  return cookie(session_token, age, scheme);
}

std::string ended_session_cookie(Scheme scheme) {
  return cookie("", std::chrono::seconds(0), scheme);
}

}  // namespace faceforge::http
