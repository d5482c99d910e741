#include "cli/usage_error.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/spelling.h"
#include "cli/text.h"

namespace faceforge::cli {
namespace {

/// ` packs install`: the names below the program's own, each after a space.
std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? "" : path_of(*parent) + " " + command.get_name();
}

/// The command that the words were given to: the innermost that was named.
const CLI::App& innermost(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : innermost(*named.front());
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// Also those further down: `train` means `gallery train`.
void add_commands_below(const CLI::App& command, const std::string& prefix,
                        std::vector<std::string>& names) {
  for (const CLI::App* child : command.get_subcommands({})) {
    names.push_back(prefix + child->get_name());
    add_commands_below(*child, names.back() + " ", names);
  }
}

std::string with_suggestions(const std::string& mistake, std::string_view word,
                             const std::vector<std::string>& known) {
  const auto near = near_words(word, known);
  if (near.empty()) return mistake;
  return fmt::format("{}; did you mean `{}`?", mistake, fmt::join(near, "` or `"));
}

}  // namespace

std::string describe_usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  // An option before the name of a command was given to the program itself.
  for (const CLI::App* level = &command; level != nullptr; level = level->get_parent()) {
    for (const std::string& word : level->remaining()) {
      if (!word.starts_with('-') || word.size() < 2) continue;
      const std::string option = word.substr(0, word.find('='));
      return with_suggestions(
          fmt::format("`{}` is no option of faceforge{}", to_printable(option), path_of(*level)),
          option, options_of(*level));
    }
  }
  const std::vector<std::string> unexpected = command.remaining();
  const bool wants_command = command.get_require_subcommand_min() > 0;
  if (wants_command && !unexpected.empty()) {
    std::vector<std::string> commands;
    add_commands_below(command, "", commands);
    return with_suggestions(fmt::format("`{}` is no command", to_printable(unexpected.front())),
                            unexpected.front(), commands);
  }
  return error.what();
}

}  // namespace faceforge::cli
