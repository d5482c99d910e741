#include "base/file.h"
#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/pack_choice.h"
#include "cli/photo_notes.h"
#include "cli/text.h"
#include "dataset/duplicates.h"
#include "dataset/move_aside.h"
#include "dataset/photo_pages.h"

namespace faceforge::cli {
namespace {

struct DedupeCommandOptions {
  std::string folder;
  std::string page;
  std::string move_to;
  bool dry_run = false;
  bool json = false;
  PackChoice pack;
};

using Groups = std::vector<dataset::DuplicateGroup>;

json::array groups_json(const dataset::LookedPeople& people, const Groups& groups) {
  json::array written;
  for (const dataset::DuplicateGroup& group : groups) {
    json::array others;
    for (const dataset::DuplicatePhoto& other : group.others) {
      others.push_back(json::object{{"image", people.name_of(other.photo_index)},
                                    {"exact", other.is_exact},
                                    {"differing_bits", other.differing_bits},
                                    {"similarity", json::number(other.similarity)}});
    }
    written.push_back(json::object{{"keep", people.name_of(group.kept_index)},
                                   {"across_people", group.is_across_people},
                                   {"others", std::move(others)}});
  }
  return written;
}

std::string groups_text(const dataset::LookedPeople& people, const Groups& groups) {
  std::string text;
  size_t copy_count = 0;
  size_t across_count = 0;
  for (const dataset::DuplicateGroup& group : groups) {
    text += to_printable(people.name_of(group.kept_index)) +
            (group.is_across_people ? "  under more than one name\n" : "\n");
    for (const dataset::DuplicatePhoto& other : group.others) {
      text += fmt::format("  {}  {}\n", to_printable(people.name_of(other.photo_index)),
                          other.is_exact ? "the same bytes"
                                         : fmt::format("{} of 64 bits differ, faces {:.3f} similar",
                                                       other.differing_bits, other.similarity));
    }
    copy_count += group.others.size();
    across_count += group.is_across_people ? 1 : 0;
  }
  return text +
         fmt::format("{} photos are copies of {}; {} of these are under more than one name\n",
                     copy_count, groups.size(), across_count);
}

/// The copies that can go: of photos under more than one name a person decides.
std::vector<std::string> copies_to_move(const dataset::LookedPeople& people, const Groups& groups) {
  std::vector<std::string> copies;
  for (const dataset::DuplicateGroup& group : groups) {
    if (group.is_across_people) continue;
    for (const auto& other : group.others) copies.push_back(people.name_of(other.photo_index));
  }
  return copies;
}

Result<int> run_dedupe(const DedupeCommandOptions& options, const Interrupt& interrupt) {
  if (!options.move_to.empty()) TRY(dataset::check_outside(options.move_to, options.folder));
  if (!options.page.empty()) TRY(file_to_write(options.page));
  const auto pipeline = TRY(open_pipeline(options.pack));
  const auto people = TRY(look_at_folder(options.folder, *pipeline, interrupt));
  const auto groups = dataset::find_duplicates(people);
  if (!options.page.empty() && !options.dry_run) {
    TRY(write_file_atomically(
        options.page,
        dataset::duplicates_page("Photos that are there more than once", people, groups)));
  }
  dataset::MoveReport moves;
  if (!options.move_to.empty() && !options.dry_run) {
    moves =
        TRY(dataset::move_aside(options.folder, copies_to_move(people, groups), options.move_to));
  }
  std::vector<dataset::Skipped> skipped = people.skipped;
  skipped.insert(skipped.end(), moves.skipped.begin(), moves.skipped.end());
  if (options.json) {
    print(json::to_pretty_text(json::object{{"photos", people.photos.size()},
                                            {"duplicates", groups_json(people, groups)},
                                            {"moved", names_json(moves.moved)},
                                            {"dry_run", options.dry_run},
                                            {"skipped", skipped_json(skipped)}}));
  } else {
    print(groups_text(people, groups));
    if (!options.move_to.empty()) {
      print(fmt::format("{} moved to {}\n", moves.moved.size(), to_printable(options.move_to)));
    }
  }
  note_skipped(skipped);
  return exit_code_of(skipped, people.photos.size());
}

void declare_dedupe(CLI::App& command, DedupeCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  command.add_option("--report", options.page, "Write a page that shows them side by side, too")
      ->type_name("FILE.html");
  command
      .add_option("--move-to", options.move_to,
                  "Move the copies within one person to this folder; nothing is ever deleted")
      ->type_name("DIR");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge dataset dedupe people/ --report copies.html\n"
               "  faceforge dataset dedupe people/ --move-to copies/");
}

}  // namespace

void add_dataset_dedupe_command(CLI::App& dataset, Chosen& chosen) {
  add_command<DedupeCommandOptions>(dataset, chosen, "dedupe",
                                    "Find photos that are there more than once", declare_dedupe,
                                    run_dedupe);
}

}  // namespace faceforge::cli
