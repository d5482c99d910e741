#pragma once

#include <set>
#include <string>

#include <CLI/App.hpp>

#include "base/result.h"

namespace faceforge::cli {

// What the commands share that measure packs on folders of people.

/// `--exclude-pairs PAIRS.txt`
void add_exclude_pairs_option(CLI::App& command, std::string& pairs_file);

/// Everyone who occurs in the list that the option names; nobody where it names none.
///
/// fails: as evaluate::read_pair_list
[[nodiscard]] Result<std::set<std::string>> excluded_people(const std::string& pairs_file);

}  // namespace faceforge::cli
