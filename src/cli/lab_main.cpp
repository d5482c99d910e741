#include <clocale>
#include <csignal>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/program.h"

namespace {

/// The commands of faceforge-lab: those of `faceforge` that need LibTorch, by the same names.
std::unique_ptr<CLI::App> make_lab_app(faceforge::cli::Chosen& chosen) {
  auto app = std::make_unique<CLI::App>("What `faceforge train` starts.", "faceforge");
  app->set_version_flag("--version", "faceforge-lab " FACEFORGE_VERSION, "Print the version");
  app->set_help_flag("-h,--help", "Print this help");
  app->require_subcommand(1);
  app->get_formatter()->column_width(36);
  faceforge::cli::add_train_command(*app, chosen);
  return app;
}

/// Begins again with SIGINT and SIGTERM blocked, unless they are: LibTorch's libraries start
/// threads before `main`, which take over the mask there is then, and a signal that one thread does
/// not block ends the program. `faceforge train` hands its own mask on.
void block_signals_from_the_start(char** arguments) {
  sigset_t wanted, before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before);
  if (sigismember(&before, SIGINT) == 0) ::execv("/proc/self/exe", arguments);
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // how wide a character is; numbers keep their dots
  std::signal(SIGPIPE, SIG_IGN);        // a peer or a pipe that has gone is an error, not the end
  umask(S_IRWXG | S_IRWXO);             // what it makes is its owner's alone
  block_signals_from_the_start(arguments);
  return faceforge::cli::run_program(argument_count, arguments, make_lab_app);
}
