#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/ordered_work.h"
#include "cli/text.h"
#include "image/image.h"

namespace faceforge::cli {

/// Reads a photo's file, within the limit that decoding has.
///
/// fails: as read_file
[[nodiscard]] inline Result<std::vector<std::byte>> read_photo(const std::filesystem::path& file) {
  return read_file(file, image::DecodeLimits{}.bytes);
}

/// How a run over many photos went.
struct PhotoRun {
  size_t photo_count = 0;
  size_t done_count = 0;
  size_t failed_count = 0;
  std::optional<Error> first_failure;

  /// 0 all done, 2 some failed; the first failure when nothing was done; cancelled when stopped.
  [[nodiscard]] Result<int> exit_code() const {
    if (done_count + failed_count < photo_count) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} photos",
                  done_count + failed_count, photo_count);
    }
    if (failed_count == 0) return kExitDone;
    return done_count > 0 ? kExitSomeFailed : cli::exit_code(first_failure->code);
  }
};

/// Works on every photo, on all cores, and hands the outcomes on in order. A photo that fails is
/// told on standard error and with `on_failure`, and the others go on.
template <typename Compute, typename OnDone, typename OnFailure>
PhotoRun run_over_photos(const std::vector<std::filesystem::path>& files,
                         const Interrupt& interrupt, Compute compute, OnDone on_done,
                         OnFailure on_failure) {
  PhotoRun run{.photo_count = files.size(), .first_failure = {}};
  ProgressBar bar("photos");
  const size_t thread_count =
      std::clamp<size_t>(std::thread::hardware_concurrency(), 1, std::max<size_t>(files.size(), 1));
  const auto consume = [&](size_t index, auto outcome) {
    bar.hide();
    if (outcome) {
      on_done(files[index], *outcome);
      ++run.done_count;
    } else {
      print_image_error(files[index].string(), outcome.error());
      on_failure(files[index], outcome.error());
      ++run.failed_count;
      if (!run.first_failure) run.first_failure = outcome.error();
    }
    if (files.size() > 1) bar.update(index + 1, files.size());
  };
  compute_in_order(
      files.size(), thread_count, interrupt.token(),
      [&](size_t index) { return compute(files[index]); }, consume);
  return run;
}

/// `{"image":..,"error":{..}}`: what stands for a photo that failed.
[[nodiscard]] inline json::object failed_image_json(const std::filesystem::path& file,
                                                    const Error& error) {
  return {{"image", to_valid_utf8(file.string())}, {"error", to_json(error)}};
}

/// A report's JSON with the photo's name in front.
[[nodiscard]] inline json::object with_image(const std::filesystem::path& file,
                                             const json::object& report) {
  json::object named{{"image", to_valid_utf8(file.string())}};
  for (const auto& member : report) named.insert(member);
  return named;
}

}  // namespace faceforge::cli
