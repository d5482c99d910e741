#include "cli/interrupt.h"

#include <thread>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace faceforge::cli {
namespace {

constexpr int kExitBySecondSignal = 130;

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

void Interrupt::wait_for_signals() {
  const sigset_t signals = awaited_signals();
  int received = 0;
  while (sigwait(&signals, &received) == 0) {
    if (flag_.exchange(true)) _exit(kExitBySecondSignal);
    source_.request_stop();
  }
}

}  // namespace faceforge::cli
