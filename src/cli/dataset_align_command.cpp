#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/pack_choice.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "dataset/align.h"

namespace faceforge::cli {
namespace {

struct AlignCommandOptions {
  std::string folder;
  std::string output;
  bool dry_run = false;
  bool json = false;
  PackChoice pack;
};

json::object report_json(const dataset::AlignReport& report, const AlignCommandOptions& options,
                         const vision::PipelineSpec& pack) {
  return {{"output", options.output},
          {"photos", report.photo_count},
          {"aligned", report.aligned_count},
          {"kept", report.kept_count},
          {"side_px", dataset::kDefaultSide_px},
          {"pack", pack.pack_id},
          {"model_id", pack.model_id.hex()},
          {"dry_run", options.dry_run},
          {"stale", json::array(report.stale.begin(), report.stale.end())},
          {"skipped", skipped_json(report.skipped)}};
}

std::string report_text(const dataset::AlignReport& report, const AlignCommandOptions& options) {
  std::string text =
      fmt::format("{} of {} photos {}aligned{}, {} were already, {} skipped\n",
                  report.aligned_count, report.photo_count, options.dry_run ? "would be " : "",
                  options.dry_run ? "" : " into " + to_printable(options.output), report.kept_count,
                  report.skipped.size());
  if (!report.stale.empty()) {
    text += fmt::format("{} crops of photos that are there no more {} .faceforge-stale\n",
                        report.stale.size(), options.dry_run ? "would go to" : "went to");
  }
  return text;
}

Result<int> run_align(const AlignCommandOptions& options, const Interrupt& interrupt) {
  const auto pipeline = TRY(open_pipeline(options.pack));
  ProgressBar bar("photos");
  const auto report = TRY(dataset::align_people(options.folder, crops_of(*pipeline),
                                                {.output = options.output,
                                                 .aligned_by = pipeline->model_id().hex(),
                                                 .dry_run = options.dry_run,
                                                 .thread_count = every_core(),
                                                 .supervision = supervision_of(bar, interrupt)}));
  bar.hide();
  print(options.json ? json::to_pretty_text(report_json(report, options, pipeline->spec()))
                     : report_text(report, options));
  note_skipped(report.skipped);
  return exit_code_of(report.skipped, report.aligned_count + report.kept_count);
}

void declare_align(CLI::App& command, AlignCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  command.add_option("-o,--output", options.output, "The folder of crops, PERSON/PHOTO.png")
      ->required()
      ->type_name("OUT");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge dataset align people/ -o crops/\n"
               "  faceforge dataset pack crops/ --aligned -o people.ffd");
}

}  // namespace

void add_dataset_align_command(CLI::App& dataset, Chosen& chosen) {
  add_command<AlignCommandOptions>(dataset, chosen, "align",
                                   "Cut out every photo's face, upright, 112x112 pixels",
                                   declare_align, run_align);
}

}  // namespace faceforge::cli
