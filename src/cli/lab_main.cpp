#include <clocale>
#include <csignal>

#include <sys/stat.h>

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

}  // namespace

int main(int argument_count, char** arguments) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // how wide a character is; numbers keep their dots
  std::signal(SIGPIPE, SIG_IGN);        // a peer or a pipe that has gone is an error, not the end
  umask(S_IRWXG | S_IRWXO);             // what it makes is its owner's alone
  return faceforge::cli::run_program(argument_count, arguments, make_lab_app);
}
