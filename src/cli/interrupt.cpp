#include "cli/interrupt.h"

#include <chrono>
#include <thread>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace faceforge::cli {
namespace {

constexpr int kExitBySecondSignal = 130;
/// `timeout` and terminals signal the process and then its group: one wish, delivered twice.
constexpr std::chrono::milliseconds kSameSignal{500};

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

const Interrupt& Interrupt::listen() {
  static Interrupt interrupt;
  const sigset_t signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([] { interrupt.wait_for_signals(); }).detach();
  return interrupt;
}

Result<void> Interrupt::check() const {
  if (requested()) return fail(ErrorCode::Cancelled, "cancelled", "stopped");
  return {};
}

void Interrupt::wait_for_signals() {
  const sigset_t signals = awaited_signals();
  using Clock = std::chrono::steady_clock;
  Clock::time_point first;
  int received = 0;
  while (sigwait(&signals, &received) == 0) {
    if (!flag_.exchange(true)) {
      first = Clock::now();
      source_.request_stop();
    } else if (Clock::now() - first > kSameSignal) {
      _exit(kExitBySecondSignal);
    }
  }
}

}  // namespace faceforge::cli
