#include "cli/command.h"
#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/photo_notes.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "lab/export_pack.h"

namespace faceforge::cli {
namespace {

struct ExportOptions {
  std::string checkpoint;
  std::string detector_pack;
  std::string output;
  std::string calibration_people;
  std::string excluded_pairs;
  bool permissive = false;
  bool json = false;
  std::string data_folder;
};

json::object report_json(const lab::ExportReport& report, const std::string& folder) {
  const vision::EmbedderSpec& embedder = report.card.embedders.front();
  json::object written{{"id", report.card.id},
                       {"model_id", packs::model_id(report.card).value().hex()},
                       {"folder", folder},
                       {"network", train::to_string(report.network.kind)},
                       {"embedding_length", embedder.output_length},
                       {"side_px", embedder.landmark_template.side_px},
                       {"step", report.step},
                       {"averaged", report.weight_kind == lab::WeightKind::Averaged},
                       {"licence_kind", packs::to_string(report.card.licence.kind)},
                       {"impostor_pairs", nullptr}};
  if (report.calibration) {
    written["impostor_pairs"] = report.calibration->calibration.impostor_pair_count;
    written["unusable"] = names_json(report.calibration->unusable);
  }
  return written;
}

std::string report_text(const lab::ExportReport& report, const std::string& folder) {
  const vision::EmbedderSpec& embedder = report.card.embedders.front();
  std::string text = fmt::format(
      "{} after {} steps{}: crops of {} px to embeddings of {} numbers\n"
      "{} written, model {}\n",
      train::to_string(report.network.kind), report.step,
      report.weight_kind == lab::WeightKind::Averaged ? ", averaged weights" : "",
      embedder.landmark_template.side_px, embedder.output_length, to_printable(folder),
      packs::model_id(report.card).value().hex());
  if (report.calibration) {
    return text + fmt::format("calibrated with {} impostor pairs\n",
                              report.calibration->calibration.impostor_pair_count);
  }
  return text + fmt::format(
                    "It promises nothing before it is calibrated:\n"
                    "  faceforge evaluate calibrate --pack {} --card-folder {} --images DIR\n",
                    to_printable(folder), to_printable(folder));
}

Result<int> run_export(const ExportOptions& options, const Interrupt& interrupt) {
  lab::ExportRequest request;
  request.checkpoint = options.checkpoint;
  request.excluded_people = TRY(excluded_people(options.excluded_pairs));
  request.output = TRY(place_of_new_pack(options.output, options.data_folder));
  const packs::Registry registry = TRY(registry_of(options.data_folder));
  request.detector_pack = TRY(registry.info(options.detector_pack));
  TRY(registry.open(options.detector_pack));  // checks every file
  if (options.permissive) request.licence_kind = packs::LicenceKind::Permissive;
  request.calibration_people = options.calibration_people;
  ProgressBar bar("calibration");
  request.calibrating = supervision_of(bar, interrupt);
  const auto report = TRY(lab::export_pack(request));
  bar.hide();
  const std::string folder = request.output.string();
  print(options.json ? json::to_pretty_text(report_json(report, folder))
                     : report_text(report, folder));
  if (!report.calibration) return kExitDone;
  note_photos(report.calibration->unusable);
  return report.calibration->unusable.empty() ? kExitDone : kExitSomeFailed;
}

void declare_export(CLI::App& command, ExportOptions& options) {
  command
      .add_option("CHECKPOINT", options.checkpoint,
                  "A checkpoint.safetensors of `faceforge train`, or the folder of its run")
      ->required()
      ->type_name("FILE|DIR");
  command
      .add_option("--detector-from", options.detector_pack,
                  "The pack whose detector finds and aligns the faces, with which the crops were "
                  "made: an id or a folder")
      ->required()
      ->type_name("ID|DIR");
  command
      .add_option("-o,--output", options.output, "The folder of the new pack, whose name is its id")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--calibration-people", options.calibration_people,
                  "A folder of PERSON/PHOTO for the thresholds, as evaluate calibrate takes it")
      ->type_name("DIR");
  add_exclude_pairs_option(command, options.excluded_pairs);
  command.add_flag("--permissive", options.permissive,
                   "The terms of the photos trained on allow any use, as does the detector's "
                   "licence; without it the pack is ranked with those for research");
  add_json_option(command, options.json);
  add_data_option(command, options.data_folder);
  set_examples(command,
               "  faceforge export run1/ --detector-from faceapi -o ./mine\n"
               "  faceforge export run1/checkpoint.safetensors --detector-from faceapi -o ./mine "
               "--calibration-people people/");
}

}  // namespace

void add_export_command(CLI::App& app, Chosen& chosen) {
  add_command<ExportOptions>(app, chosen, "export", "Make a model pack of a network you trained",
                             declare_export, run_export);
}

}  // namespace faceforge::cli
