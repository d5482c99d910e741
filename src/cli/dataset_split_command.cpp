#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/text.h"
#include "dataset/split.h"

namespace faceforge::cli {
namespace {

struct SplitCommandOptions {
  std::string source;
  dataset::SplitOptions split;
  std::string output;
  bool json = false;
};

json::object list_json(size_t people, size_t photos, const std::filesystem::path& file) {
  return {{"people", people}, {"photos", photos}, {"file", file.string()}};
}

json::object report_json(const dataset::SplitReport& report, const dataset::SplitOptions& options) {
  return {{"train", list_json(report.people.train.size(), report.train_photo_count,
                              options.output / dataset::kTrainListName)},
          {"held_out", list_json(report.people.test.size(), report.held_out_photo_count,
                                 options.output / dataset::kHeldOutListName)},
          {"train_share", options.train_share},
          {"seed", options.seed},
          {"min_photos", options.min_photos},
          {"too_few_photos", report.too_few_count},
          {"dry_run", options.dry_run},
          {"skipped", skipped_json(report.skipped)}};
}

std::string report_text(const dataset::SplitReport& report, const dataset::SplitOptions& options) {
  constexpr auto kRight = Alignment::Right;
  Table lists({{"list"}, {"people", kRight}, {"photos", kRight}, {"file"}});
  const auto add = [&](const char* name, size_t people, size_t photos, const char* file) {
    lists.add_row({name, fmt::format("{}", people), fmt::format("{}", photos),
                   options.dry_run ? "not written" : (options.output / file).string()});
  };
  add("train", report.people.train.size(), report.train_photo_count, dataset::kTrainListName);
  add("held out", report.people.test.size(), report.held_out_photo_count,
      dataset::kHeldOutListName);
  return lists.to_text() + fmt::format("{} people with fewer than {} photos are on neither\n",
                                       report.too_few_count, options.min_photos);
}

Result<int> run_split(const SplitCommandOptions& options, const Interrupt&) {
  dataset::SplitOptions split = options.split;
  split.output = options.output;
  const auto report = TRY(dataset::split_dataset(options.source, split));
  print(options.json ? json::to_pretty_text(report_json(report, split))
                     : report_text(report, split));
  note_skipped(report.skipped);
  return exit_code_of(report.skipped, report.people.train.size());
}

void declare_split(CLI::App& command, SplitCommandOptions& options) {
  command
      .add_option("DIR|DATA.ffd", options.source,
                  "A folder of person_name/photo.jpg, or a file of crops (dataset pack)")
      ->required()
      ->type_name("PATH");
  command
      .add_option("--train", options.split.train_share,
                  "The share of the people to train on; the others are held out")
      ->capture_default_str()
      ->type_name("SHARE");
  command.add_option("--seed", options.split.seed, "Another seed is another draw")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--min-photos", options.split.min_photos, "Leave out people with fewer photos")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("-o,--output", options.output,
                  "Where train_people.txt and held_out_people.txt are written")
      ->required()
      ->type_name("DIR");
  add_dry_run_option(command, options.split.dry_run);
  add_json_option(command, options.json);
  set_examples(command,
               "  faceforge dataset split people/ --train 0.8 --seed 1 -o lists/\n"
               "  faceforge dataset split people.ffd --min-photos 4 -o lists/");
}

}  // namespace

void add_dataset_split_command(CLI::App& dataset, Chosen& chosen) {
  add_command<SplitCommandOptions>(dataset, chosen, "split",
                                   "Divide people into those to train on and those to test with",
                                   declare_split, run_split);
}

}  // namespace faceforge::cli
