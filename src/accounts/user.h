#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "store/owners.h"

namespace faceforge::accounts {

using store::UserId;
using SessionId = StrongId<struct SessionTag>;
using ApiKeyId = StrongId<struct ApiKeyTag>;

/// Administrators may list users and read the installation's audit log; they cannot look into other
/// people's galleries. The first account of an installation is its administrator.
enum class Role { User, Administrator };

[[nodiscard]] std::string_view to_string(Role role);

struct User {
  UserId id;
  std::string name;  ///< as it was typed, in Unicode's composed form
  Role role = Role::User;
  UnixTime_ms created_at_ms = 0;
};

/// What an API key may be used for. No key may change the account itself: passwords, keys,
/// deletion.
enum class Scope : uint8_t {
  Read = 1,       ///< list galleries, people, versions, jobs; download
  Recognize = 2,  ///< detect, compare, verify, identify
  Manage = 4,     ///< create, change and delete galleries, people, photos; train
  Account = 8,    ///< passwords, keys, deletion: sessions only
};

/// `read`, `recognize`, `manage`.
[[nodiscard]] std::string_view to_string(Scope scope);

class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) bits_ |= static_cast<uint8_t>(scope);
  }
  [[nodiscard]] static constexpr Scopes all() {
    return {Scope::Read, Scope::Recognize, Scope::Manage, Scope::Account};
  }
  [[nodiscard]] constexpr bool has(Scope scope) const {
    return (bits_ & static_cast<uint8_t>(scope)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const Scopes&) const = default;

  /// `read,recognize`, in the order of `Scope`.
  [[nodiscard]] std::string text() const;

  /// fails: invalid_input/scope_unknown naming it; `account` is not for keys
  [[nodiscard]] static Result<Scopes> parse(std::string_view text);

 private:
  uint8_t bits_ = 0;
};

/// Where a request came from, for throttling and the audit log.
struct Origin {
  std::string address{};     ///< the client's IPv4 or IPv6 address
  std::string user_agent{};  ///< cut to 200 bytes when stored
};

/// The part of a client's address that an attacker cannot choose freely: an IPv4 address, the first
/// 64 bits of an IPv6 address; any other text as it is.
[[nodiscard]] std::string throttled_address(const std::string& address);

/// Who is asking, established by a session's cookie or an API key.
struct Principal {
  User user;
  Scopes scopes;
  std::optional<SessionId> session{};
  std::optional<ApiKeyId> api_key{};

  /// fails: forbidden/scope_missing naming the scope
  [[nodiscard]] Result<void> require(Scope scope) const;

  /// fails: forbidden/administrator_required
  [[nodiscard]] Result<void> require_administrator() const;
};

}  // namespace faceforge::accounts
