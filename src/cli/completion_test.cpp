#include "cli/completion.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "cli/program.h"
#include "support/test_data.h"

namespace faceforge::cli {
namespace {

/// What bash offers after `line`, one word a line.
std::string complete_in_bash(const std::string& line) {
  Chosen chosen;
  const auto app = make_app(chosen);
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "completion") << completion_script(*app, "bash").value();
  std::ofstream(folder.path() / "ask")
      << "source '" << (folder.path() / "completion").string() << "'\nCOMP_WORDS=(" << line
      << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_faceforge\n"
         "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const std::string command = "bash '" + (folder.path() / "ask").string() + "' > '" +
                              (folder.path() / "answer").string() + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ostringstream answer;
  answer << std::ifstream(folder.path() / "answer").rdbuf();
  return answer.str();
}

TEST(Completion, SubcommandsAreOfferedAtEveryLevel) {
  EXPECT_EQ(complete_in_bash("faceforge id"), "identify\n");
  EXPECT_EQ(complete_in_bash("faceforge gallery tr"), "train\n");
  EXPECT_EQ(complete_in_bash("faceforge evaluate ''").substr(0, 6), "pairs\n");
}

TEST(Completion, OptionsOfTheSubcommandAreOffered) {
  EXPECT_EQ(complete_in_bash("faceforge detect --dr"), "--draw\n");
  EXPECT_EQ(complete_in_bash("faceforge identify --fp"), "--fpir\n");
  EXPECT_EQ(complete_in_bash("faceforge identify --fmr"), "\n");
}

TEST(Completion, PackIdsAreOfferedWhereAPackIsWanted) {
  EXPECT_EQ(complete_in_bash("faceforge detect --pack face"), "faceapi\n");
  EXPECT_EQ(complete_in_bash("faceforge packs info buffalo_l"), "buffalo_l\n");
}

TEST(Completion, TheScriptsOfOtherShellsNameEverySubcommand) {
  Chosen chosen;
  const auto app = make_app(chosen);
  const std::string fish = completion_script(*app, "fish").value();
  const std::string zsh = completion_script(*app, "zsh").value();
  EXPECT_TRUE(zsh.starts_with("#compdef faceforge\n"));
  for (const CLI::App* command : app->get_subcommands({})) {
    EXPECT_NE(fish.find(" -a " + command->get_name() + " "), std::string::npos);
    EXPECT_NE(zsh.find("'" + command->get_name() + "'"), std::string::npos);
  }
}

TEST(Completion, AnotherShellIsRefused) {
  Chosen chosen;
  const auto app = make_app(chosen);
  EXPECT_EQ(completion_script(*app, "tcsh").error().reason, "shell_unknown");
}

/// Every subcommand has help with an example.
void expect_examples(const CLI::App& app) {
  const auto children = app.get_subcommands({});
  if (children.empty()) {
    EXPECT_NE(app.get_footer().find("faceforge "), std::string::npos) << app.get_name();
    EXPECT_FALSE(app.get_description().empty()) << app.get_name();
  }
  for (const CLI::App* child : children) expect_examples(*child);
}

TEST(Help, EverySubcommandHasExamples) {
  Chosen chosen;
  expect_examples(*make_app(chosen));
}

}  // namespace
}  // namespace faceforge::cli
