#include "train/run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/sha256.h"
#include "crops/person_list.h"
#include "train/event_file.h"
#include "train/run_page.h"

namespace faceforge::train {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kLockFile = ".lock";
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
  /// in: `events` of the process that writes; the others have none
  Run(RunRecord record, const RunOptions& options, Trainer trainer, std::optional<EventFile> events)
      : record_(std::move(record)),
        options_(options),
        trainer_(std::move(trainer)),
        events_(std::move(events)) {}

  Result<RunRecord> finish() {
    TRY(trainer_.step_count() == 0 ? begin() : catch_up());
    const auto& settings = record_.settings;
    // A run that is done is written anew, with what this version knows to put into a checkpoint.
    if (trainer_.step_count() == settings.step_count) TRY(save());
    while (trainer_.step_count() < settings.step_count) {
      const bool stopped = TRY(trainer_.any_process(options_.stop.stop_requested()));
      if (stopped) {
        TRY(save());
        return fail(ErrorCode::Cancelled, "cancelled",
                    "stopped after {} of {} steps, which are kept: --resume goes on",
                    trainer_.step_count(), settings.step_count);
      }
      TRY(step());
      if (is_measurement_due()) TRY(measure());
      const uint64_t done = trainer_.step_count();
      if (done == settings.step_count || done % settings.checkpoint_every == 0) TRY(save());
    }
    return record_;
  }

 private:
  Result<void> begin() {
    record_.measurements.clear();
    if (writes() && !record_.settings.held_out_people.empty()) {
      record_.raw_pixels = TRY(trainer_.measure_raw_pixels());
    }
    TRY(measure());
    return save();
  }

  /// The program may have ended after a checkpoint and before run.json had what was measured there.
  Result<void> catch_up() {
    const auto& done = record_.measurements;
    const bool is_there = !done.empty() && done.back().step == trainer_.step_count();
    if (is_measurement_due() && !is_there) TRY(measure());
    return save();
  }

  [[nodiscard]] bool is_measurement_due() const {
    const auto& settings = record_.settings;
    const uint64_t done = trainer_.step_count();
    return done == settings.step_count ||
           (settings.evaluate_every > 0 && done % settings.evaluate_every == 0);
  }

  Result<void> step() {
    const auto start = SteadyClock::now();
    const StepResult result = TRY(trainer_.step());
    const double step_s = seconds_since(start);
    record_.training_s += step_s;
    loss_.add(result.loss);
    active_share_.add(result.active_share);
    step_s_.add(step_s);
    if (!writes()) return {};
    const auto photos = static_cast<double>(record_.settings.batch.crops());
    const std::array<Scalar, 5> scalars{{{"train/loss", result.loss},
                                         {"train/active_share", result.active_share},
                                         {"train/gradient_norm", result.gradient_norm},
                                         {"train/learning_rate", result.learning_rate},
                                         {"train/photos_per_s", photos / step_s}}};
    TRY(events_->add(trainer_.step_count(), scalars));
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
    if (!writes() || record_.settings.held_out_people.empty()) return {};
    const Separation separation = TRY(trainer_.measure());
    const Measurement measurement{.step = trainer_.step_count(), .separation = separation};
    record_.measurements.push_back(measurement);
    const std::array<Scalar, 3> scalars{{{"held_out/auc", separation.auc},
                                         {"held_out/tar_at_fmr_1e-1", separation.tar_at_fmr1},
                                         {"held_out/tar_at_fmr_1e-2", separation.tar_at_fmr2}}};
    TRY(events_->add(measurement.step, scalars));
    if (options_.measured) options_.measured(measurement);
    return {};
  }

  /// The checkpoint is written first: what run.json says of later steps is forgotten on resuming.
  Result<void> save() {
    if (!writes()) return {};
    record_.steps_done = trainer_.step_count();
    TRY(trainer_.save(options_.folder / kCheckpointFile));
    const std::string text = json::to_pretty_text(to_json(record_));
    TRY(write_file_atomically(options_.folder / kRunFile, text));
    return write_file_atomically(options_.folder / kReportFile,
                                 run_page(record_, trainer_.history()));
  }

  [[nodiscard]] bool writes() const { return events_.has_value(); }

  RunRecord record_;
  const RunOptions& options_;
  Trainer trainer_;
  std::optional<EventFile> events_;
  Recent loss_;
  Recent active_share_;
  Recent step_s_;
};

/// Of the people's names, in the order of the file.
std::string people_sha256(const crops::CropFile& crops, const std::vector<uint32_t>& people) {
  std::string names;
  for (const uint32_t person : people) names.append(crops.name(person)).append("\n");
  return to_hex(sha256(names));
}

/// Reads the people of a record's lists; of one that was begun before, they must be the same.
Result<People> read_same_people(RunRecord& record, const crops::CropFile& crops) {
  People people = TRY(read_people(record.settings, crops));
  const std::string trained = people_sha256(crops, people.trained);
  const std::string held_out = people_sha256(crops, people.held_out);
  const bool is_new = record.people_sha256.empty();
  if (!is_new && (record.people_sha256 != trained || record.held_out_sha256 != held_out)) {
    return fail(
        ErrorCode::Conflict, "people_changed",
        "{} does not list the people that the run began with: go on with the old list, or "
        "begin another run",
        (record.people_sha256 != trained ? record.settings.people : record.settings.held_out_people)
            .string());
  }
  record.people_sha256 = trained;
  record.held_out_sha256 = held_out;
  return people;
}

