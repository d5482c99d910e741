#include "cli/train_head_command.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/clock.h"
#include "base/file.h"
#include "base/parallel_work.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/head_text.h"
#include "cli/pack_choice.h"
#include "cli/phase_bars.h"
#include "cli/photo_run.h"
#include "cli/text.h"
#include "gallery/head_trial.h"
#include "gallery/model_file.h"
#include "recognition/train_folder.h"

namespace faceforge::cli {
namespace {

struct TrainHeadOptions {
  std::string gallery;
  std::string photos;
  std::string output;
  std::string tried;
  bool json = false;
  PackChoice pack;
};

/// The people's photos in the folder, embedded by the gallery's pack. Whoever is not of the gallery
/// is left out: the head is for its people.
Result<gallery::LabelledEmbeddings> more_photos_of(const TrainHeadOptions& options,
                                                   const gallery::GalleryModel& model,
                                                   const recognition::FaceEngine& engine,
                                                   const Interrupt& interrupt) {
  ProgressBar bar("photos");
  const SystemClock clock;
  const auto progress = [&](int64_t done, int64_t in_all) {
    bar.update(static_cast<size_t>(done), static_cast<size_t>(in_all));
    return !interrupt.requested();
  };
  const auto folder = TRY(recognition::train_folder(options.photos, engine, clock, {}, progress));
  bar.hide();
  for (const auto& photo : folder.skipped) print_image_error(photo.path.string(), photo.reason);
  gallery::LabelledEmbeddings more;
  more.embeddings.column_count = static_cast<size_t>(model.embedding_length);
  for (const gallery::ModelPerson& person : folder.model.people) {
    const auto known = std::ranges::find(model.people, person.name, &gallery::ModelPerson::name);
    if (known == model.people.end()) {
      note(fmt::format("faceforge: {}: not a person of the gallery, left out\n",
                       to_printable(person.name)));
      continue;
    }
    for (const gallery::Reference& reference : person.references) {
      more.people.push_back(static_cast<size_t>(known - model.people.begin()));
      more.embeddings.values.insert(more.embeddings.values.end(), reference.embedding.begin(),
                                    reference.embedding.end());
    }
  }
  more.embeddings.row_count = more.people.size();
  return more;
}

std::string outcome_text(const gallery::HeadTrial& trial, const std::string& output) {
  const std::string table = head_trial_text(trial);
  if (!trial.with_head) {
    return fmt::format(
        "{}Not kept: {} confused photos are fewer than the {} of which a head could be told to "
        "mend any; none was trained.\n",
        table, trial.without_head.confused_count, gallery::kFewestConfusions);
  }
  const std::string change =
      fmt::format("{} confusions before, {} after ({} mended, {} new; by chance: p = {:.2g})",
                  trial.without_head.confused_count, trial.with_head->confused_count,
                  trial.mended_count, trial.spoiled_count, trial.p_value());
  if (!trial.is_better()) return fmt::format("{}Not kept: {}.\n", table, change);
  return fmt::format("{}Kept: {}; written to {}.\n", table, change, to_printable(output));
}

/// Whether two paths lead to one file, be it through links, and be it not there yet.
///
/// fails: as file_to_write
Result<bool> is_same_file(const std::string& first, const std::string& second) {
  std::error_code absent;
  if (std::filesystem::equivalent(first, second, absent)) return true;
  const auto first_file = std::filesystem::absolute(TRY(file_to_write(first)));
  const auto second_file = std::filesystem::absolute(TRY(file_to_write(second)));
  return std::filesystem::weakly_canonical(first_file, absent) ==
         std::filesystem::weakly_canonical(second_file, absent);
}

/// What was tried, better or not, must take the place of nothing that is to be relied on.
///
/// fails: invalid_input/tried_is_gallery, tried_is_output; as file_to_write
Result<void> check_tried(const TrainHeadOptions& options, const std::string& output) {
  if (options.tried.empty()) return {};
  std::error_code absent;
  if (std::filesystem::equivalent(options.tried, options.gallery, absent)) {
    return fail(ErrorCode::InvalidInput, "tried_is_gallery",
                "--tried is the gallery itself, {}, and what was tried may be worse: name another "
                "file",
                options.gallery);
  }
  if (TRY(is_same_file(options.tried, output))) {
    return fail(ErrorCode::InvalidInput, "tried_is_output",
                "--tried and --output are one file, {}, and what was tried may be worse: name "
                "another file",
                output);
  }
  return {};
}

/// Writes the gallery with its head: to `output` where it is better, to `tried` in any case.
Result<void> write_galleries(const TrainHeadOptions& options, gallery::GalleryModel& model,
                             const gallery::HeadOutcome& outcome, const std::string& output) {
  if (!outcome.head) return {};
  model.head = outcome.head;
  if (!options.tried.empty()) TRY(gallery::write_model_file(model, options.tried));
  if (outcome.trial.is_better()) TRY(gallery::write_model_file(model, output));
  return {};
}

Result<int> run_train_head(const TrainHeadOptions& options, const Interrupt& interrupt) {
  const std::string output = options.output.empty() ? options.gallery : options.output;
  TRY(file_to_write(output));  // told now, not after the work
  TRY(check_tried(options, output));
  gallery::GalleryModel model = TRY(gallery::read_model_file(options.gallery));
  TRY(gallery::check_photos_of_head(model));
  gallery::HeadOptions training{.thread_count = every_core()};
  if (!options.tried.empty()) training.given = gallery::HeadGiven::Always;
  if (!options.photos.empty() || !model.calibration) {
    const auto engine = TRY(open_engine_for_model(options.pack, model.pack_id));
    TRY(check_same_model(model, *engine));
    if (!model.calibration) model.calibration = engine->calibration();
    if (!options.photos.empty()) {
      training.more_photos = TRY(more_photos_of(options, model, *engine, interrupt));
    }
  }
  PhaseBars bars(interrupt);
  const auto outcome = TRY(gallery::train_personal_head(model, training, bars.begin("heads")));
  bars.end();
  TRY(write_galleries(options, model, outcome, output));
  const bool is_kept = outcome.trial.is_better();
  if (options.json) {
    json::value written = nullptr;
    if (is_kept) written = json::value(output);
    print(json::to_pretty_text(json::object{{"kept", is_kept},
                                            {"output", std::move(written)},
                                            {"trial", gallery::to_json(outcome.trial)}}));
  } else {
    print(outcome_text(outcome.trial, output));
  }
  return is_kept ? kExitDone : kExitNotBetter;
}

}  // namespace

void add_train_head_command(CLI::App& train, Chosen& chosen) {
  CLI::App* head = add_command<TrainHeadOptions>(
      train, chosen, "head", "Train a personal head: for people of a gallery who are confused",
      [](CLI::App& command, TrainHeadOptions& options) {
        command.add_option("--gallery", options.gallery, "Whom it is for: a gallery model")
            ->required()
            ->type_name("MODEL.ffg");
        command
            .add_option("--photos", options.photos,
                        "More photos of its people to learn from, person_name/photo.jpg")
            ->type_name("DIR");
        command
            .add_option("-o,--output", options.output,
                        "The gallery model with the head; without it, the one in --gallery")
            ->type_name("MODEL.ffg");
        command
            .add_option("--tried", options.tried,
                        "Also write the gallery with the head that was tried, better or not, to be "
                        "measured on other photos")
            ->type_name("MODEL.ffg");
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        command.get_option("--pack")->default_str("the gallery's");
        set_examples(command,
                     "  faceforge train head --gallery staff.ffg\n"
                     "  faceforge train head --gallery staff.ffg --photos more/ -o better.ffg");
      },
      run_train_head);
  // The network's training needs an output, which this one has of its own.
  CLI::Option* output = train.get_option("--output");
  head->preparse_callback([output](size_t) { output->required(false); });
}

}  // namespace faceforge::cli
