#include "accounts/user.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace faceforge::accounts {
namespace {

constexpr std::array kScopes = {Scope::Read, Scope::Recognize, Scope::Manage, Scope::Account};

std::string to_text(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

}  // namespace

std::string throttled_address(const std::string& address) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.c_str(), &six) == 1) {
    if (IN6_IS_ADDR_V4MAPPED(&six)) return to_text(AF_INET, &six.s6_addr[12]);
    std::fill(std::begin(six.s6_addr) + 8, std::end(six.s6_addr), uint8_t{0});
    return to_text(AF_INET6, &six) + "/64";
  }
  return address;
}

std::string_view to_string(Role role) {
  return role == Role::Administrator ? "administrator" : "user";
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::Read:
      return "read";
    case Scope::Recognize:
      return "recognize";
    case Scope::Manage:
      return "manage";
    case Scope::Account:
      return "account";
  }
  return "unknown";
}

std::string Scopes::text() const {
  std::string text;
  for (const Scope scope : kScopes) {
    if (!has(scope)) continue;
    if (!text.empty()) text += ',';
    text += to_string(scope);
  }
  return text;
}

Result<Scopes> Scopes::parse(std::string_view text) {
  Scopes scopes;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    bool known = false;
    for (const Scope scope : {Scope::Read, Scope::Recognize, Scope::Manage}) {
      if (word != to_string(scope)) continue;
      scopes.bits_ |= static_cast<uint8_t>(scope);
      known = true;
    }
    if (!known) {
      return fail(ErrorCode::InvalidInput, "scope_unknown",
                  "`{}` is not a scope of API keys; they are read, recognize and manage",
                  word.substr(0, 40));
    }
  }
  return scopes;
}

Result<void> Principal::require(Scope scope) const {
  if (scopes.has(scope)) return {};
  if (scope == Scope::Account) {
    return fail(ErrorCode::Forbidden, "scope_missing",
                "no API key may change the account itself: log in");
  }
  return fail(ErrorCode::Forbidden, "scope_missing", "this API key does not have the scope `{}`",
              to_string(scope));
}

Result<void> Principal::require_administrator() const {
  if (user.role == Role::Administrator && scopes.has(Scope::Account)) return {};
  return fail(ErrorCode::Forbidden, "administrator_required",
              "only an administrator who is logged in may do this");
}

}  // namespace faceforge::accounts
