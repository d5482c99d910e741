#include "cli/program.h"

#include <sstream>

#include <CLI/CLI.hpp>

#include "base/check.h"
#include "base/without_throwing.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/usage_error.h"

namespace faceforge::cli {
namespace {

/// Tells what is wrong with a command line, or prints the help or version that was asked for.
int end_of_parse(const CLI::App& app, const CLI::ParseError& error) {
  const bool asked_for = error.get_exit_code() == 0;
  if (asked_for) {
    std::ostringstream text;
    app.exit(error, text, text);
    print(text.str());
    return kExitDone;
  }
  note(fmt::format("faceforge: {} (usage)\nRun with --help for more.\n",
                   describe_usage_error(app, error)));
  return kExitUsage;
}

/// Results that did not reach their reader are not done: the disk may be full.
int flushed(int code) {
  flush_output();
  const auto error = output_error();
  if (!error) return code;
  print_error(*error);
  return exit_code(error->code);
}

}  // namespace

int run_chosen(const Chosen& chosen, const Interrupt& interrupt) {
  const Result<int> outcome = without_throwing([&] { return chosen.run(interrupt); });
  if (outcome) return *outcome;
  const Error& error = outcome.error();
  if (chosen.error_form() == ErrorForm::Json && !anything_printed()) {
    print(json::to_text(json::object{{"error", to_json(error)}}) + "\n");
  }
  print_error(error);
  return exit_code(error.code);
}

int run_program(int argument_count, const char* const* arguments, const MakeApp& make) {
  const Interrupt& interrupt = Interrupt::listen();
  Chosen chosen;
  chosen.arguments.assign(arguments, arguments + argument_count);
  const auto app = make(chosen);
  try {
    app->parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return flushed(end_of_parse(*app, error));
  }
  CHECK(chosen.run != nullptr);
  return flushed(run_chosen(chosen, interrupt));
}

}  // namespace faceforge::cli
