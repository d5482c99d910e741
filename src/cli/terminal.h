#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/interrupt.h"
#include "crypto/secret.h"

namespace faceforge::cli {

inline constexpr size_t kMaxLineBytes = 4096;

/// Reads a line from standard input; nothing at its end or after Ctrl-C.
[[nodiscard]] std::optional<std::string> read_line(const Interrupt& interrupt);

/// Asks for a new password twice without showing it where standard input is a terminal; else reads
/// it from the first line. Never cut, and kept only in memory that is wiped.
///
/// fails: invalid_input/passwords_differ; invalid_input/password_missing;
///        invalid_input/password_too_long when the line has more than `kMaxLineBytes`;
///        cancelled/cancelled
[[nodiscard]] Result<crypto::Secret> read_new_password(const Interrupt& interrupt);

}  // namespace faceforge::cli
