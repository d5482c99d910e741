#include "train/run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "base/sha256.h"
#include "crops/person_list.h"
#include "train/event_file.h"
#include "train/run_page.h"

namespace faceforge::train {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxRunFileBytes = size_t{16} << 20;
constexpr double kSmoothing = 0.05;  // of the numbers that are told: about 20 steps

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Result<People> read_people(const RunSettings& settings, const crops::CropFile& crops) {
  People people;
  people.trained = TRY(crops::read_person_list(settings.people, crops));
  if (settings.held_out_people.empty()) return people;
  people.held_out = TRY(crops::read_person_list(settings.held_out_people, crops));
  std::vector<uint32_t> both;
  std::ranges::set_intersection(people.trained, people.held_out, std::back_inserter(both));
  if (!both.empty()) {
    return fail(ErrorCode::InvalidInput, "people_overlap",
                "{} people are in both lists: who was trained on cannot show how well others are "
                "told apart",
                both.size());
  }
  return people;
}

/// Keeps a mean of what was lately.
class Recent {
 public:
  void add(double value) {
    mean_ = empty_ ? value : mean_ + kSmoothing * (value - mean_);
    empty_ = false;
  }
  [[nodiscard]] double mean() const { return mean_; }

 private:
  double mean_ = 0;
  bool empty_ = true;
};

/// A run at work: the trainer, and what is told and written about it.
class Run {
 public:
  Run(RunRecord record, const RunOptions& options, Trainer trainer, EventFile events)
      : record_(std::move(record)),
        options_(options),
        trainer_(std::move(trainer)),
        events_(std::move(events)) {}

  Result<RunRecord> finish() {
    if (trainer_.step_count() == 0) TRY(begin());
    const auto& settings = record_.settings;
    while (trainer_.step_count() < settings.step_count) {
      if (options_.stop.stop_requested()) {
        TRY(save());
        return fail(ErrorCode::Cancelled, "cancelled",
                    "stopped after {} of {} steps, which are kept: --resume goes on",
                    trainer_.step_count(), settings.step_count);
      }
      TRY(step());
      const uint64_t done = trainer_.step_count();
      const bool is_last = done == settings.step_count;
      if (is_last || (settings.evaluate_every > 0 && done % settings.evaluate_every == 0)) {
        TRY(measure());
      }
      if (is_last || done % settings.checkpoint_every == 0) TRY(save());
    }
    return record_;
  }

 private:
  Result<void> begin() {
    record_.measurements.clear();
    if (!record_.settings.held_out_people.empty()) {
      record_.raw_pixels = TRY(trainer_.measure_raw_pixels());
    }
    TRY(measure());
    return save();
  }

  Result<void> step() {
    const auto start = SteadyClock::now();
    const StepResult result = TRY(trainer_.step());
    const double step_s = seconds_since(start);
    record_.training_s += step_s;
    loss_.add(result.loss);
    active_share_.add(result.active_share);
    step_s_.add(step_s);
    const auto photos = static_cast<double>(record_.settings.batch.crops());
    const std::array<Scalar, 5> scalars{{{"train/loss", result.loss},
                                         {"train/active_share", result.active_share},
                                         {"train/gradient_norm", result.gradient_norm},
                                         {"train/learning_rate", result.learning_rate},
                                         {"train/photos_per_s", photos / step_s}}};
    TRY(events_.add(trainer_.step_count(), scalars));
    if (options_.report) {
      options_.report({.step = trainer_.step_count(),
                       .step_count = record_.settings.step_count,
                       .loss = loss_.mean(),
                       .active_share = active_share_.mean(),
                       .photos_per_s = photos / step_s_.mean()});
    }
    return {};
  }

  Result<void> measure() {
    if (record_.settings.held_out_people.empty()) return {};
    const Separation separation = TRY(trainer_.measure());
    const Measurement measurement{.step = trainer_.step_count(), .separation = separation};
    record_.measurements.push_back(measurement);
    const std::array<Scalar, 3> scalars{{{"held_out/auc", separation.auc},
                                         {"held_out/tar_at_fmr_1e-1", separation.tar_at_fmr1},
                                         {"held_out/tar_at_fmr_1e-2", separation.tar_at_fmr2}}};
    TRY(events_.add(measurement.step, scalars));
    if (options_.measured) options_.measured(measurement);
    return {};
  }

