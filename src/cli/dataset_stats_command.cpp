#include "base/file.h"
#include "base/output_folder.h"
#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/pack_choice.h"
#include "cli/text.h"
#include "dataset/stats_page.h"
#include "image/encode.h"

namespace faceforge::cli {
namespace {

constexpr size_t kSheetFaces = 64;
constexpr const char* kPageName = "stats.html";
constexpr const char* kSheetName = "contact_sheet.png";

struct StatsCommandOptions {
  std::string folder;
  std::string output;
  bool dry_run = false;
  bool json = false;
  PackChoice pack;
};

json::object distribution_json(const dataset::Distribution& distribution) {
  json::array bins;
  for (const dataset::Bin& bin : distribution.bins) {
    bins.push_back(json::object{{"range", bin.label}, {"count", bin.count}});
  }
  return {
      {"title", distribution.title}, {"median", distribution.median}, {"bins", std::move(bins)}};
}

json::object stats_json(const dataset::DatasetStats& stats,
                        const std::vector<dataset::Skipped>& skipped) {
  json::array largest, quality;
  for (const dataset::PersonSize& person : stats.largest) {
    largest.push_back(json::object{{"person", person.name}, {"photos", person.photo_count}});
  }
  for (const auto& distribution : stats.quality) quality.push_back(distribution_json(distribution));
  return {{"people", stats.person_count},
          {"photos", stats.photo_count},
          {"pairs_of_one_person", stats.pair_count},
          {"faceless", stats.faceless_count},
          {"several_faces", stats.several_faces_count},
          {"largest", std::move(largest)},
          {"photos_a_person", distribution_json(stats.photos_a_person)},
          {"quality", std::move(quality)},
          {"skipped", skipped_json(skipped)}};
}

std::string distribution_text(const dataset::Distribution& distribution) {
  constexpr size_t kBarColumns = 40;
  size_t largest = 1;
  for (const dataset::Bin& bin : distribution.bins) largest = std::max(largest, bin.count);
  Table bins({{distribution.title}, {"count", Alignment::Right}, {""}});
  for (const dataset::Bin& bin : distribution.bins) {
    bins.add_row({bin.label, fmt::format("{}", bin.count),
                  std::string((bin.count * kBarColumns + largest - 1) / largest, '#')});
  }
  return bins.to_text() + "\n";
}

std::string stats_text(const dataset::DatasetStats& stats) {
  std::string text = fmt::format(
      "{} people, {} photos, {} pairs of one person; {} photos without a face, {} with more than "
      "one\n\n",
      stats.person_count, stats.photo_count, stats.pair_count, stats.faceless_count,
      stats.several_faces_count);
  text += distribution_text(stats.photos_a_person);
  for (const auto& distribution : stats.quality) text += distribution_text(distribution);
  return text;
}

/// Writes the page and the contact sheet.
Result<void> write_report(const StatsCommandOptions& options, const dataset::LookedPeople& people,
                          const dataset::DatasetStats& stats, const vision::Pipeline& pipeline) {
  const std::filesystem::path output = options.output;
  TRY(make_output_folder(output));
  const auto faces = dataset::sheet_faces(people, crops_of(pipeline), kSheetFaces);
  if (!faces.empty()) {
    const auto sheet = TRY(dataset::contact_sheet(faces));
    const auto png = TRY(image::encode_png(sheet));
    TRY(write_file_atomically(output / kSheetName, png));
  }
  const auto folder = std::filesystem::path(options.folder) / "";
  const std::string title = folder.parent_path().filename().string();
  TRY(write_file_atomically(output / kPageName,
                            dataset::stats_page(title, stats, people.skipped, faces)));
  note(fmt::format("faceforge: written: {} and {} in {}\n", kPageName, kSheetName,
                   to_printable(options.output)));
  return {};
}

Result<int> run_stats(const StatsCommandOptions& options, const Interrupt& interrupt) {
  const auto pipeline = TRY(open_pipeline(options.pack));
  const auto people = TRY(look_at_folder(options.folder, *pipeline, interrupt));
  const auto stats = dataset::count_dataset(people);
  if (!options.output.empty() && !options.dry_run) {
    TRY(write_report(options, people, stats, *pipeline));
  }
  print(options.json ? json::to_pretty_text(stats_json(stats, people.skipped)) : stats_text(stats));
  note_skipped(people.skipped);
  return exit_code_of(people.skipped, people.photos.size());
}

void declare_stats(CLI::App& command, StatsCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  command
      .add_option("-o,--output", options.output,
                  "Also write stats.html, a page, and contact_sheet.png into this folder")
      ->type_name("DIR");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge dataset stats people/\n"
               "  faceforge dataset stats people/ -o report/");
}

}  // namespace

void add_dataset_stats_command(CLI::App& dataset, Chosen& chosen) {
  add_command<StatsCommandOptions>(dataset, chosen, "stats",
                                   "Count people, photos and faces, and show how good they are",
                                   declare_stats, run_stats);
}

}  // namespace faceforge::cli
