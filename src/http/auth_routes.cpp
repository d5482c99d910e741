#include "accounts/accounts.h"
#include "http/authenticate.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/secret_field.h"
#include "http/to_json.h"

namespace faceforge::http {
namespace {

struct Credentials {
  std::string name;
  crypto::Secret password;
  std::optional<crypto::Secret> code;  ///< of a second factor
};

enum class WithCode { No, Allowed };

Result<Credentials> credentials_of(const Call& call, WithCode with_code) {
  const json::object body = with_code == WithCode::No
                                ? TRY(json_body(call, {"name", "password"}))
                                : TRY(json_body(call, {"name", "password", "code"}));
  auto name = TRY(json::string_field(body, "name"));
  auto password = TRY(secret_field(body, "password"));
  auto code = TRY(optional_secret_field(body, "code"));
  return Credentials{
      .name = std::move(name), .password = std::move(password), .code = std::move(code)};
}

json::object session_json(const accounts::User& user, std::string_view csrf_token) {
  return {{"user", to_json(user)}, {"csrf_token", csrf_token}};
}

Response begun_session(const Call& call, int status, const accounts::LoggedIn& session) {
  Response response =
      json_response(status, session_json(session.principal.user, session.csrf_token));
  response.headers.add("Set-Cookie", session_cookie(session.session_token, call.head.scheme));
  return response;
}

}  // namespace

Result<Response> sign_up(const Call& call) {
  if (call.services.sign_up == SignUp::Closed) {
    return fail(ErrorCode::Forbidden, "sign_up_closed",
                "this installation takes no new accounts; ask its administrator");
  }
  const Credentials credentials = TRY(credentials_of(call, WithCode::No));
  const auto session = TRY(
      call.services.accounts.sign_up(credentials.name, credentials.password.text(), call.origin));
  return begun_session(call, 201, session);
}

Result<Response> log_in(const Call& call) {
  const Credentials credentials = TRY(credentials_of(call, WithCode::Allowed));
  const auto session = TRY(call.services.accounts.log_in(
      credentials.name, credentials.password.text(), call.origin, text_of(credentials.code)));
  return begun_session(call, 200, session);
}

Result<Response> log_out(const Call& call) {
  TRY(call.services.accounts.log_out(*call.principal, call.origin));
  Response response = no_content();
  response.headers.add("Set-Cookie", ended_session_cookie(call.head.scheme));
  return response;
}

Result<Response> get_session(const Call& call) {
  // A visitor who is not logged in is nothing out of order: every page asks this first.
  const Caller caller = TRY(session_of(call.services.accounts, call.head));
  if (!caller.principal) {
    return json_response(200, json::object{{"user", nullptr}, {"csrf_token", nullptr}});
  }
  return json_response(200, session_json(caller.principal->user, caller.csrf_token));
}

}  // namespace faceforge::http
