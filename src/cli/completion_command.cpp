#include "cli/command.h"
#include "cli/completion.h"
#include "cli/console.h"
#include "cli/exit_code.h"

namespace faceforge::cli {
namespace {

struct CompletionOptions {
  std::string shell;
  const CLI::App* app = nullptr;
};

Result<int> run_completion(const CompletionOptions& options, const Interrupt&) {
  print(TRY(completion_script(*options.app, options.shell)));
  return kExitDone;
}

}  // namespace

void add_completion_command(CLI::App& app, Chosen& chosen) {
  add_command<CompletionOptions>(
      app, chosen, "completion", "Print a completion script for a shell",
      [&app](CLI::App& command, CompletionOptions& options) {
        options.app = &app;
        command.add_option("SHELL", options.shell, "bash, zsh or fish")
            ->required()
            ->type_name("SHELL");
        set_examples(command,
                     "  source <(faceforge completion bash)\n"
                     "  faceforge completion fish > ~/.config/fish/completions/faceforge.fish");
      },
      run_completion);
}

}  // namespace faceforge::cli
