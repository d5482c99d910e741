#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "base/without_throwing.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/ordered_work.h"
#include "image/image.h"

namespace faceforge::cli {

/// Reads a photo's file, within the limit that decoding has.
///
/// fails: as read_file
[[nodiscard]] inline Result<std::vector<std::byte>> read_photo(const std::filesystem::path& file) {
  return read_file(file, image::DecodeLimits{}.bytes);
}

/// `{"image":..,"error":{..}}`: what stands for a photo that failed.
[[nodiscard]] inline json::object failed_image_json(const std::filesystem::path& file,
                                                    const Error& error) {
  return {{"image", file.string()}, {"error", to_json(error)}};
}

/// A report's JSON with the photo's name in front.
[[nodiscard]] inline json::object with_image(const std::filesystem::path& file,
                                             const json::object& report) {
  json::object named{{"image", file.string()}};
  for (const auto& member : report) named.insert(member);
  return named;
}

/// How a run over many photos went.
struct PhotoRun {
  size_t photo_count = 0;
  size_t done_count = 0;
  size_t failed_count = 0;
  std::optional<Error> first_failure;
  std::optional<Error> ended_by;  ///< what `on_outcome` could not do

  /// 0 all done, 2 some failed; the first failure when nothing was done; cancelled when stopped.
  [[nodiscard]] Result<int> exit_code() const {
    if (ended_by) return Unexpected(*ended_by);
    if (output_error()) return cli::exit_code(ErrorCode::Exhausted);  // and told at the very end
    if (done_count + failed_count < photo_count) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} photos",
                  done_count + failed_count, photo_count);
    }
    if (failed_count == 0) return kExitDone;
    return done_count > 0 ? kExitSomeFailed : cli::exit_code(first_failure->code);
  }
};

/// Works on every photo, on all cores, and hands the outcomes on in order. A photo that fails is
/// told on standard error, and the others go on; until the user asks for the end, nobody reads the
/// results any more, or `on_outcome` fails.
///
/// in: `compute(file)` returns a Result, `on_outcome(file, that result)` a Result<void>
template <typename Compute, typename OnOutcome>
PhotoRun run_over_photos(const std::vector<std::filesystem::path>& files,
                         const Interrupt& interrupt, Compute compute, OnOutcome on_outcome) {
  PhotoRun run{.photo_count = files.size(), .first_failure = {}, .ended_by = {}};
  std::stop_source stop;
  const std::stop_callback on_interrupt(interrupt.token(), [&stop] { stop.request_stop(); });
  ProgressBar bar("photos");
  const size_t thread_count =
      std::clamp<size_t>(std::thread::hardware_concurrency(), 1, std::max<size_t>(files.size(), 1));
  const auto consume = [&](size_t index, auto outcome) {
    if (run.ended_by) return;
    bar.hide();
    if (outcome) {
      ++run.done_count;
    } else {
      print_image_error(files[index].string(), outcome.error());
      ++run.failed_count;
      if (!run.first_failure) run.first_failure = outcome.error();
    }
    if (const Result<void> handed_on = on_outcome(files[index], outcome); !handed_on) {
      run.ended_by = handed_on.error();
    }
    flush_output();
    if (run.ended_by || output_error()) stop.request_stop();
    if (files.size() > 1) bar.update(index + 1, files.size());
  };
  compute_in_order(
      files.size(), thread_count, stop.get_token(),
      [&](size_t index) { return without_throwing([&] { return compute(files[index]); }); },
      consume);
  return run;
}

enum class OutputForm { Text, Json };

/// As run_over_photos, and prints what came of each photo: `to_text(file, result)`, or
/// `to_json(result)` in one JSON array.
template <typename Compute, typename ToJson, typename ToText>
PhotoRun print_over_photos(const std::vector<std::filesystem::path>& files,
                           const Interrupt& interrupt, OutputForm form, Compute compute,
                           ToJson to_json, ToText to_text) {
  JsonArrayPrinter array;
  return run_over_photos(files, interrupt, compute,
                         [&](const auto& file, const auto& outcome) -> Result<void> {
                           if (form == OutputForm::Json) {
                             array.add(outcome ? with_image(file, to_json(*outcome))
                                               : failed_image_json(file, outcome.error()));
                           } else if (outcome) {
                             print(to_text(file, *outcome));
                           }
                           return {};
                         });
}

}  // namespace faceforge::cli
