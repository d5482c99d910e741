#pragma once

#include <set>
#include <string>

#include <CLI/App.hpp>

#include "base/result.h"
#include "cli/pack_choice.h"
#include "face/model_id.h"

namespace faceforge::cli {

// What the commands share that measure packs on folders of people.

/// `--exclude-pairs PAIRS.txt`
void add_exclude_pairs_option(CLI::App& command, std::string& pairs_file);

/// Everyone who occurs in the list that the option names; nobody where it names none.
///
/// fails: as evaluate::read_pair_list
[[nodiscard]] Result<std::set<std::string>> excluded_people(const std::string& pairs_file);

/// `--leave-out-trained`
void add_leave_out_trained_option(CLI::App& command, bool& is_left_out);

/// Those of `people` whom the chosen pack was trained on, and who are to be left out: said on
/// standard error.
///
/// fails: conflict/trained_on_these_people where there are any and they are not left out; as
///        packs::Registry::info and packs::read_trained_people
[[nodiscard]] Result<std::set<std::string>> trained_people_left_out(
    const PackChoice& choice, const std::set<std::string>& people, bool is_left_out);

/// The same for a model that only its embeddings tell of: of the packs on this machine those that
/// are of it say whom it was trained on.
///
/// fails: as above; as registry_of and packs::Registry::list
[[nodiscard]] Result<std::set<std::string>> trained_people_left_out(
    const std::string& data_folder, const face::ModelId& model_id,
    const std::set<std::string>& people, bool is_left_out);

}  // namespace faceforge::cli
