#include <set>

#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/exit_code.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "dataset/rename.h"

namespace faceforge::cli {
namespace {

struct RenameCommandOptions {
  std::string folder;
  std::optional<std::string> prefix;
  bool undo = false;
  bool dry_run = false;
  bool json = false;
};

json::object report_json(const dataset::RenameReport& report, const RenameCommandOptions& options) {
  json::array renamed;
  for (const dataset::RenamedPhoto& photo : report.renamed) {
    renamed.push_back(json::object{{"from", photo.from}, {"to", photo.to}});
  }
  json::array left_alone;
  for (const dataset::LeftAloneFile& file : report.left_alone) {
    left_alone.push_back(
        json::object{{"file", file.path}, {"reason", dataset::to_string(file.reason)}});
  }
  return {{"folder", options.folder},
          {"dry_run", options.dry_run},
          {"undo", options.undo},
          {"renamed", std::move(renamed)},
          {"resumed", report.resumed_count},
          {"named_right", report.named_right_count},
          {"left_alone", std::move(left_alone)},
          {"skipped", skipped_json(report.skipped)},
          {"stopped", report.was_stopped}};
}

std::string report_text(const dataset::RenameReport& report, const RenameCommandOptions& options) {
  std::string text;
  std::set<std::string> people;
  for (const dataset::RenamedPhoto& photo : report.renamed) {
    text += fmt::format("{} -> {}\n", to_printable(photo.from), to_printable(photo.to));
    people.insert(photo.from.substr(0, photo.from.find('/')));
  }
  text += fmt::format("{} photo{} of {} {}", report.renamed.size(),
                      report.renamed.size() == 1 ? "" : "s",
                      people.size() == 1 ? "1 person" : fmt::format("{} people", people.size()),
                      options.dry_run ? "would be renamed" : "renamed");
  if (options.undo) return text + " back\n";
  return text + fmt::format("; {} named right already\n", report.named_right_count);
}

/// What does not show in the report of a run that went well.
void note_beside(const dataset::RenameReport& report, const RenameCommandOptions& options) {
  size_t hidden_count = 0;  // of these there are many, and nobody means them
  for (const dataset::LeftAloneFile& file : report.left_alone) {
    if (file.reason == dataset::LeftAlone::Hidden) {
      ++hidden_count;
      continue;
    }
    note(fmt::format("faceforge: {}: left alone ({})\n", to_printable(file.path),
                     dataset::to_string(file.reason)));
  }
  if (hidden_count > 0) note(fmt::format("faceforge: {} hidden files left alone\n", hidden_count));
  note_skipped(report.skipped);
  if (report.resumed_count > 0) {
    note(fmt::format("faceforge: an earlier run was broken off: {} photos of it {} finished\n",
                     report.resumed_count, options.dry_run ? "are to be" : "were"));
  }
  if (!options.undo && !options.dry_run && !report.renamed.empty()) {
    note("faceforge: to take it back: faceforge dataset rename --undo DIR\n");
  }
}

Result<int> run_rename(const RenameCommandOptions& options, const Interrupt& interrupt) {
  ProgressBar bar("photos");
  Supervision supervision = supervision_of(bar, interrupt);
  const dataset::RenameOptions how{.prefix = options.prefix,
                                   .dry_run = options.dry_run,
                                   .report = std::move(supervision.report),
                                   .stop = supervision.stop};
  const auto report = TRY(options.undo ? dataset::undo_renames(options.folder, how)
                                       : dataset::rename_photos(options.folder, how));
  bar.hide();
  print(options.json ? json::to_pretty_text(report_json(report, options))
                     : report_text(report, options));
  note_beside(report, options);
  if (report.was_stopped) {
    note("faceforge: stopped: the photos that are left keep their names\n");
    return exit_code(ErrorCode::Cancelled);
  }
  return exit_code_of(report.skipped, report.renamed.size());
}

void declare_rename(CLI::App& command, RenameCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  auto* prefix = command.add_option("--prefix", options.prefix,
                                    "What the names begin with, instead of the person's name");
  prefix->type_name("P");
  command.add_flag("--undo", options.undo, "Give the photos of the last run their old names back")
      ->excludes(prefix);
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  set_examples(command,
               "  faceforge dataset rename people/             ada/image.jpg -> ada/ada_1.jpg\n"
               "  faceforge dataset rename people/ --prefix child\n"
               "  faceforge dataset rename people/ --dry-run   only says what it would do\n"
               "  faceforge dataset rename people/ --undo");
}

}  // namespace

void add_dataset_rename_command(CLI::App& dataset, Chosen& chosen) {
  add_command<RenameCommandOptions>(dataset, chosen, "rename",
                                    "Name every photo after its person, and number them",
                                    declare_rename, run_rename);
}

}  // namespace faceforge::cli
