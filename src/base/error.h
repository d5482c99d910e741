#pragma once

#include <string>
#include <string_view>

namespace faceforge {

/// What went wrong, chosen by what the caller should do next.
enum class ErrorCode {
  InvalidInput,     ///< change what was sent
  TooLarge,         ///< send less
  Unsupported,      ///< send another kind
  NotFound,         ///< name something that exists (or that is yours)
  AlreadyExists,    ///< choose another name
  Conflict,         ///< look at the present state, then decide again
  Unauthenticated,  ///< log in
  Forbidden,        ///< ask someone who may
  Busy,             ///< try again later
  Exhausted,        ///< the operator makes room: disk, memory, quota
  Corrupt,          ///< the operator restores or reinstalls what is damaged
  Cancelled,        ///< nothing: it was asked for
  Internal,         ///< report a bug
};

/// `invalid_input`, `too_large`, ...: the form used in JSON and in messages.
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// An expected failure. `reason` is a stable slug that programs may test (`no_face_found`);
/// `message` is for people and names the offending value and the limit. Neither ever holds an
/// image, an embedding, a password or a key.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string reason;
  std::string message;
};

}  // namespace faceforge
