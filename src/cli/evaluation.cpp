#include "cli/evaluation.h"

#include "evaluate/pair_list.h"

namespace faceforge::cli {

void add_exclude_pairs_option(CLI::App& command, std::string& pairs_file) {
  command
      .add_option("--exclude-pairs", pairs_file,
                  "Leave out everyone who occurs in this pairs list, so that it can judge")
      ->type_name("PAIRS.txt");
}

Result<std::set<std::string>> excluded_people(const std::string& pairs_file) {
  if (pairs_file.empty()) return std::set<std::string>();
  const auto list = TRY(evaluate::read_pair_list(pairs_file));
  return evaluate::people_of(list);
}

}  // namespace faceforge::cli