  /// The checkpoint is written first: what run.json says of later steps is forgotten on resuming.
  Result<void> save() {
    record_.steps_done = trainer_.step_count();
    TRY(trainer_.save(options_.folder / kCheckpointFile));
    const std::string text = json::to_pretty_text(to_json(record_));
    TRY(write_file_atomically(options_.folder / kRunFile, text));
    return write_file_atomically(options_.folder / kReportFile,
                                 run_page(record_, trainer_.history()));
  }

  RunRecord record_;
  const RunOptions& options_;
  Trainer trainer_;
  EventFile events_;
  Recent loss_;
  Recent active_share_;
  Recent step_s_;
};

/// Opens the trainer of a record; where there is a checkpoint to go on from, from that.
Result<Trainer> open_trainer(RunRecord& record, const crops::CropFile& crops,
                             const RunOptions& options) {
  const People people = TRY(read_people(record.settings, crops));
  Trainer trainer = TRY(Trainer::create(record.settings, crops, people, options.compute));
  record.torch_version = torch_version();
  record.device = trainer.device_text();
  record.steps_per_epoch = trainer.steps_per_epoch();
  record.person_count = trainer.trained_person_count();
  record.crop_count = trainer.trained_crop_count();
  record.parameter_count = trainer.parameter_count();
  return trainer;
}

Result<RunRecord> read_record(const fs::path& folder) {
  const auto text = read_text_file(folder / kRunFile, kMaxRunFileBytes);
  if (!text && text.error().code == ErrorCode::NotFound) {
    return fail(ErrorCode::NotFound, "no_run", "{} holds no {}: there is no run to go on with",
                folder.string(), kRunFile);
  }
  if (!text) return Unexpected(text.error());
  const json::value parsed = TRY(json::parse(*text, kMaxRunFileBytes));
  if (!parsed.is_object()) {
    return fail(ErrorCode::InvalidInput, "json_malformed", "{} is no JSON object",
                (folder / kRunFile).string());
  }
  return record_from_json(parsed.get_object());
}

const SystemClock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

Result<RunRecord> start_run(const RunSettings& settings, const RunOptions& options) {
  TRY(check_settings(settings));
  std::error_code failed;
  if (fs::exists(options.folder / kRunFile, failed)) {
    return fail(ErrorCode::AlreadyExists, "run_exists",
                "{} holds a run: go on with it by --resume, or name another folder",
                options.folder.string());
  }
  const auto crops = TRY(crops::CropFile::open(settings.data));
  RunRecord record{.settings = settings,
                   .faceforge_version = options.faceforge_version,
                   .data_sha256 = to_hex(crops.sha256())};
  Trainer trainer = TRY(open_trainer(record, crops, options));
  TRY(make_private_folder(options.folder));
  const std::string text = json::to_pretty_text(to_json(record));
  TRY(write_file_atomically(options.folder / kRunFile, text));
  EventFile events = TRY(EventFile::create(options.folder, system_clock(), 0));
  return Run(std::move(record), options, std::move(trainer), std::move(events)).finish();
}

Result<RunRecord> resume_run(const RunOptions& options) {
  RunRecord record = TRY(read_record(options.folder));
  record.faceforge_version = options.faceforge_version;
  const auto crops = TRY(crops::CropFile::open(record.settings.data));
  if (to_hex(crops.sha256()) != record.data_sha256) {
    return fail(ErrorCode::Conflict, "data_changed",
                "{} is not the file that the run began with: its hash is {}, not {}",
                record.settings.data.string(), to_hex(crops.sha256()), record.data_sha256);
  }
  Trainer trainer = TRY(open_trainer(record, crops, options));
  const fs::path checkpoint = options.folder / kCheckpointFile;
  std::error_code failed;
  // None is there when the run ended within its first measurement: it begins again.
  if (fs::exists(checkpoint, failed)) TRY(trainer.restore(checkpoint));
  std::erase_if(record.measurements, [&](const Measurement& measurement) {
    return measurement.step > trainer.step_count();
  });
  EventFile events =
      TRY(EventFile::create(options.folder, system_clock(), trainer.step_count() + 1));
  return Run(std::move(record), options, std::move(trainer), std::move(events)).finish();
}

}  // namespace faceforge::train
