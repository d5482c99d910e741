#include "cli/terminal.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "accounts/names_and_passwords.h"
#include "cli/console.h"

namespace faceforge::cli {
namespace {

constexpr int kLookEvery_ms = 100;

/// Switches the echo of the terminal off until the end of the scope.
class HiddenInput {
 public:
  HiddenInput() : changed_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!changed_) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~HiddenInput() {
    if (!changed_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    note("\n");
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  termios before_{};
  const bool changed_;
};

/// Waits for one byte, looking at the interrupt now and then.
std::optional<char> read_byte(const Interrupt& interrupt) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (!interrupt.requested()) {
    // Nothing yet, or interrupted: to read would be to wait without looking.
    if (poll(&input, 1, kLookEvery_ms) < 1) continue;
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) != 1) return std::nullopt;
    return byte;
  }
  return std::nullopt;
}

/// Reads a line that nobody may find in what is left of the process's memory; empty at the end of
/// the input.
///
/// fails: invalid_input/password_too_long; cancelled/cancelled
Result<crypto::Secret> read_secret_line(const Interrupt& interrupt) {
  crypto::Secret line = crypto::Secret::zeros(kMaxLineBytes);
  size_t size = 0;
  while (const auto byte = read_byte(interrupt)) {
    if (*byte == '\n') break;
    if (size == line.size()) {
      return fail(ErrorCode::InvalidInput, "password_too_long",
                  "a password has at most {} characters; this line has more than {} bytes",
                  accounts::kPasswordMax_characters, kMaxLineBytes);
    }
    line.bytes()[size++] = static_cast<std::byte>(*byte);
  }
  if (interrupt.requested()) return fail(ErrorCode::Cancelled, "cancelled", "stopped");
  std::string_view text = line.text().substr(0, size);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return crypto::Secret::copy_of(text);
}

Result<crypto::Secret> ask_hidden(std::string_view question, const Interrupt& interrupt) {
  const HiddenInput hidden;  // first: what is typed before it is thrown away
  note(question);
  crypto::Secret line = TRY(read_secret_line(interrupt));
  if (line.size() == 0) {
    return fail(ErrorCode::InvalidInput, "password_missing", "no password was given");
  }
  return line;
}

}  // namespace

std::optional<std::string> read_line(const Interrupt& interrupt) {
  std::string line;
  while (line.size() < kMaxLineBytes) {
    const auto byte = read_byte(interrupt);
    if (!byte && (line.empty() || interrupt.requested())) return std::nullopt;
    if (!byte || *byte == '\n') break;
    line += *byte;
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<crypto::Secret> read_new_password(const Interrupt& interrupt) {
  if (isatty(STDIN_FILENO) == 0) {
    crypto::Secret line = TRY(read_secret_line(interrupt));
    if (line.size() == 0) {
      return fail(ErrorCode::InvalidInput, "password_missing",
                  "no password was given: write it as the first line of standard input");
    }
    return line;
  }
  crypto::Secret first = TRY(ask_hidden("New password: ", interrupt));
  const crypto::Secret second = TRY(ask_hidden("Once more: ", interrupt));
  if (first.text() != second.text()) {
    return fail(ErrorCode::InvalidInput, "passwords_differ", "the two passwords differ");
  }
  return first;
}

}  // namespace faceforge::cli
