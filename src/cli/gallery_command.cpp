#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/head_text.h"
#include "cli/pack_choice.h"
#include "cli/photo_run.h"
#include "cli/text.h"
#include "gallery/model_file.h"
#include "recognition/train_folder.h"

namespace faceforge::cli {
namespace {

struct TrainOptions {
  std::string folder;
  std::string output;
  bool json = false;
  PackChoice pack;
};

struct InfoOptions {
  std::string file;
  bool json = false;
};

json::object model_json(const gallery::GalleryModel& model) {
  json::array people;
  int64_t photo_count = 0;
  for (const gallery::ModelPerson& person : model.people) {
    people.push_back(json::object{{"person", person.name},
                                  {"photo_count", person.photo_count},
                                  {"spread", json::number(person.spread)}});
    photo_count += person.photo_count;
  }
  json::value head = nullptr;
  if (model.head) {
    head = json::object{{"model_id", model.head->model_id.hex()},
                        {"trial", gallery::to_json(model.head->trial)}};
  }
  return {{"model_id", model.model_id.hex()},
          {"pack", model.pack_id},
          {"metric", face::to_string(model.metric)},
          {"embedding_length", model.embedding_length},
          {"trained_at", to_rfc3339(model.trained_ms)},
          {"calibrated", model.calibration.has_value()},
          {"head", std::move(head)},
          {"person_count", model.people.size()},
          {"photo_count", photo_count},
          {"people", people}};
}

std::string model_text(const gallery::GalleryModel& model) {
  Table people({{"person"}, {"photos", Alignment::Right}, {"spread", Alignment::Right}});
  int64_t photo_count = 0;
  for (const gallery::ModelPerson& person : model.people) {
    people.add_row(
        {person.name, fmt::format("{}", person.photo_count), fmt::format("{:.3f}", person.spread)});
    photo_count += person.photo_count;
  }
  const std::string head = model.head ? fmt::format("with a personal head (model {}):\n{}",
                                                    model.head->model_id.hex().substr(0, 12),
                                                    head_trial_text(model.head->trial))
                                      : std::string();
  return fmt::format("{} people, {} photos, trained {} with the pack {} (model {})\n{}{}",
                     model.people.size(), photo_count, to_rfc3339(model.trained_ms),
                     to_printable(model.pack_id), model.model_id.hex().substr(0, 12), head,
                     people.to_text(2));
}

json::object training_json(const recognition::FolderTraining& training, const std::string& output) {
  json::array skipped;
  for (const auto& photo : training.skipped) {
    skipped.push_back(failed_image_json(photo.path, photo.reason));
  }
  json::array left_out;
  for (const std::string& person : training.people_left_out)
    left_out.push_back(json::value(person));
  json::object summary = model_json(training.model);
  summary["output"] = output;
  summary["skipped"] = skipped;
  summary["people_left_out"] = left_out;
  return summary;
}

Result<int> run_train(const TrainOptions& options, const Interrupt& interrupt) {
  TRY(file_to_write(options.output));  // told now, not after the work
  const auto engine = TRY(open_engine(options.pack));
  recognition::FolderTraining training;
  {
    ProgressBar bar("photos");
    const SystemClock clock;
    const auto progress = [&](int64_t done, int64_t in_all) {
      bar.update(static_cast<size_t>(done), static_cast<size_t>(in_all));
      return !interrupt.requested();
    };
    training = TRY(recognition::train_folder(options.folder, *engine, clock, {}, progress));
  }
  TRY(gallery::write_model_file(training.model, options.output));
  for (const auto& photo : training.skipped) print_image_error(photo.path.string(), photo.reason);
  for (const std::string& person : training.people_left_out) {
    note(fmt::format("faceforge: {}: left out, not one photo could be used\n",
                     to_printable(person)));
  }
  if (options.json) {
    print(json::to_pretty_text(training_json(training, options.output)));
  } else {
    print(model_text(training.model));
    print(fmt::format("{} of {} photos skipped; written to {}\n", training.skipped.size(),
                      training.photo_count, to_printable(options.output)));
  }
  return training.skipped.empty() ? kExitDone : kExitSomeFailed;
}

Result<int> run_info(const InfoOptions& options, const Interrupt&) {
  const auto model = TRY(gallery::read_model_file(options.file));
  print(options.json ? json::to_pretty_text(model_json(model)) : model_text(model));
  return kExitDone;
}

}  // namespace

void add_gallery_command(CLI::App& app, Chosen& chosen) {
  CLI::App* gallery = app.add_subcommand("gallery", "Train galleries of known people");
  gallery->require_subcommand(1);
  set_examples(*gallery,
               "  faceforge gallery train staff/ -o staff.ffg\n"
               "  faceforge gallery info staff.ffg");
  add_command<TrainOptions>(
      *gallery, chosen, "train", "Train a gallery model from a folder of people",
      [](CLI::App& command, TrainOptions& options) {
        command
            .add_option("DIR", options.folder,
                        "A folder of person_name/photo.jpg; one face a photo")
            ->required()
            ->type_name("DIR");
        command.add_option("-o,--output", options.output, "The gallery model to write")
            ->required()
            ->type_name("MODEL.ffg");
        add_json_option(command, options.json);
        add_pack_options(command, options.pack);
        set_examples(command,
                     "  faceforge gallery train staff/ -o staff.ffg\n"
                     "  faceforge identify --gallery staff.ffg door.jpg");
      },
      run_train);
  add_command<InfoOptions>(
      *gallery, chosen, "info", "Show what a gallery model holds",
      [](CLI::App& command, InfoOptions& options) {
        command.add_option("MODEL.ffg", options.file, "A gallery model")
            ->required()
            ->type_name("FILE");
        add_json_option(command, options.json);
        set_examples(command, "  faceforge gallery info staff.ffg");
      },
      run_info);
}

}  // namespace faceforge::cli
