#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "train/separation.h"
#include "train/settings.h"
#include "train/trainer.h"

// A whole run: its folder holds run.json (all that the run is), checkpoint.safetensors, events for
// TensorBoard and report.html.
namespace faceforge::train {

inline constexpr std::string_view kRunFile = "run.json";
inline constexpr std::string_view kCheckpointFile = "checkpoint.safetensors";
inline constexpr std::string_view kReportFile = "report.html";

/// How well held-out people were told apart after so many steps.
struct Measurement {
  uint64_t step = 0;
  Separation separation = {};
};

/// What a run is and what came of it so far: run.json.
struct RunRecord {
  RunSettings settings = {};
  std::string faceforge_version = {};
  std::string torch_version = {};
  std::string data_sha256 = {};
  std::string initial_weights_sha256 = {};  ///< empty: from scratch, or before this was written
  std::string people_sha256 = {};           ///< of the names of whom it learns from, a line each
  std::string held_out_sha256 = {};         ///< of those it is measured on
  std::string device = {};
  uint64_t steps_done = 0;
  uint64_t steps_per_epoch = 0;
  size_t person_count = 0;
  size_t crop_count = 0;
  int64_t parameter_count = 0;
  double training_s = 0;  ///< time in steps, over all parts of a run that was resumed
  std::optional<Separation> raw_pixels = {};
  std::vector<Measurement> measurements = {};
};

[[nodiscard]] json::object to_json(const RunRecord& record);

/// fails: as settings_from_json; invalid_input/json_field_missing and its kind
[[nodiscard]] Result<RunRecord> record_from_json(const json::object& from);

/// What is told after each step.
struct Progress {
  uint64_t step = 0;  ///< steps done
  uint64_t step_count = 0;
  double loss = 0;          ///< mean over about the last 20 steps
  double active_share = 0;  ///< likewise
  double photos_per_s = 0;  ///< likewise
};

struct RunOptions {
  std::filesystem::path folder;
  Compute compute = {};
  std::string faceforge_version = {};
  std::function<void(size_t done_mb, size_t total_mb)> checking = {};  ///< the crops, before it all
  std::function<void(const Progress&)> report = {};
  std::function<void(const Measurement&)> measured = {};
  std::stop_token stop = {};
};

/// Trains from the beginning: reads all crops against their checksum, measures, takes all steps
/// with a checkpoint every now and then, measures again, writes the report.
///
/// fails: already_exists/run_exists where the folder holds a run; busy/run_in_progress where
///        another process is at work in it; as CropFile::open and verify_pixels, read_person_list,
///        Trainer; invalid_input/people_overlap when someone is both trained on and held out;
///        cancelled/cancelled after a stop, with a checkpoint of all steps done
[[nodiscard]] Result<RunRecord> start_run(const RunSettings& settings, const RunOptions& options);

/// Goes on from a run's last checkpoint, with the settings of its run.json, as if it had never been
/// interrupted; the crops are read against their checksum again.
///
/// fails: not_found/no_run; conflict/data_changed or people_changed when the crops or the people of
///        a list are others now; busy/run_in_progress; as start_run
[[nodiscard]] Result<RunRecord> resume_run(const RunOptions& options);

}  // namespace faceforge::train
