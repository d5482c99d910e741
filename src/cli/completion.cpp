#include "cli/completion.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "packs/known_cards.h"

namespace faceforge::cli {
namespace {

/// What may follow an option or stand as an argument.
enum class ValueKind { Nothing, File, Folder, PackOrFolder, Other };

struct Flag {
  std::vector<std::string> names;  ///< with their dashes
  std::string description;
  ValueKind value = ValueKind::Nothing;
};

/// A subcommand as a completion sees it.
struct Node {
  std::string path;  ///< `gallery train`; empty at the top
  std::string description;
  std::vector<Flag> flags;
  std::vector<Flag> arguments;
  std::vector<const CLI::App*> children;
};

ValueKind kind_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return ValueKind::Nothing;
  const std::string type = option.get_type_name();
  if (type == "DIR") return ValueKind::Folder;
  if (type == "ID|DIR" || type == "ID") return ValueKind::PackOrFolder;
  if (type == "FILE" || type == "MODEL.ffg" || type == "PAIRS.txt") return ValueKind::File;
  return ValueKind::Other;
}

Node node_of(const CLI::App& app, const std::string& path) {
  Node node{.path = path,
            .description = app.get_description(),
            .flags = {},
            .arguments = {},
            .children = {}};
  for (const CLI::Option* option : app.get_options()) {
    Flag flag{.names = {}, .description = option->get_description(), .value = kind_of(*option)};
    for (const auto& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const auto& name : option->get_lnames()) flag.names.push_back("--" + name);
    (flag.names.empty() ? node.arguments : node.flags).push_back(flag);
  }
  for (const CLI::App* child : app.get_subcommands({})) node.children.push_back(child);
  return node;
}

void visit_tree(const CLI::App& app, const std::string& path,
                const std::function<void(const Node&)>& visit) {
  const Node node = node_of(app, path);
  visit(node);
  for (const CLI::App* child : node.children) {
    visit_tree(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), visit);
  }
}

std::string pack_ids() {
  std::string ids;
  for (const packs::Card& card : packs::known_cards()) ids += (ids.empty() ? "" : " ") + card.id;
  return ids;
}

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

/// The bash command that fills COMPREPLY with the values of a kind.
std::string bash_values(ValueKind kind) {
  switch (kind) {
    case ValueKind::File:
      return "COMPREPLY=($(compgen -f -- \"$current\"))";
    case ValueKind::Folder:
      return "COMPREPLY=($(compgen -d -- \"$current\"))";
    case ValueKind::PackOrFolder:
      return fmt::format("COMPREPLY=($(compgen -d -W '{}' -- \"$current\"))", pack_ids());
    case ValueKind::Nothing:
    case ValueKind::Other:
      break;
  }
  return "COMPREPLY=()";
}

std::string bash_case(const Node& node) {
  std::vector<std::string> words;
  std::string values;
  for (const CLI::App* child : node.children) words.push_back(child->get_name());
  for (const Flag& flag : node.flags) {
    words.insert(words.end(), flag.names.begin(), flag.names.end());
    if (flag.value == ValueKind::Nothing) continue;
    values += fmt::format("        {}) {}; return ;;\n", fmt::join(flag.names, "|"),
                          bash_values(flag.value));
  }
  std::string text = fmt::format("    {})\n", shell_quoted(node.path));
  if (!values.empty()) text += fmt::format("      case \"$previous\" in\n{}      esac\n", values);
  if (!node.arguments.empty()) {
    text += fmt::format("      if [[ $current != -* ]]; then {}; return; fi\n",
                        bash_values(node.arguments.front().value));
  }
  return text + fmt::format("      words={} ;;\n", shell_quoted(joined(words)));
}

/// Walks over the words typed so far to find the subcommand, then completes in it.
std::string bash_script(const CLI::App& app) {
  std::string paths;
  std::string cases;
  visit_tree(app, "", [&](const Node& node) {
    cases += bash_case(node);
    if (!node.path.empty()) paths += fmt::format("{}|", shell_quoted(node.path));
  });
  paths.pop_back();
  return fmt::format(R"(# faceforge completion for bash: source it, or save it as
# ~/.local/share/bash-completion/completions/faceforge
_faceforge() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path='' words='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "${{path:+$path }}${{COMP_WORDS[i]}}" in
      {}) path="${{path:+$path }}${{COMP_WORDS[i]}}" ;;
    esac
  done
  COMPREPLY=()
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -o bashdefault -F _faceforge faceforge
)",
                     paths, cases);
}

/// zsh runs bash's completions.
std::string zsh_script(const CLI::App& app) {
  return "#compdef faceforge\nautoload -U +X bashcompinit && bashcompinit\n" + bash_script(app);
}

std::string fish_values(ValueKind kind) {
  switch (kind) {
    case ValueKind::Nothing:
      return "";
    case ValueKind::File:
      return " -r -F";
    case ValueKind::Folder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::PackOrFolder:
      return fmt::format(" -x -a '{} (__fish_complete_directories)'", pack_ids());
    case ValueKind::Other:
      return " -x";
  }
  return "";
}

std::string fish_flag(const std::string& condition, const Flag& flag) {
  std::string line = "complete -c faceforge " + condition;
  for (const std::string& name : flag.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return line + fish_values(flag.value) + " -d " + shell_quoted(flag.description) + "\n";
}

std::string fish_script(const CLI::App& app) {
  std::string text =
      "# faceforge completion for fish: save it as "
      "~/.config/fish/completions/faceforge.fish\n"
      "function __faceforge_at\n"
      "  set -l words (commandline -opc)[2..-1]\n"
      "  set -l plain (string match -v -- '-*' $words)\n"
      "  set -l path (string join ' ' -- $plain)\n"
      "  if test -z \"$argv[1]\"; test -z \"$path\"; return; end\n"
      "  test \"$path\" = \"$argv[1]\"; or string match -q -- \"$argv[1] *\" \"$path\"\n"
      "end\n";
  visit_tree(app, "", [&](const Node& node) {
    const std::string condition =
        fmt::format("-n {}", shell_quoted("__faceforge_at " + shell_quoted(node.path)));
    for (const CLI::App* child : node.children) {
      text += fmt::format("complete -c faceforge {} -f -a {} -d {}\n", condition, child->get_name(),
                          shell_quoted(child->get_description()));
    }
    for (const Flag& flag : node.flags) text += fish_flag(condition, flag);
  });
  return text;
}

}  // namespace

Result<std::string> completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_script(app);
  if (shell == "zsh") return zsh_script(app);
  if (shell == "fish") return fish_script(app);
  return fail(ErrorCode::InvalidInput, "shell_unknown",
              "`{}` is no shell that completion is made for: bash, zsh or fish", shell);
}

}  // namespace faceforge::cli
