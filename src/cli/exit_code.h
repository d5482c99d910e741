#pragma once

#include <cstddef>

#include "base/error.h"

namespace faceforge::cli {

/// What the shell sees. `compare` and `verify`: 0 match, 1 no match, else an error. `packs
/// promote` and `train head`: 0 promoted or kept, 1 not better. All others: 0 everything was done,
/// 2 some images failed, else nothing was done. docs/cli.md lists them.
inline constexpr int kExitDone = 0;
inline constexpr int kExitNoMatch = 1;
inline constexpr int kExitNotBetter = 1;  ///< of `packs promote` and `train head`
inline constexpr int kExitSomeFailed = 2;
inline constexpr int kExitUsage = 64;

/// The one place where an error becomes an exit code; always 3 or more.
[[nodiscard]] int exit_code(ErrorCode code);

}  // namespace faceforge::cli
