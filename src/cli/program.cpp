#include "cli/program.h"

#include <sstream>

#include <CLI/CLI.hpp>

#include "base/check.h"
#include "base/without_throwing.h"
#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/doctor.h"
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

std::unique_ptr<CLI::App> make_app(Chosen& chosen) {
  auto app = std::make_unique<CLI::App>("Face recognition on your own machine.", "faceforge");
  app->set_version_flag("--version", "faceforge " FACEFORGE_VERSION, "Print the version");
  app->set_help_flag("-h,--help", "Print this help");
  app->require_subcommand(1);
  app->get_formatter()->column_width(36);
  set_examples(*app,
               "  faceforge serve                           the web pages on 127.0.0.1:8080\n"
               "  faceforge detect party.jpg                every face in a photo\n"
               "  faceforge compare a.jpg b.jpg             one person or two?\n"
               "  faceforge gallery train staff/ -o staff.ffg\n"
               "  faceforge identify --gallery staff.ffg door.jpg");
  add_serve_command(*app, chosen);
  add_packs_command(*app, chosen);
  add_user_command(*app, chosen);
  add_detect_command(*app, chosen);
  add_embed_command(*app, chosen);
  add_compare_command(*app, chosen);
  add_gallery_command(*app, chosen);
  add_identify_command(*app, chosen);
  add_verify_command(*app, chosen);
  add_dataset_command(*app, chosen);
  add_evaluate_command(*app, chosen);
  add_doctor_command(*app, chosen);
  add_completion_command(*app, chosen);
  return app;
}

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

int run_program(int argument_count, const char* const* arguments) {
  const Interrupt& interrupt = Interrupt::listen();
  Chosen chosen;
  const auto app = make_app(chosen);
  try {
    app->parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return flushed(end_of_parse(*app, error));
  }
  CHECK(chosen.run != nullptr);
  return flushed(run_chosen(chosen, interrupt));
}

}  // namespace faceforge::cli
