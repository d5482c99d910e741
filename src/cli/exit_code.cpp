#include "cli/exit_code.h"

namespace faceforge::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidInput:
    case ErrorCode::TooLarge:
    case ErrorCode::Unsupported:
    case ErrorCode::AlreadyExists:
    case ErrorCode::Conflict:
      return 3;
    case ErrorCode::NotFound:
      return 4;
    case ErrorCode::Busy:
      return 5;
    case ErrorCode::Exhausted:
      return 6;
    case ErrorCode::Corrupt:
      return 7;
    case ErrorCode::Unauthenticated:
    case ErrorCode::Forbidden:
      return 8;
    case ErrorCode::Cancelled:
      return 130;  // as shells say of a program ended by Ctrl-C
    case ErrorCode::Internal:
      return 70;
  }
  return 70;
}

}  // namespace faceforge::cli
