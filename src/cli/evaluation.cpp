#include "cli/evaluation.h"

#include "cli/console.h"
#include "evaluate/pair_list.h"
#include "evaluate/unseen_people.h"
#include "packs/trained_people.h"

namespace faceforge::cli {
namespace {

/// Those of `people` whom a pack was trained on, and who are to be left out.
Result<std::set<std::string>> left_out_for(const packs::PackEntry& pack,
                                           const std::set<std::string>& people, bool is_left_out) {
  const auto trained = TRY(packs::read_trained_people(pack));
  if (!is_left_out) {
    TRY(evaluate::require_unseen(trained, people, pack.card.id));
    return std::set<std::string>();
  }
  auto seen = evaluate::seen_in_training(trained, people);
  if (!seen.empty()) {
    note(fmt::format("{} of {} people are left out: {} was trained on them\n", seen.size(),
                     people.size(), pack.card.id));
  }
  return seen;
}

}  // namespace

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

void add_leave_out_trained_option(CLI::App& command, bool& is_left_out) {
  command.add_flag("--leave-out-trained", is_left_out,
                   "Leave out whom the pack's network was trained on, instead of refusing");
}

Result<std::set<std::string>> trained_people_left_out(const PackChoice& choice,
                                                      const std::set<std::string>& people,
                                                      bool is_left_out) {
  const packs::Registry registry = TRY(registry_of(choice.data_folder));
  const auto pack = TRY(choice.pack.empty() ? registry.default_pack() : registry.info(choice.pack));
  return left_out_for(pack, people, is_left_out);
}

Result<std::set<std::string>> trained_people_left_out(const std::string& data_folder,
                                                      const face::ModelId& model_id,
                                                      const std::set<std::string>& people,
                                                      bool is_left_out) {
  const packs::Registry registry = TRY(registry_of(data_folder));
  std::set<std::string> left_out;
  bool is_known = false;
  for (const packs::PackEntry& pack : TRY(registry.list())) {
    if (pack.state == packs::PackState::NotInstalled) continue;
    if (const auto known = packs::model_id(pack.card); known && *known != model_id) continue;
    const auto model =
        pack.fault ? Result<face::ModelId>(std::unexpect, *pack.fault) : registry.model_of(pack);
    if (!model) {
      note(
          fmt::format("the pack {} may be of the model {:.12}, and cannot tell whom it was trained "
                      "on: {}\n",
                      pack.card.id, model_id.hex(), model.error().message));
    }
    if (!model || *model != model_id) continue;
    is_known = true;
    left_out.merge(TRY(left_out_for(pack, people, is_left_out)));
  }
  if (!is_known) {
    note(
        fmt::format("no usable pack of the model {:.12} is here: whether it was trained on these "
                    "people is not known\n",
                    model_id.hex()));
  }
  return left_out;
}

}  // namespace faceforge::cli
