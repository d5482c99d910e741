#include "cli/dataset_command.h"

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/photo_run.h"
#include "cli/supervision.h"
#include "dataset/central_crop.h"

namespace faceforge::cli {

void add_people_folder_option(CLI::App& command, std::string& folder) {
  command.add_option("DIR", folder, "A folder of person_name/photo.jpg")
      ->required()
      ->type_name("DIR");
}

void add_dry_run_option(CLI::App& command, bool& dry_run) {
  command.add_flag("--dry-run", dry_run, "Say what would be done, and change nothing");
}

json::array skipped_json(const std::vector<dataset::Skipped>& skipped) {
  json::array written;
  for (const dataset::Skipped& one : skipped) {
    written.push_back(failed_image_json(one.name, one.error));
  }
  return written;
}

void note_skipped(const std::vector<dataset::Skipped>& skipped) {
  for (const dataset::Skipped& one : skipped) print_image_error(one.name, one.error);
}

int exit_code_of(const std::vector<dataset::Skipped>& skipped, size_t done_count) {
  if (skipped.empty()) return kExitDone;
  return done_count > 0 ? kExitSomeFailed : exit_code(skipped.front().error.code);
}

Result<dataset::LookedPeople> look_at_folder(const std::string& folder,
                                             const vision::Pipeline& pipeline,
                                             const Interrupt& interrupt) {
  const auto look = [&](const std::filesystem::path& file) -> Result<dataset::PhotoFacts> {
    const auto bytes = TRY(read_photo(file));
    return dataset::photo_facts(pipeline, bytes);
  };
  ProgressBar bar("photos");
  return dataset::look_at_people(folder, look, every_core(), supervision_of(bar, interrupt));
}

dataset::CropPhoto crops_of(const vision::Pipeline& pipeline) {
  return [&pipeline](const std::filesystem::path& file) -> Result<image::Image> {
    const auto bytes = TRY(read_photo(file));
    return dataset::central_crop(pipeline, bytes);
  };
}

void add_dataset_command(CLI::App& app, Chosen& chosen) {
  CLI::App* dataset =
      app.add_subcommand("dataset", "Prepare folders of people's photos for training");
  dataset->require_subcommand(1);
  set_examples(*dataset,
               "  faceforge dataset rename people/ --dry-run\n"
               "  faceforge dataset clean people/ --report doubts.html\n"
               "  faceforge dataset split people/ --train 0.8 --seed 1 -o lists/\n"
               "  faceforge dataset pack people/ -o people.ffd");
  add_dataset_fetch_lfw_command(*dataset, chosen);
  add_dataset_rename_command(*dataset, chosen);
  add_dataset_stats_command(*dataset, chosen);
  add_dataset_dedupe_command(*dataset, chosen);
  add_dataset_clean_command(*dataset, chosen);
  add_dataset_align_command(*dataset, chosen);
  add_dataset_split_command(*dataset, chosen);
  add_dataset_pack_command(*dataset, chosen);
}

}  // namespace faceforge::cli
