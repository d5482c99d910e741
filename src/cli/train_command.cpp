#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <unistd.h>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "cli/train_options.h"
#include "cli/train_processes.h"
#include "train/run.h"

namespace faceforge::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLogEvery{30};  // where no bar can be drawn

double default_margin(train::LossKind kind) {
  switch (kind) {
    case train::LossKind::ArcFace:
      return 0.5;
    case train::LossKind::CosFace:
      return 0.35;
    case train::LossKind::Contrastive:
      return 1;
    case train::LossKind::Triplet:
    case train::LossKind::MultiSimilarity:
      break;
  }
  return 0.2;
}

/// Of the list of options, absolute, so that --resume finds them from anywhere.
std::string absolute_path(const std::string& path) {
  return path.empty() ? "" : fs::absolute(path).lexically_normal().string();
}

Result<train::LossSettings> loss_settings(const TrainOptions& options) {
  train::LossSettings loss;
  loss.kind = TRY(train::from_word<train::LossKind>(options.loss));
  loss.mining = TRY(train::from_word<train::Mining>(options.mining));
  loss.distance = TRY(train::from_word<train::Distance>(options.distance));
  loss.margin_kind = TRY(train::from_word<train::MarginKind>(options.margin_kind));
  loss.margin = options.margin < 0 ? default_margin(loss.kind) : options.margin;
  loss.scale = options.scale;
  return loss;
}

train::AugmentationSettings augmentation_settings(double strength) {
  const auto scaled = [strength](float usual) {
    return std::min(1.0F, usual * static_cast<float>(strength));
  };
  const train::AugmentationSettings usual;
  return {.flip = strength > 0 ? usual.flip : 0,
          .crop = scaled(usual.crop),
          .colour = scaled(usual.colour),
          .blur = scaled(usual.blur),
          .low_resolution = scaled(usual.low_resolution),
          .occlusion = scaled(usual.occlusion)};
}

Result<train::RunSettings> run_settings(const TrainOptions& options) {
  train::RunSettings settings;
  settings.data = absolute_path(options.data);
  settings.people = absolute_path(options.people);
  settings.held_out_people = absolute_path(options.held_out);
  settings.initial_weights = absolute_path(options.weights);
  if (settings.data.empty() || settings.people.empty()) {
    return fail(ErrorCode::InvalidInput, "option_missing",
                "a new run needs --data and --people; --resume goes on with one");
  }
  settings.network.kind = TRY(train::from_word<train::NetworkKind>(options.network));
  settings.network.embedding_length = options.embedding_length;
  settings.network.input_side_px = options.input_side_px;
  settings.network.neck = TRY(train::from_word<train::Neck>(options.neck));
  settings.loss = TRY(loss_settings(options));
  settings.optimizer.kind = TRY(train::from_word<train::OptimizerKind>(options.optimizer));
  settings.optimizer.learning_rate = options.learning_rate;
  settings.optimizer.weight_decay = options.weight_decay;
  settings.optimizer.momentum = options.momentum;
  settings.optimizer.warm_up_steps = options.warm_up_steps;
  settings.optimizer.max_gradient_norm = options.max_gradient_norm;
  settings.optimizer.ema_decay = options.ema_decay;
  settings.augmentation = augmentation_settings(options.augmentation);
  settings.batch = {.people = options.people_per_batch,
                    .photos_per_person = options.photos_per_person};
  settings.step_count = options.steps;
  settings.seed = options.seed;
  settings.evaluate_every = options.evaluate_every;
  settings.checkpoint_every = options.checkpoint_every;
  return settings;
}

train::DeviceChoice device_choice(const std::string& word) {
  if (word == "cpu") return train::DeviceChoice::Cpu;
  return word == "cuda" ? train::DeviceChoice::Cuda : train::DeviceChoice::Auto;
}

train::Precision precision_choice(const std::string& word) {
  if (word == "float") return train::Precision::Float;
  return word == "bf16" ? train::Precision::BFloat16 : train::Precision::Auto;
}

/// Tells how a run goes: as a bar on a terminal, else by a line now and then.
class RunTeller {
 public:
  void tell(const train::Progress& progress) {
    check_.reset();
    const std::string detail =
        fmt::format("loss {:.4f}  active {:.0f} %  {:.1f} photos/s", progress.loss,
                    100 * progress.active_share, progress.photos_per_s);
    if (on_terminal_) {
      if (!bar_) bar_.emplace("training", progress.step - 1);
      bar_->update(progress.step, progress.step_count, detail);
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - told_at_ < kLogEvery && progress.step < progress.step_count) return;
    told_at_ = now;
    note(fmt::format("step {}/{}  {}\n", progress.step, progress.step_count, detail));
  }

  void tell(const train::Measurement& measurement) {
    check_.reset();
    if (bar_) bar_->hide();
    note(fmt::format("step {}: held-out AUC {:.4f}, TAR {:.4f} at FMR 1e-2\n", measurement.step,
                     measurement.separation.auc, measurement.separation.tar_at_fmr2));
  }

