#pragma once

#include <string_view>

namespace faceforge::accounts::internal {

/// The lower-case passwords of `common_passwords.txt`, each between two line ends.
extern const std::string_view kCommonPasswords;

}  // namespace faceforge::accounts::internal
