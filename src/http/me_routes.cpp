#include "accounts/accounts.h"
#include "base/log.h"
#include "gallery/galleries.h"
#include "http/authenticate.h"
#include "http/error_response.h"
#include "http/handlers.h"
#include "http/secret_field.h"
#include "http/to_json.h"
#include "recognition/recognition.h"

namespace faceforge::http {
namespace {

Result<accounts::Scopes> scopes_from(const json::array& names) {
  std::string text;
  for (const json::value& name : names) {
    if (!name.is_string()) {
      return fail(ErrorCode::InvalidInput, "json_field_type", "scopes must be a list of texts");
    }
    if (!text.empty()) text += ',';
    text += std::string_view(name.get_string());
  }
  return accounts::Scopes::parse(text);
}

struct PasswordAndCode {
  crypto::Secret password;
  crypto::Secret code;
};

Result<PasswordAndCode> password_and_code(const Call& call) {
  const json::object body = TRY(json_body(call, {"password", "code"}));
  auto password = TRY(secret_field(body, "password"));
  auto code = TRY(secret_field(body, "code"));
  return PasswordAndCode{.password = std::move(password), .code = std::move(code)};
}

Response recovery_codes(int status, const std::vector<std::string>& codes) {
  return json_response(status,
                       json::object{{"recovery_codes", json::array(codes.begin(), codes.end())}});
}

}  // namespace

Result<Response> get_me(const Call& call) {
  return json_response(200, to_json(call.principal->user));
}

Result<Response> delete_me(const Call& call) {
  const json::object body = TRY(json_body(call, {"password", "code"}));
  const crypto::Secret password = TRY(secret_field(body, "password"));
  const auto code = TRY(optional_secret_field(body, "code"));
  // The account's rows go first, with the check of the password. After that it is deleted, and an
  // error would have the user try again, with an account that is not there: what cannot be done now
  // is done later.
  const auto user =
      TRY(call.services.accounts.delete_account(*call.principal, password.text(), text_of(code)));
  gallery::Galleries& galleries = call.services.recognition.galleries();
  galleries.remove_files_of_deleted(user);
  if (const auto deleted = call.services.recognition.delete_everything(user); !deleted) {
    log::warning("after the deletion of an account: {}", deleted.error().reason);
  }
  galleries.forget_deleted();
  Response response = no_content();
  response.headers.add("Set-Cookie", ended_session_cookie(call.head.scheme));
  return response;
}

Result<Response> change_password(const Call& call) {
  const json::object body = TRY(json_body(call, {"current_password", "new_password", "code"}));
  const crypto::Secret current = TRY(secret_field(body, "current_password"));
  const crypto::Secret replacement = TRY(secret_field(body, "new_password"));
  const auto code = TRY(optional_secret_field(body, "code"));
  TRY(call.services.accounts.change_password(*call.principal, current.text(), replacement.text(),
                                             call.origin, text_of(code)));
  return no_content();
}

Result<Response> get_second_factor(const Call& call) {
  const auto factor = TRY(call.services.accounts.second_factor(*call.principal));
  return json_response(200, json::object{{"is_on", factor.is_on},
                                         {"recovery_code_count", factor.recovery_code_count}});
}

Result<Response> begin_second_factor(const Call& call) {
  const json::object body = TRY(json_body(call, {"password"}));
  const crypto::Secret password = TRY(secret_field(body, "password"));
  const std::string key =
      TRY(call.services.accounts.begin_second_factor(*call.principal, password.text()));
  return json_response(201, json::object{{"key", key}});
}

Result<Response> confirm_second_factor(const Call& call) {
  const json::object body = TRY(json_body(call, {"code"}));
  const crypto::Secret code = TRY(secret_field(body, "code"));
  const auto codes =
      TRY(call.services.accounts.confirm_second_factor(*call.principal, code.text(), call.origin));
  return recovery_codes(200, codes);
}

Result<Response> renew_recovery_codes(const Call& call) {
  const auto [password, code] = TRY(password_and_code(call));
  const auto codes = TRY(call.services.accounts.renew_recovery_codes(
      *call.principal, password.text(), code.text(), call.origin));
  return recovery_codes(201, codes);
}

Result<Response> remove_second_factor(const Call& call) {
  const auto [password, code] = TRY(password_and_code(call));
  TRY(call.services.accounts.remove_second_factor(*call.principal, password.text(), code.text(),
                                                  call.origin));
  return no_content();
}

Result<Response> list_sessions(const Call& call) {
  json::array sessions;
  for (const auto& session : TRY(call.services.accounts.sessions(*call.principal))) {
    json::object written = to_json(session);
    written["current"] = session.id == call.principal->session;
    sessions.emplace_back(std::move(written));
  }
  return json_response(200, json::object{{"sessions", std::move(sessions)}});
}

Result<Response> end_session(const Call& call) {
  TRY(call.services.accounts.end_session(
      *call.principal, call.ids.id<accounts::SessionId>("session_id"), call.origin));
  return no_content();
}

Result<Response> list_api_keys(const Call& call) {
  json::array keys;
  for (const auto& key : TRY(call.services.accounts.api_keys(*call.principal))) {
    keys.emplace_back(to_json(key));
  }
  return json_response(200, json::object{{"api_keys", std::move(keys)}});
}

Result<Response> create_api_key(const Call& call) {
  const json::object body = TRY(json_body(call, {"name", "scopes"}));
  const std::string name = TRY(json::string_field(body, "name"));
  const json::array scope_names = TRY(json::array_field(body, "scopes"));
  const accounts::Scopes scopes = TRY(scopes_from(scope_names));
  const auto created =
      TRY(call.services.accounts.create_api_key(*call.principal, name, scopes, call.origin));
  json::object written = to_json(created.info);
  written["key"] = created.key;
  return json_response(201, written);
}

Result<Response> revoke_api_key(const Call& call) {
  TRY(call.services.accounts.revoke_api_key(
      *call.principal, call.ids.id<accounts::ApiKeyId>("api_key_id"), call.origin));
  return no_content();
}

}  // namespace faceforge::http
