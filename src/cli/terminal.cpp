#include "cli/terminal.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

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
    if (poll(&input, 1, kLookEvery_ms) == 0) continue;
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) != 1) return std::nullopt;
    return byte;
  }
  return std::nullopt;
}

Result<std::string> ask_hidden(std::string_view question, const Interrupt& interrupt) {
  note(question);
  const HiddenInput hidden;
  auto line = read_line(interrupt);
  if (interrupt.requested()) return fail(ErrorCode::Cancelled, "cancelled", "stopped");
  if (!line || line->empty()) {
    return fail(ErrorCode::InvalidInput, "password_missing", "no password was given");
  }
  return *std::move(line);
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
    const auto line = read_line(interrupt);
    if (!line || line->empty()) {
      return fail(ErrorCode::InvalidInput, "password_missing",
                  "no password was given: write it as the first line of standard input");
    }
    return crypto::Secret::copy_of(std::string_view(*line));
  }
  const std::string first = TRY(ask_hidden("New password: ", interrupt));
  const std::string second = TRY(ask_hidden("Once more: ", interrupt));
  if (first != second) {
    return fail(ErrorCode::InvalidInput, "passwords_differ", "the two passwords differ");
  }
  return crypto::Secret::copy_of(std::string_view(first));
}

}  // namespace faceforge::cli
