#include "cli/evaluate_photos_command.h"

#include "base/file.h"
#include "cli/console.h"
#include "cli/evaluation.h"
#include "cli/exit_code.h"
#include "cli/pack_choice.h"
#include "cli/phase_bars.h"
#include "cli/photo_notes.h"
#include "cli/report_files.h"
#include "evaluate/evaluation.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/evaluation_markdown.h"
#include "evaluate/evaluation_page.h"
#include "evaluate/people_folder.h"

namespace faceforge::cli {
namespace {

struct EvaluateOptions {
  std::string images;
  std::string attributes;
  uint64_t seed = 1;
  bool leaves_out_trained = false;
  bool json = false;
  ReportFiles files;
  PackChoice pack;
};

/// The folder's people, without those that are to be left out because the pack knows them.
Result<evaluate::PeopleFolder> people_of(const EvaluateOptions& options) {
  auto folder = TRY(evaluate::list_people(options.images, {}));
  const std::set<std::string> names(folder.people.begin(), folder.people.end());
  const auto seen = TRY(trained_people_left_out(options.pack, names, options.leaves_out_trained));
  if (seen.empty()) return folder;
  return evaluate::list_people(options.images, seen);
}

Result<int> run_evaluation(const EvaluateOptions& options, evaluate::EvaluationScope scope,
                           const Interrupt& interrupt) {
  const std::string plot_script = TRY(prepare_reports(options.files));
  const evaluate::PeopleFolder folder = TRY(people_of(options));
  evaluate::EvaluationOptions asked{.scope = scope, .seed = options.seed};
  if (!options.attributes.empty()) {
    asked.attributes = TRY(evaluate::read_attributes(options.attributes, folder));
  }
  const auto pipeline = TRY(open_pipeline(options.pack));
  PhaseBars bars(interrupt);
  evaluate::LabelledPhotos photos =
      TRY(evaluate::embed_labelled_photos(*pipeline, folder, bars.begin("photos")));
  auto report = TRY(evaluate::evaluate_photos(
      std::move(photos), asked, [&](std::string_view phase) { return bars.begin(phase); }));
  report.model = pipeline->spec().pack_id;
  report.faceforge_version = FACEFORGE_VERSION;
  if (!options.files.page.empty()) {
    const auto pictures =
        TRY(evaluate::pictures_of(report, *pipeline, options.images, bars.begin("pictures")));
    TRY(write_file_atomically(options.files.page,
                              evaluate::evaluation_page(report, pictures, plot_script)));
  }
  bars.end();
  const std::string markdown = evaluate::to_markdown(report);
  if (!options.files.markdown.empty()) {
    TRY(write_file_atomically(options.files.markdown, markdown));
  }
  print(options.json ? json::to_pretty_text(evaluate::to_json(report)) : markdown);
  note_photos(report.photos.unusable);
  return report.photos.unusable.empty() ? kExitDone : kExitSomeFailed;
}

void declare_common(CLI::App& command, EvaluateOptions& options) {
  command.add_option("--images", options.images, "A folder of PERSON/PHOTO")
      ->required()
      ->type_name("DIR");
  add_leave_out_trained_option(command, options.leaves_out_trained);
  command.add_option("--seed", options.seed, "Of everything that is drawn by lot")
      ->default_str("1");
  add_json_option(command, options.json);
  add_report_options(command, options.files);
  add_pack_options(command, options.pack);
}

}  // namespace

void add_evaluate_photos_commands(CLI::App& evaluate, Chosen& chosen) {
  add_command<EvaluateOptions>(
      evaluate, chosen, "folder", "Measure everything on a folder of people: all pairs of photos",
      [](CLI::App& command, EvaluateOptions& options) {
        declare_common(command, options);
        command
            .add_option("--attributes", options.attributes,
                        "A CSV file: a person or PERSON/PHOTO, then columns of groups")
            ->type_name("FILE.csv");
        set_examples(command,
                     "  faceforge evaluate folder --images people/ --report people.html\n"
                     "  faceforge evaluate folder --images lfw/ --attributes lfw.csv --json");
      },
      [](const EvaluateOptions& options, const Interrupt& interrupt) {
        return run_evaluation(options, evaluate::EvaluationScope::Everything, interrupt);
      });
  add_command<EvaluateOptions>(
      evaluate, chosen, "identify", "Measure identification in galleries of rising size (open-set)",
      [](CLI::App& command, EvaluateOptions& options) {
        declare_common(command, options);
        set_examples(command, "  faceforge evaluate identify --images people/ --json");
      },
      [](const EvaluateOptions& options, const Interrupt& interrupt) {
        return run_evaluation(options, evaluate::EvaluationScope::IdentificationOnly, interrupt);
      });
}

}  // namespace faceforge::cli
