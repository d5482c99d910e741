#include "base/file.h"
#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/pack_choice.h"
#include "cli/photo_notes.h"
#include "cli/text.h"
#include "dataset/move_aside.h"
#include "dataset/photo_pages.h"
#include "dataset/suspects.h"

namespace faceforge::cli {
namespace {

struct CleanCommandOptions {
  std::string folder;
  std::string page;
  std::string move_to;
  bool dry_run = false;
  bool json = false;
  PackChoice pack;
};

json::array suspects_json(const dataset::LookedPeople& people,
                          const std::vector<dataset::Suspect>& suspects) {
  json::array written;
  for (const dataset::Suspect& suspect : suspects) {
    const auto& other = suspect.other_person_index;
    json::object one{
        {"image", people.name_of(suspect.photo_index)},
        {"doubt", dataset::to_string(suspect.doubt)},
        {"own_similarity", json::number(suspect.own_similarity)},
        {"other_person", other ? json::value(people.people[*other]) : json::value(nullptr)},
        {"other_similarity",
         other ? json::number(suspect.other_similarity) : json::value(nullptr)}};
    if (suspect.doubt == dataset::Doubt::SecondFace) {
      one["second_face_similarity"] = json::number(suspect.second_face_similarity);
    }
    written.push_back(std::move(one));
  }
  return written;
}

json::object report_json(const dataset::LookedPeople& people, const dataset::SuspectReport& report,
                         const std::vector<std::string>& moved, const CleanCommandOptions& options,
                         const std::vector<dataset::Skipped>& skipped) {
  return {{"suspects", suspects_json(people, report.suspects)},
          {"judged", report.judged_count},
          {"faceless", report.faceless_count},
          {"alone", report.alone_count},
          {"agreement_similarity", json::number(report.agreement_similarity)},
          {"other_person_similarity", json::number(report.other_similarity)},
          {"moved", names_json(moved)},
          {"dry_run", options.dry_run},
          {"skipped", skipped_json(skipped)}};
}

std::string report_text(const dataset::LookedPeople& people, const dataset::SuspectReport& report) {
  constexpr auto kRight = Alignment::Right;
  Table table({{"photo"}, {"doubt"}, {"own", kRight}, {"other", kRight}, {"most similar other"}});
  for (const dataset::Suspect& suspect : report.suspects) {
    const auto& other = suspect.other_person_index;
    table.add_row({people.name_of(suspect.photo_index),
                   std::string(dataset::to_string(suspect.doubt)),
                   fmt::format("{:.3f}", suspect.own_similarity),
                   other ? fmt::format("{:.3f}", suspect.other_similarity) : "",
                   other ? people.people[*other] : ""});
  }
  return (report.suspects.empty() ? "" : table.to_text()) +
         fmt::format(
             "{} of {} photos disagree with their person (they agree from {:.3f} on); {} show no "
             "face, {} are the only ones of their person\n",
             report.suspects.size(), report.judged_count, report.agreement_similarity,
             report.faceless_count, report.alone_count);
}

Result<int> run_clean(const CleanCommandOptions& options, const Interrupt& interrupt) {
  if (!options.move_to.empty()) TRY(dataset::check_outside(options.move_to, options.folder));
  if (!options.page.empty()) TRY(file_to_write(options.page));
  const auto pipeline = TRY(open_pipeline(options.pack));
  const auto people = TRY(look_at_folder(options.folder, *pipeline, interrupt));
  const auto report = TRY(dataset::find_suspects(people, pipeline->spec().calibration));
  if (!options.page.empty() && !options.dry_run) {
    TRY(write_file_atomically(
        options.page, dataset::suspects_page("Photos that disagree with their person", people,
                                             report, crops_of(*pipeline))));
  }
  dataset::MoveReport moves;
  if (!options.move_to.empty() && !options.dry_run) {
    std::vector<std::string> names;
    for (const auto& suspect : report.suspects)
      names.push_back(people.name_of(suspect.photo_index));
    moves = TRY(dataset::move_aside(options.folder, names, options.move_to));
  }
  std::vector<dataset::Skipped> skipped = people.skipped;
  skipped.insert(skipped.end(), moves.skipped.begin(), moves.skipped.end());
  print(options.json
            ? json::to_pretty_text(report_json(people, report, moves.moved, options, skipped))
            : report_text(people, report));
  if (!options.json && !options.move_to.empty()) {
    print(fmt::format("{} moved to {}\n", moves.moved.size(), to_printable(options.move_to)));
  }
  note_skipped(skipped);
  return exit_code_of(skipped, people.photos.size());
}

void declare_clean(CLI::App& command, CleanCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  command
      .add_option("--report", options.page,
                  "Write a page that shows each beside its person and the most similar other, too")
      ->type_name("FILE.html");
  command
      .add_option("--move-to", options.move_to,
                  "Move them to this folder, from where they can be moved back")
      ->type_name("DIR");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge dataset clean people/ --report doubts.html\n"
               "  faceforge dataset clean people/ --move-to doubtful/");
}

}  // namespace

void add_dataset_clean_command(CLI::App& dataset, Chosen& chosen) {
  add_command<CleanCommandOptions>(dataset, chosen, "clean",
                                   "Find photos that disagree with the person they are filed under",
                                   declare_clean, run_clean);
}

}  // namespace faceforge::cli
