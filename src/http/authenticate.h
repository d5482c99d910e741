#pragma once

#include <optional>
#include <string>

#include "accounts/accounts.h"
#include "base/result.h"
#include "http/message.h"
#include "http/routes.h"

namespace faceforge::http {

inline constexpr std::string_view kSessionCookie = "faceforge_session";

/// Who is asking; nobody for routes that anyone may ask.
struct Caller {
  std::optional<accounts::Principal> principal;
  std::string csrf_token;  ///< of the session; empty for an API key
};

/// Finds out who is asking and whether they may ask this.
///
/// An API key in `Authorization` goes before a cookie. What changes something must not come from
/// another site's page: its Origin must be this server (where browsers send one), and with a cookie
/// it carries the session's CSRF token. A WebSocket with a cookie must name its Origin.
///
/// fails: forbidden/cross_origin, origin_missing; unauthenticated/login_required,
///        authorization_unsupported, and as accounts::Accounts::authenticate_session and
///        authenticate_api_key; forbidden/csrf_token_wrong (or missing); forbidden/scope_missing
[[nodiscard]] Result<Caller> authenticate(accounts::Accounts& accounts, const RequestHead& head,
                                          const Route& route);

/// Finds out whose session the request's cookie is; nobody where there is none, or it has ended.
///
/// fails: as accounts::Accounts::authenticate_session, but for unauthenticated
[[nodiscard]] Result<Caller> session_of(accounts::Accounts& accounts, const RequestHead& head);

/// The value of Set-Cookie that begins a session in the browser.
[[nodiscard]] std::string session_cookie(std::string_view session_token, Scheme scheme);

/// The value of Set-Cookie that ends it.
[[nodiscard]] std::string ended_session_cookie(Scheme scheme);

}  // namespace faceforge::http