/// Opens the trainer of a record; `begun` where there is a checkpoint that it goes on from.
Result<Trainer> open_trainer(RunRecord& record, const crops::CropFile& crops,
                             const RunOptions& options, bool begun) {
  const People people = TRY(read_same_people(record, crops));
  RunSettings settings = record.settings;
  if (begun) settings.initial_weights.clear();  // all weights are the checkpoint's
  Trainer trainer = TRY(Trainer::create(settings, crops, people, options.compute));
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

/// Whether this process is the one that writes.
bool is_first(const RunOptions& options) {
  return options.compute.place.rank == 0;
}

/// Reads all crops against their checksum: once for all processes, which map the one file.
Result<void> verify(const crops::CropFile& crops, const RunOptions& options) {
  if (!is_first(options)) return {};
  return crops.verify_pixels({options.checking, options.stop});
}

/// The right to write into a run's folder: of two that did, the slower one would put back an older
/// checkpoint.
///
/// fails: busy/run_in_progress; as FileLock::try_take
Result<FileLock> lock_run(const fs::path& folder) {
  auto lock = TRY(FileLock::try_take(folder / kLockFile));
  if (lock) return *std::move(lock);
  return fail(ErrorCode::Busy, "run_in_progress",
              "another process is training in {}: wait for it, or stop it", folder.string());
}

/// fails: already_exists/run_exists
Result<void> require_no_run(const fs::path& folder) {
  std::error_code failed;
  if (!fs::exists(folder / kRunFile, failed)) return {};
  return fail(ErrorCode::AlreadyExists, "run_exists",
              "{} holds a run: go on with it by --resume, or name another folder", folder.string());
}

/// Goes through the steps, with an event file from `first_step` on where this process writes.
Result<RunRecord> finish(RunRecord record, const RunOptions& options, Trainer trainer,
                         uint64_t first_step) {
  std::optional<EventFile> events;
  if (is_first(options)) {
    events = TRY(EventFile::create(options.folder, system_clock(), first_step));
  }
  return Run(std::move(record), options, std::move(trainer), std::move(events)).finish();
}

}  // namespace

Result<RunRecord> start_run(const RunSettings& settings, const RunOptions& options) {
  TRY(check_settings(settings));
  std::optional<FileLock> lock;
  if (is_first(options)) TRY(require_no_run(options.folder));
  const auto crops = TRY(crops::CropFile::open(settings.data));
  TRY(verify(crops, options));
  RunRecord record{.settings = settings,
                   .faceforge_version = options.faceforge_version,
                   .data_sha256 = to_hex(crops.sha256())};
  if (is_first(options) && !settings.initial_weights.empty()) {
    const Sha256 weights = TRY(sha256_file(settings.initial_weights));
    record.initial_weights_sha256 = to_hex(weights);
  }
  Trainer trainer = TRY(open_trainer(record, crops, options, false));
  if (is_first(options)) {
    TRY(make_private_folder(options.folder));
    lock.emplace(TRY(lock_run(options.folder)));
    TRY(require_no_run(options.folder));  // nor one that began meanwhile
    const std::string text = json::to_pretty_text(to_json(record));
    TRY(write_file_atomically(options.folder / kRunFile, text));
  }
  return finish(std::move(record), options, std::move(trainer), 0);
}

Result<RunRecord> resume_run(const RunOptions& options) {
  RunRecord record = TRY(read_record(options.folder));
  std::optional<FileLock> lock;
  if (is_first(options)) {
    lock.emplace(TRY(lock_run(options.folder)));
    record = TRY(read_record(options.folder));  // it may have gone on until now
  }
  record.faceforge_version = options.faceforge_version;
  const auto crops = TRY(crops::CropFile::open(record.settings.data));
  if (to_hex(crops.sha256()) != record.data_sha256) {
    return fail(ErrorCode::Conflict, "data_changed",
                "{} is not the file that the run began with: its hash is {}, not {}",
                record.settings.data.string(), to_hex(crops.sha256()), record.data_sha256);
  }
  TRY(verify(crops, options));
  const fs::path checkpoint = options.folder / kCheckpointFile;
  std::error_code failed;
  // None is there when the run ended within its first measurement: it begins again.
  const bool begun = fs::exists(checkpoint, failed);
  Trainer trainer = TRY(open_trainer(record, crops, options, begun));
  if (begun) TRY(trainer.restore(checkpoint));
  std::erase_if(record.measurements, [&](const Measurement& measurement) {
    return measurement.step > trainer.step_count();
  });
  const uint64_t first_step = trainer.step_count() + 1;
  return finish(std::move(record), options, std::move(trainer), first_step);
}

}  // namespace faceforge::train
