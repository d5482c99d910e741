#include <algorithm>

#include <unistd.h>

#include "base/scratch_folder.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/packs_combine_command.h"
#include "cli/packs_promote_command.h"
#include "cli/packs_quantize_command.h"
#include "cli/photo_notes.h"
#include "cli/supervision.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "evaluate/calibrate.h"
#include "packs/registry.h"

namespace faceforge::cli {
namespace {

struct ListOptions {
  bool json = false;
  std::string data_folder;
};

struct PackOptions {
  std::string pack;
  bool json = false;
  std::string data_folder;
};

struct InstallCommandOptions {
  std::string what;
  bool accept_licence = false;
  std::vector<std::string> npm_folders;
  bool accept_other_weights = false;
  std::string measuring_photos;
  std::string quantizing_photos;
  std::string data_folder;
};

std::string_view state_word(packs::PackState state) {
  switch (state) {
    case packs::PackState::Installed:
      return "installed";
    case packs::PackState::InPlace:
      return "in_place";
    case packs::PackState::NotInstalled:
      return "not_installed";
  }
  return "";
}

/// What was measured of the pack on floats from which one on bytes was made; null for any other.
const packs::MeasuredAccuracy* parent_accuracy(const packs::Card& card) {
  return card.quantization && card.quantization->parent_accuracy
             ? &*card.quantization->parent_accuracy
             : nullptr;
}

/// In brackets that of its parent.
std::string accuracy_word(const packs::Card& card) {
  if (card.measured_accuracy)
    return fmt::format("{:.2f} %", 100 * card.measured_accuracy->accuracy);
  const packs::MeasuredAccuracy* parents = parent_accuracy(card);
  return parents ? fmt::format("({:.2f} %)", 100 * parents->accuracy) : "-";
}

json::value accuracy_json(const packs::Card& card) {
  if (!card.measured_accuracy) return nullptr;
  const auto& [protocol, accuracy, accuracy_std] = *card.measured_accuracy;
  return json::object{
      {"protocol", protocol},
      {"accuracy", accuracy},
      {"accuracy_std", accuracy_std ? json::value(*accuracy_std) : json::value(nullptr)}};
}

json::value calibration_json(const packs::Card& card) {
  if (!card.calibration) return nullptr;
  json::array points;
  for (const face::CalibrationPoint& point : card.calibration->points) {
    points.push_back(json::object{{"false_match_rate", point.false_match_rate},
                                  {"match_threshold", json::number(point.match_threshold)}});
  }
  return json::object{{"impostor_pairs", card.calibration->impostor_pair_count},
                      {"points", points},
                      {"ambiguity_margin", json::number(card.calibration->ambiguity_margin)}};
}

json::value quantization_json(const packs::Card& card) {
  if (!card.quantization) return nullptr;
  return json::object{{"parent_id", card.quantization->parent_id},
                      {"parent_model_id", card.quantization->parent_model_id.hex()},
                      {"mean_cosine", card.quantization->mean_cosine},
                      {"may_stand_for_its_parent", packs::may_stand_for_its_parent(card)}};
}

json::object entry_json(const packs::PackEntry& entry) {
  const packs::Card& card = entry.card;
  const auto model_id = packs::model_id(card);
  json::object written{{"id", card.id},
                       {"name", card.name},
                       {"state", state_word(entry.state)},
                       {"default", entry.default_mark == packs::DefaultMark::Default},
                       {"licence", json::object{{"label", card.licence.label},
                                                {"kind", packs::to_string(card.licence.kind)},
                                                {"url", card.licence.url}}},
                       {"model_id", model_id ? json::value(model_id->hex()) : json::value(nullptr)},
                       {"metric", face::to_string(card.metric)},
                       {"embedding_length", vision::embedding_length(card.embedders)},
                       {"liveness", !card.liveness.empty()},
                       {"measured_accuracy", accuracy_json(card)},
                       {"calibration", calibration_json(card)},
                       {"quantization", quantization_json(card)}};
  if (!entry.folder.empty()) written["folder"] = entry.folder.string();
  if (entry.fault) written["error"] = to_json(*entry.fault);
  return written;
}

Result<int> run_list(const ListOptions& options, const Interrupt&) {
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  const auto entries = TRY(registry.list());
  if (options.json) {
    json::array packs;
    for (const packs::PackEntry& entry : entries) packs.push_back(entry_json(entry));
    print(json::to_pretty_text(packs));
    return kExitDone;
  }
  Table table({{""}, {"id"}, {"state"}, {"licence"}, {"LFW accuracy", Alignment::Right}, {"name"}});
  bool has_parents_accuracy = false;
  for (const packs::PackEntry& entry : entries) {
    const bool is_default = entry.default_mark == packs::DefaultMark::Default;
    std::string state(entry.fault ? "damaged" : state_word(entry.state));
    std::ranges::replace(state, '_', ' ');
    const bool restricted = entry.card.licence.kind == packs::LicenceKind::NonCommercial;
    table.add_row({is_default ? "*" : "", entry.card.id, state,
                   entry.card.licence.label + (restricted ? " (non-commercial)" : ""),
                   accuracy_word(entry.card), entry.card.name});
    has_parents_accuracy |= !entry.card.measured_accuracy && parent_accuracy(entry.card) != nullptr;
  }
  print(table.to_text());
  print("* is used where --pack names none.\n");
  if (has_parents_accuracy) print("( ) is that of the pack on floats from which it was made.\n");
  for (const packs::PackEntry& entry : entries) {
    if (entry.fault) print_image_error(entry.card.id, *entry.fault);
  }
  return kExitDone;
}

std::string info_text(const packs::PackEntry& entry) {
  const packs::Card& card = entry.card;
  const auto model_id = packs::model_id(card);
  std::string text = fmt::format(
      "{}  {}\n  state       {}{}\n  licence     {} ({})\n  from        {}\n  model       {}\n"
      "  embedding   {} numbers, {}\n  liveness    {}\n",
      styled(Style::Bold, to_printable(card.id)), to_printable(card.name),
      entry.fault ? "damaged" : state_word(entry.state),
      entry.folder.empty() ? "" : " in " + to_printable(entry.folder.string()),
      to_printable(card.licence.label), packs::to_string(card.licence.kind),
      to_printable_lines(card.source.note, 14), model_id ? model_id->hex() : "known once installed",
      vision::embedding_length(card.embedders), face::to_string(card.metric),
      card.liveness.empty() ? "no" : "yes");
  if (card.measured_accuracy) {
    const auto& [protocol, accuracy, accuracy_std] = *card.measured_accuracy;
    text += fmt::format("  accuracy    {:.2f} %{} ({})\n", 100 * accuracy,
                        accuracy_std ? fmt::format(" +- {:.2f}", 100 * *accuracy_std) : "",
                        to_printable(protocol));
  }
  if (card.quantization) {
    const packs::MeasuredAccuracy* parents = parent_accuracy(card);
    text += fmt::format("  on bytes    from {}{}, mean cosine {:.4f}: may {}stand for it\n",
                        to_printable(card.quantization->parent_id),
                        parents ? fmt::format(" ({:.2f} %)", 100 * parents->accuracy) : "",
                        card.quantization->mean_cosine,
                        packs::may_stand_for_its_parent(card) ? "" : "not ");
  }
  if (!card.calibration) return text + "  calibrated  no: faceforge evaluate calibrate --help\n";
  text += fmt::format("  calibrated  with {} impostor pairs, ambiguity margin {:.3f}\n",
                      card.calibration->impostor_pair_count, card.calibration->ambiguity_margin);
  Table table({{"false match rate", Alignment::Right}, {"threshold", Alignment::Right}});
  for (const face::CalibrationPoint& point : card.calibration->points) {
    table.add_row({fmt::format("{:g}", point.false_match_rate),
                   fmt::format("{:.4f}", point.match_threshold)});
  }
  return text + table.to_text(4);
}

Result<int> run_info(const PackOptions& options, const Interrupt&) {
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  const auto entry = TRY(registry.info(options.pack));
  print(options.json ? json::to_pretty_text(entry_json(entry)) : info_text(entry));
  if (!entry.fault) return kExitDone;
  print_error(*entry.fault);
  return exit_code(entry.fault->code);
}

packs::LicenceAnswer ask_licence(const packs::Card& card, const Interrupt& interrupt) {
  note(fmt::format("{}\n\nLicence of {}: {} ({})\n{}\n", to_printable_lines(card.licence.text),
                   to_printable(card.id), to_printable(card.licence.label),
                   packs::to_string(card.licence.kind), to_printable(card.licence.url)));
  if (isatty(STDIN_FILENO) == 0) {
    note("Read it, and accept it with --accept-licence.\n");
    return packs::LicenceAnswer::Declined;
  }
  note("Do you accept it? [y/N] ");
  const auto answer = read_line(interrupt);
  return answer && (*answer == "y" || *answer == "Y" || *answer == "yes")
             ? packs::LicenceAnswer::Accepted
             : packs::LicenceAnswer::Declined;
}

/// Calibrates a pack that was just installed with weights that nobody has measured.
Result<void> measure(const packs::Registry& registry, const packs::Card& card,
                     const InstallCommandOptions& options, const Interrupt& interrupt) {
  const auto pipeline = TRY(open_pipeline({options.data_folder, card.id}));
  ProgressBar bar("photos");
  const auto report = TRY(evaluate::calibrate_folder(*pipeline, options.measuring_photos, {},
                                                     supervision_of(bar, interrupt)));
  bar.hide();
  TRY(interrupt.check());
  TRY(registry.store_calibration(card.id, report.calibration));
  print(fmt::format("{} measured with {} pairs of strangers on {} photos\n", to_printable(card.id),
                    report.calibration.impostor_pair_count, report.photo_count));
  return {};
}

/// Whether a pack on bytes is there already, made of this parent.
///
/// fails: conflict/pack_differs for another pack of that name, and for a damaged one
Result<bool> is_quantized(const packs::Registry& registry, const std::string& quantized_id,
                          const face::ModelId& parent) {
  const auto there = registry.info(quantized_id);
  if (!there || there->state == packs::PackState::NotInstalled) return false;
  const auto& quantization = there->card.quantization;
  if (!there->fault && quantization && quantization->parent_model_id == parent) return true;
  return fail(ErrorCode::Conflict, "pack_differs",
              "{0} in {1} {2}: `faceforge packs remove {0}` first", quantized_id,
              there->folder.string(),
              there->fault ? "is damaged" : "was not made of the pack that is installed now");
}

/// Makes a pack on bytes of one that is installed and installs it beside that, as `ID-int8`, unless
/// it is there. Made elsewhere, so that the folder of packs is locked for a moment only and never
/// holds half a pack.
Result<void> install_quantized(const packs::Registry& registry, const std::string& id,
                               const InstallCommandOptions& options, const Interrupt& interrupt) {
  const std::string quantized_id = id + "-int8";
  evaluate::QuantizePackRequest request;
  request.parent = TRY(registry.info(id));
  request.parent_spec = TRY(registry.open(id));
  const bool is_there = TRY(is_quantized(registry, quantized_id, request.parent_spec.model_id));
  if (is_there) {
    print(fmt::format("{} already installed\n", to_printable(quantized_id)));
    return {};
  }
  const ScratchFolder scratch = TRY(ScratchFolder::create("faceforge-quantize-"));
  request.range_photos = options.quantizing_photos;
  request.calibration_people = options.quantizing_photos;
  request.output = scratch.path() / quantized_id;
  const auto report = TRY(quantize_with_progress(request, interrupt));
  packs::InstallOptions install;
  install.licence_consent = packs::LicenceConsent::Given;  // that of the parent, which was accepted
  install.cancelled = interrupt.flag();
  const auto installed = TRY(registry.install(request.output.string(), install));
  print(fmt::format("{} installed in {}: mean cosine {:.4f} to {}\n", to_printable(quantized_id),
                    to_printable(installed.folder.string()),
                    report.card.quantization.value().mean_cosine, to_printable(id)));
  note_photos(report.quantized.unusable);
  return {};
}

/// The pack that is used where none is named.
std::optional<packs::PackEntry> default_of(const packs::Registry& registry) {
  auto found = registry.default_pack();
  if (!found) return std::nullopt;
  return *std::move(found);
}

/// Tells what a new default means for galleries that another one trained.
void tell_new_default(const std::optional<packs::PackEntry>& before,
                      const std::optional<packs::PackEntry>& after) {
  if (!before || !after || packs::model_id(before->card) == packs::model_id(after->card)) return;
  note(fmt::format(
      "faceforge: {0} is now used where no pack is named. A server without --pack takes it up by "
      "itself; galleries that {1} trained go on with that one until {0} has learnt them: keep {1} "
      "installed until then.\n",
      to_printable(after->card.id), to_printable(before->card.id)));
}

Result<int> run_install(const InstallCommandOptions& options, const Interrupt& interrupt) {
  ProgressBar bar("bytes");
  packs::InstallOptions install;
  install.licence_consent =
      options.accept_licence ? packs::LicenceConsent::Given : packs::LicenceConsent::Ask;
  install.ask_licence = [&](const packs::Card& card) {
    bar.hide();
    return ask_licence(card, interrupt);
  };
  install.npm_folders.assign(options.npm_folders.begin(), options.npm_folders.end());
  if (options.accept_other_weights) install.other_weights = packs::OtherWeights::Unmeasured;
  // Whoever types the URL owns this machine: a mirror on the local network is as good as any.
  install.allowed_addresses = net::AllowedAddresses::Any;
  install.on_progress = [&](const net::DownloadProgress& progress) {
    bar.update(progress.received_bytes, progress.total_bytes.value_or(0));
  };
  install.cancelled = interrupt.flag();
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  const auto default_before = default_of(registry);
  const auto report = TRY(registry.install(options.what, install));
  bar.hide();
  const std::string_view outcome = report.outcome == packs::InstallOutcome::Installed ? "installed"
                                   : report.outcome == packs::InstallOutcome::AlreadyInstalled
                                       ? "already installed"
                                       : "repaired";
  print(fmt::format("{} {} in {}\n", to_printable(report.card.id), outcome,
                    to_printable(report.folder.string())));
  for (const std::string& warning : report.warnings) {
    note(fmt::format("faceforge: warning: {}\n", to_printable(warning)));
  }
  if (!options.measuring_photos.empty() && !report.card.calibration) {
    TRY(measure(registry, report.card, options, interrupt));
  }
  if (!options.quantizing_photos.empty()) {
    TRY(install_quantized(registry, report.card.id, options, interrupt));
  }
  tell_new_default(default_before, default_of(registry));
  return kExitDone;
}

Result<int> run_remove(const PackOptions& options, const Interrupt&) {
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  TRY(registry.remove(options.pack));
  print(fmt::format("{} removed\n", to_printable(options.pack)));
  return kExitDone;
}

void add_install_command(CLI::App& parent, Chosen& chosen) {
  add_command<InstallCommandOptions>(
      parent, chosen, "install", "Install a model pack",
      [](CLI::App& command, InstallCommandOptions& options) {
        command
            .add_option("ID_OR_PATH_OR_URL", options.what,
                        "A known pack's id, a folder, a zip, or the address of a zip")
            ->required()
            ->type_name("ID|DIR");
        command.add_flag("--accept-licence", options.accept_licence,
                         "You have read the licence and accept it: nothing is asked");
        command
            .add_option("--from", options.npm_folders,
                        "The npm packages that a pack is made from, or the node_modules with them")
            ->type_name("DIR");
        command.add_flag("--accept-other-weights", options.accept_other_weights,
                         "Take other versions of npm packages: unmeasured, without thresholds");
        command
            .add_option("--measure", options.measuring_photos,
                        "Measure a pack that comes without thresholds on these photos, "
                        "PERSON/PHOTO, as evaluate calibrate does")
            ->type_name("DIR");
        command
            .add_option("--quantize", options.quantizing_photos,
                        "Install ID-int8 too, the same pack on bytes: these photos, PERSON/PHOTO, "
                        "show its ranges and thresholds, as packs quantize takes them")
            ->type_name("DIR");
        add_data_option(command, options.data_folder);
        set_examples(command,
                     "  faceforge packs install buffalo_l\n"
                     "  faceforge packs install ./my-pack/ --accept-licence\n"
                     "  faceforge packs install https://models.example/pack.zip");
      },
      run_install);
}

}  // namespace

void add_packs_command(CLI::App& app, Chosen& chosen) {
  CLI::App* packs = app.add_subcommand("packs", "List, install and remove model packs");
  packs->require_subcommand(1);
  set_examples(*packs,
               "  faceforge packs list\n"
               "  faceforge packs info faceapi\n"
               "  faceforge packs install ./my-pack/");
  add_command<ListOptions>(
      *packs, chosen, "list", "List installed and known packs, best first",
      [](CLI::App& command, ListOptions& options) {
        add_json_option(command, options.json);
        add_data_option(command, options.data_folder);
        set_examples(command, "  faceforge packs list");
      },
      run_list);
  add_command<PackOptions>(
      *packs, chosen, "info", "Show a pack: licence, model, accuracy, calibration",
      [](CLI::App& command, PackOptions& options) {
        command.add_option("ID", options.pack, "A pack's id or folder")
            ->required()
            ->type_name("ID|DIR");
        add_json_option(command, options.json);
        add_data_option(command, options.data_folder);
        set_examples(command, "  faceforge packs info faceapi");
      },
      run_info);
  add_install_command(*packs, chosen);
  add_packs_combine_command(*packs, chosen);
  add_packs_quantize_command(*packs, chosen);
  add_packs_promote_command(*packs, chosen);
  add_command<PackOptions>(
      *packs, chosen, "remove", "Remove an installed pack",
      [](CLI::App& command, PackOptions& options) {
        command.add_option("ID", options.pack, "A pack's id")->required()->type_name("ID");
        add_data_option(command, options.data_folder);
        set_examples(command, "  faceforge packs remove buffalo_l");
      },
      run_remove);
}

}  // namespace faceforge::cli
