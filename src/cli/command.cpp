#include "cli/command.h"

namespace faceforge::cli {

void set_examples(CLI::App& command, const std::string& examples) {
  command.footer("Examples:\n" + examples);
}

void add_json_option(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print JSON (docs/cli.md) instead of text");
}

}  // namespace faceforge::cli
