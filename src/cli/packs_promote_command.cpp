#include "cli/packs_promote_command.h"

#include <algorithm>
#include <memory>

#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "evaluate/pack_trial.h"
#include "evaluate/unseen_people.h"
#include "packs/promotion.h"

namespace faceforge::cli {
namespace {

struct PromoteOptions {
  std::string pack;
  std::string against;
  std::string images;
  std::string pairs;
  double margin = 0;
  bool leaves_out_trained = false;
  bool is_undone = false;
  bool json = false;
  std::string data_folder;
};

/// The two packs of a promotion, whole and loaded.
struct Rivals {
  packs::PackEntry challenger;
  packs::PackEntry current;
  std::shared_ptr<const vision::Pipeline> challenger_pipeline;
  std::shared_ptr<const vision::Pipeline> current_pipeline;
};

// --- what is said ---

json::object interval_json(const evaluate::Interval& interval) {
  return {{"low", interval.low}, {"high", interval.high}};
}

json::object side_json(const std::string& id, const evaluate::TrialSide& side) {
  return {{"pack", id},
          {"model_id", side.model_id.hex()},
          {"auc", side.curve.auc},
          {"tar_at_fmr", json::object{{fmt::format("{}", evaluate::kTrialFalseMatchRate),
                                       side.curve.true_accept_rates.front()}}},
          {"failures_to_detect", side.failure_count}};
}

json::object trial_json(const evaluate::PackTrial& trial, const Rivals& rivals,
                        const PromoteOptions& options) {
  return {{"promoted", evaluate::is_better(trial, options.margin)},
          {"margin", options.margin},
          {"images", trial.photo_count},
          {"people", trial.person_count},
          {"genuine_pairs", trial.genuine_pair_count},
          {"impostor_pairs", trial.impostor_pair_count},
          {"challenger", side_json(rivals.challenger.card.id, trial.challenger)},
          {"current", side_json(rivals.current.card.id, trial.current)},
          {"auc_lead", interval_json(trial.auc_lead)},
          {"tar_lead", interval_json(trial.true_accept_lead)}};
}

std::string verdict(const evaluate::PackTrial& trial, const Rivals& rivals, double margin) {
  const std::string challenger = to_printable(rivals.challenger.card.id);
  const std::string current = to_printable(rivals.current.card.id);
  if (evaluate::is_better(trial, margin)) {
    return fmt::format(
        "{0} is used from now on where no pack is named; `faceforge packs promote --undo` takes "
        "that back.\nA server without --pack takes it up by itself. Galleries that {1} trained go "
        "on "
        "with that one until {0} has learnt them in the background: keep {1} installed until "
        "then.\n",
        challenger, current);
  }
  return fmt::format("Nothing was changed: {} is {} than {}.\n", challenger,
                     trial.auc_lead.high < 0 ? "worse" : "not certainly better", current);
}

std::string trial_text(const evaluate::PackTrial& trial, const Rivals& rivals, double margin) {
  std::string text = fmt::format("{} pairs of one person and {} of two, {} photos of {} people\n",
                                 trial.genuine_pair_count, trial.impostor_pair_count,
                                 trial.photo_count, trial.person_count);
  constexpr auto kRight = Alignment::Right;
  const std::string tar = fmt::format("TAR at FMR {:g}", evaluate::kTrialFalseMatchRate);
  Table table({{"pack"}, {"AUC", kRight}, {tar, kRight}, {"photos without a face", kRight}});
  const auto add = [&](const std::string& id, const evaluate::TrialSide& side) {
    table.add_row({id, fmt::format("{:.5f}", side.curve.auc),
                   fmt::format("{:.4f}", side.curve.true_accept_rates.front()),
                   fmt::format("{}", side.failure_count)});
  };
  add(rivals.current.card.id, trial.current);
  add(rivals.challenger.card.id, trial.challenger);
  const auto lead = [](const evaluate::Interval& interval) {
    return fmt::format("{:+.4f} to {:+.4f}", interval.low, interval.high);
  };
  table.add_row({"ahead, 95 %", lead(trial.auc_lead), lead(trial.true_accept_lead), ""});
  return text + table.to_text(2) + verdict(trial, rivals, margin);
}

// --- what is done ---

/// The pack of an id, which a server finds again by it.
Result<packs::PackEntry> pack_of_this_machine(const packs::Registry& registry,
                                              const std::string& id) {
  const auto entries = TRY(registry.list());
  const auto found = std::ranges::find_if(
      entries, [&](const packs::PackEntry& entry) { return entry.card.id == id; });
  if (found != entries.end() && found->state != packs::PackState::NotInstalled) return *found;
  return fail(ErrorCode::NotFound, "pack_not_installed",
              "`{0}` is no installed pack: `faceforge packs install {0}` first", id);
}

Result<Rivals> rivals_of(const PromoteOptions& options, const packs::Registry& registry) {
  Rivals rivals;
  rivals.challenger = TRY(pack_of_this_machine(registry, options.pack));
  rivals.current =
      TRY(options.against.empty() ? registry.default_pack() : registry.info(options.against));
  rivals.challenger_pipeline = TRY(open_pipeline({options.data_folder, options.pack}));
  rivals.current_pipeline = TRY(open_pipeline({options.data_folder, options.against}));
  if (rivals.challenger_pipeline->model_id() == rivals.current_pipeline->model_id()) {
    return fail(ErrorCode::InvalidInput, "same_model", "{} and {} are the same model",
                rivals.challenger.card.id, rivals.current.card.id);
  }
  return rivals;
}

/// The list's pairs of people whom neither pack was trained on.
Result<evaluate::PairList> pairs_of(const PromoteOptions& options) {
  evaluate::PairList list = TRY(evaluate::read_pair_list(options.pairs));
  for (const std::string& pack : {options.pack, options.against}) {
    const auto seen = TRY(trained_people_left_out(
        {options.data_folder, pack}, evaluate::people_of(list), options.leaves_out_trained));
    list = evaluate::without(std::move(list), seen);
  }
  return list;
}

Result<int> run_undo(const PromoteOptions& options, const packs::Registry& registry,
                     const std::filesystem::path& packs_folder) {
  const auto undone = TRY(packs::undo_promotion(packs_folder));
  const auto now = registry.default_pack();
  const std::string id = now ? now->card.id : "";
  print(options.json
            ? json::to_pretty_text(json::object{{"undone", undone.pack_id}, {"default", id}})
            : fmt::format("{} is promoted no more; {} is used where no pack is named\n",
                          to_printable(undone.pack_id), id.empty() ? "none" : to_printable(id)));
  return kExitDone;
}

Result<int> run_promote(const PromoteOptions& options, const Interrupt& interrupt) {
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  const auto packs_folder =
      packs::RegistryOptions::from_environment(options.data_folder).packs_folder;
  if (options.is_undone) return run_undo(options, registry, packs_folder);
  if (options.pack.empty() || options.images.empty() || options.pairs.empty()) {
    return fail(ErrorCode::InvalidInput, "option_missing",
                "a promotion needs PACK, --images and --pairs; --undo takes the last one back");
  }
  const Rivals rivals = TRY(rivals_of(options, registry));
  const evaluate::PairList list = TRY(pairs_of(options));
  std::unique_ptr<ProgressBar> bar;
  const auto begin_side = [&](std::string_view pack_id) {
    bar.reset();
    bar = std::make_unique<ProgressBar>(to_printable(pack_id));
    return supervision_of(*bar, interrupt);
  };
  const auto trial = TRY(evaluate::hold_trial(*rivals.challenger_pipeline, *rivals.current_pipeline,
                                              options.images, list, begin_side));
  bar.reset();
  TRY(interrupt.check());
  const bool is_better = evaluate::is_better(trial, options.margin);
  if (is_better) {
    TRY(packs::promote(packs_folder, {.pack_id = rivals.challenger.card.id,
                                      .model_id = trial.challenger.model_id,
                                      .against = rivals.current.card.id}));
  }
  print(options.json ? json::to_pretty_text(trial_json(trial, rivals, options))
                     : trial_text(trial, rivals, options.margin));
  return is_better ? kExitDone : kExitNotBetter;
}

void declare_promote(CLI::App& command, PromoteOptions& options) {
  command
      .add_option("PACK", options.pack, "The pack that is to be used: the id of an installed one")
      ->type_name("ID");
  command.add_option("--against", options.against, "The pack in use, which it must be better than")
      ->type_name("ID|DIR")
      ->default_str("best installed");
  command.add_option("--images", options.images, "A folder of PERSON/PERSON_0001.jpg")
      ->type_name("DIR");
  command
      .add_option("--pairs", options.pairs,
                  "The pairs that both are measured on, in the format of LFW's pairs.txt")
      ->type_name("PAIRS.txt");
  add_leave_out_trained_option(command, options.leaves_out_trained);
  command
      .add_option("--margin", options.margin,
                  "By how much of the area under the ROC curve it may be worse, for a pack that is "
                  "faster, say")
      ->type_name("M")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
  command.add_flag("--undo", options.is_undone, "Take the last promotion back");
  add_json_option(command, options.json);
  add_data_option(command, options.data_folder);
  set_examples(
      command,
      "  faceforge packs promote mine --against faceapi --images people/ --pairs pairs.txt\n"
      "  faceforge packs promote --undo");
}

}  // namespace

void add_packs_promote_command(CLI::App& packs, Chosen& chosen) {
  add_command<PromoteOptions>(packs, chosen, "promote",
                              "Use another pack from now on, if it is better", declare_promote,
                              run_promote);
}

}  // namespace faceforge::cli