  void tell_checked(size_t done_mb, size_t total_mb) {
    if (!check_) check_.emplace("checking crops (MB)");
    check_->update(done_mb, total_mb);
  }

 private:
  const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
  std::optional<ProgressBar> check_;
  std::optional<ProgressBar> bar_;
  std::chrono::steady_clock::time_point told_at_{};
};

void add_row(Table& table, const std::string& name, const train::Separation& separation) {
  table.add_row({name, fmt::format("{:.4f}", separation.auc),
                 fmt::format("{:.4f}", separation.tar_at_fmr1),
                 fmt::format("{:.4f}", separation.tar_at_fmr2),
                 fmt::format("{:.4f}", separation.tar_at_fmr3)});
}

std::string record_text(const train::RunRecord& record, const std::string& folder) {
  const auto photos = static_cast<double>(record.steps_done * record.settings.batch.crops());
  std::string text = fmt::format(
      "{} steps, {:.0f} photos in {:.0f} s ({:.1f} photos/s) on {}\n", record.steps_done, photos,
      record.training_s, record.training_s > 0 ? photos / record.training_s : 0, record.device);
  if (!record.measurements.empty()) {
    const train::Separation& last = record.measurements.back().separation;
    text += fmt::format("\nHeld out: {} crops of {} people, {} genuine and {} impostor pairs\n",
                        last.crop_count, last.person_count, last.genuine_pair_count,
                        last.impostor_pair_count);
    constexpr auto kRight = Alignment::Right;
    Table table(
        {{""}, {"AUC", kRight}, {"TAR at FMR 1e-1", kRight}, {"1e-2", kRight}, {"1e-3", kRight}});
    if (record.raw_pixels) add_row(table, "raw pixels", *record.raw_pixels);
    add_row(table, "before training", record.measurements.front().separation);
    add_row(table, fmt::format("after {} steps", record.measurements.back().step), last);
    text += table.to_text(2);
  }
  return text +
         fmt::format("\n{}: run.json, checkpoint.safetensors, report.html\n", to_printable(folder));
}

/// Threads of each process: all cores, shared among them.
int thread_count(const TrainOptions& options) {
  if (options.threads > 0 || options.world_size == 1) return options.threads;
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, cores / options.world_size);
}

Result<train::RunRecord> run(const TrainOptions& options, const train::RunOptions& run) {
  if (options.resume) return train::resume_run(run);
  const train::RunSettings settings = TRY(run_settings(options));
  return train::start_run(settings, run);
}

Error process_lost(const std::string& why) {
  return fail(ErrorCode::Internal, "process_lost", "{}; --resume goes on", why).error();
}

/// Ends this process, which waits for one that is lost.
[[noreturn]] void end_lost(const TrainOptions& options, const std::string& why) {
  const Error error = process_lost(why);
  if (options.json) print(json::to_text(json::object{{"error", to_json(error)}}) + "\n");
  print_error(error);
  flush_output();
  std::_Exit(exit_code(error.code));
}

Result<int> run_train(const TrainOptions& options, const std::vector<std::string>& arguments,
                      const Interrupt& interrupt) {
  if (options.rank > 0) end_with(options.parent);
  std::unique_ptr<TrainProcesses> others;
  if (options.rank == 0 && options.world_size > 1) {
    others = TRY(TrainProcesses::start(options.world_size, arguments,
                                       [&](const std::string& why) { end_lost(options, why); }));
  }
  RunTeller teller;
  const train::RunOptions settings{
      .folder = options.output,
      .compute = {.device = device_choice(options.device),
                  .precision = precision_choice(options.precision),
                  .thread_count = thread_count(options),
                  .place = {.rank = options.rank,
                            .count = options.world_size,
                            .rendezvous = others ? others->rendezvous() : options.rendezvous}},
      .faceforge_version = FACEFORGE_VERSION,
      .checking = [&](size_t done_mb, size_t total_mb) { teller.tell_checked(done_mb, total_mb); },
      .report = [&](const train::Progress& progress) { teller.tell(progress); },
      .measured = [&](const train::Measurement& measurement) { teller.tell(measurement); },
      .stop = interrupt.token()};
  auto record = run(options, settings);
  if (!record && others && record.error().code == ErrorCode::Internal) {
    if (const std::string why = others->complaint(); !why.empty()) {
      return Unexpected(process_lost(why));
    }
  }
  if (!record) return Unexpected(record.error());
  print(options.json ? json::to_pretty_text(to_json(*record))
                     : record_text(*record, options.output));
  return kExitDone;
}

}  // namespace

void add_train_command(CLI::App& app, Chosen& chosen) {
  add_command<TrainOptions>(app, chosen, "train", "Train an embedding network of your own",
                            declare_train,
                            [&chosen](const TrainOptions& options, const Interrupt& interrupt) {
                              return run_train(options, chosen.arguments, interrupt);
                            });
}

}  // namespace faceforge::cli
