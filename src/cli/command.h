#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include "base/result.h"
#include "cli/interrupt.h"

namespace faceforge::cli {

enum class ErrorForm {
  Text,  ///< on standard error only
  Json,  ///< `{"error":{..}}` on standard output too
};

/// The subcommand that was chosen, ready to run: `main` parses, then runs it. An error means that
/// nothing was done; its code is the exit code.
struct Chosen {
  std::function<Result<int>(const Interrupt&)> run;
  std::function<ErrorForm()> error_form = [] { return ErrorForm::Text; };
  std::vector<std::string> arguments;  ///< the whole command line, for who hands it on
};

/// Adds a subcommand whose options live in a struct of their own.
///
/// in: `run(const Options&, const Interrupt&)` returns the exit code or an error;
///     `declare(CLI::App&, Options&)` binds the options to the subcommand
template <typename Options, typename Declare, typename Run>
CLI::App* add_command(CLI::App& parent, Chosen& chosen, const std::string& name,
                      const std::string& description, Declare declare, Run run) {
  CLI::App* command = parent.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  declare(*command, *options);
  command->callback([command, options, run, &chosen] {
    if (!command->get_subcommands().empty()) return;  // one below it was chosen
    chosen.run = [options, run](const Interrupt& interrupt) { return run(*options, interrupt); };
    if constexpr (requires { options->json; }) {
      chosen.error_form = [options] { return options->json ? ErrorForm::Json : ErrorForm::Text; };
    }
  });
  return command;
}

/// The examples that end a subcommand's help, one a line.
void set_examples(CLI::App& command, const std::string& examples);

/// `--json`
void add_json_option(CLI::App& command, bool& json);

// One a file: NAME_command.cpp.
void add_serve_command(CLI::App& app, Chosen& chosen);
void add_packs_command(CLI::App& app, Chosen& chosen);
void add_user_command(CLI::App& app, Chosen& chosen);
void add_detect_command(CLI::App& app, Chosen& chosen);
void add_embed_command(CLI::App& app, Chosen& chosen);
void add_compare_command(CLI::App& app, Chosen& chosen);
void add_gallery_command(CLI::App& app, Chosen& chosen);
void add_identify_command(CLI::App& app, Chosen& chosen);
void add_verify_command(CLI::App& app, Chosen& chosen);
void add_evaluate_command(CLI::App& app, Chosen& chosen);
void add_export_command(CLI::App& app, Chosen& chosen);
void add_train_command(CLI::App& app, Chosen& chosen);
void add_completion_command(CLI::App& app, Chosen& chosen);

}  // namespace faceforge::cli
