#include "cli/console.h"
#include "cli/dataset_command.h"
#include "cli/pack_choice.h"
#include "cli/photo_run.h"
#include "cli/supervision.h"
#include "cli/text.h"
#include "crops/crop_file.h"
#include "crops/person_list.h"
#include "dataset/pack.h"

namespace faceforge::cli {
namespace {

struct PackCommandOptions {
  std::string folder;
  std::string output;
  std::string people;
  size_t min_photos = 1;
  int side_px = dataset::kDefaultSide_px;
  bool aligned = false;
  bool dry_run = false;
  bool json = false;
  PackChoice pack;
};

json::object report_json(const dataset::PackReport& report, const PackCommandOptions& options,
                         const std::string& sha256) {
  return {{"output", options.dry_run ? json::value(nullptr) : json::value(options.output)},
          {"sha256", options.dry_run ? json::value(nullptr) : json::value(sha256)},
          {"people", report.person_count},
          {"crops", report.crop_count},
          {"photos", report.photo_count},
          {"side_px", options.side_px},
          {"dry_run", options.dry_run},
          {"skipped", skipped_json(report.skipped)}};
}

std::string report_text(const dataset::PackReport& report, const PackCommandOptions& options,
                        const std::string& sha256) {
  std::string text =
      fmt::format("{} crops of {} people from {} photos, {}x{} pixels each\n", report.crop_count,
                  report.person_count, report.photo_count, options.side_px, options.side_px);
  if (options.dry_run) return text + "nothing was written\n";
  return text + fmt::format("written to {} (sha256 {})\n", to_printable(options.output), sha256);
}

/// A crop that `dataset align` made, as it is.
Result<image::Image> aligned_crop(const std::filesystem::path& file) {
  const auto bytes = TRY(read_photo(file));
  auto photo = TRY(image::decode(bytes, {}));
  if (photo.width_px == photo.height_px) return std::move(photo.image);
  return fail(ErrorCode::InvalidInput, "not_a_crop", "{}x{} pixels: crops are square",
              photo.width_px, photo.height_px);
}

Result<std::vector<PersonFolder>> people_of(const PackCommandOptions& options) {
  auto people = TRY(list_person_folders(options.folder, dataset::kMaxPhotoCount));
  if (options.people.empty()) return people;
  const auto names = TRY(crops::read_name_list(options.people));
  return dataset::only_named(std::move(people), names);
}

Result<int> run_pack(const PackCommandOptions& options, const Interrupt& interrupt) {
  if (!options.dry_run) TRY(file_to_write(options.output));  // told now, not after the work
  const auto people = TRY(people_of(options));
  std::shared_ptr<const vision::Pipeline> pipeline;
  if (!options.aligned) pipeline = TRY(open_pipeline(options.pack));
  const dataset::CropPhoto crop_photo = pipeline ? crops_of(*pipeline) : aligned_crop;
  ProgressBar bar("photos");
  Supervision supervision = supervision_of(bar, interrupt);
  const dataset::PackOptions how{.output = options.dry_run ? "" : options.output,
                                 .side_px = options.side_px,
                                 .min_photos = options.min_photos,
                                 .thread_count = every_core(),
                                 .report = std::move(supervision.report),
                                 .stop = supervision.stop};
  const auto report = TRY(dataset::pack(people, crop_photo, how));
  bar.hide();
  std::string sha256;
  if (!options.dry_run) {
    const auto written = TRY(crops::CropFile::open(options.output));
    sha256 = to_hex(written.sha256());
  }
  print(options.json ? json::to_pretty_text(report_json(report, options, sha256))
                     : report_text(report, options, sha256));
  note_skipped(report.skipped);
  return exit_code_of(report.skipped, report.crop_count);
}

void declare_pack(CLI::App& command, PackCommandOptions& options) {
  add_people_folder_option(command, options.folder);
  command
      .add_option("-o,--output", options.output, "The file of crops to write (docs/ffd-format.md)")
      ->required()
      ->type_name("DATA.ffd");
  command
      .add_option("--people", options.people,
                  "Only the people of this list, one name a line (dataset split)")
      ->type_name("LIST");
  command
      .add_option("--min-photos", options.min_photos, "Leave out people with fewer usable photos")
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--side", options.side_px, "The side of each crop in pixels")
      ->capture_default_str()
      ->check(CLI::Range(8, static_cast<int>(crops::kMaxSide_px)))
      ->type_name("N");
  command.add_flag("--aligned", options.aligned,
                   "The photos are crops that dataset align made: take them as they are");
  add_dry_run_option(command, options.dry_run);
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
  set_examples(command,
               "  faceforge dataset pack people/ -o people.ffd\n"
               "  faceforge dataset pack lfw/ -o lfw.ffd --min-photos 4\n"
               "  faceforge dataset pack people/ -o train.ffd --people lists/train_people.txt");
}

}  // namespace

void add_dataset_pack_command(CLI::App& dataset, Chosen& chosen) {
  add_command<PackCommandOptions>(dataset, chosen, "pack",
                                  "Turn photos into one file of aligned faces to train on",
                                  declare_pack, run_pack);
}

}  // namespace faceforge::cli
