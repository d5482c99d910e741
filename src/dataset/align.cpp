#include "dataset/align.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/person_folders.h"
#include "dataset/move_aside.h"
#include "dataset/pack.h"
#include "image/encode.h"
#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkName = ".faceforge-align.json";
constexpr size_t kMaxMarkBytes = 10'000;

/// A photo and where its crop goes.
struct Task {
  fs::path photo;
  fs::path crop;
  std::string name;  ///< `PERSON/PHOTO`
};

enum class Outcome { Aligned, Kept };

Result<std::vector<Task>> tasks_of(const fs::path& photos, const fs::path& output) {
  const auto people = TRY(list_person_folders(photos, kMaxPhotoCount));
  std::vector<Task> tasks;
  for (const PersonFolder& person : people) {
    std::map<std::string, size_t> stems;
    for (const fs::path& photo : person.photos) {
      if (image::has_photo_ending(photo)) ++stems[photo.stem().string()];
    }
    for (const fs::path& photo : person.photos) {
      if (!image::has_photo_ending(photo)) continue;
      const std::string file = photo.filename().string();
      const std::string stem = photo.stem().string();
      tasks.push_back({.photo = photo,
                       .crop = output / person.name / ((stems[stem] > 1 ? file : stem) + ".png"),
                       .name = person.name + "/" + file});
    }
  }
  if (tasks.empty()) {
    return fail(ErrorCode::NotFound, "no_photos", "no photos in folders of people below {}",
                photos.string());
  }
  return tasks;
}

std::string mark_text(const AlignOptions& options) {
  return json::to_pretty_text(
      json::object{{"aligned_by", options.aligned_by}, {"side_px", options.side_px}});
}

/// Whether the folder of crops may be written to, and a mark in it that says what it holds.
///
/// fails: conflict/aligned_otherwise, conflict/output_not_empty; as write_file_atomically
Result<void> prepare(const AlignOptions& options) {
  const fs::path mark = options.output / kMarkName;
  std::error_code ignored;
  if (fs::exists(mark, ignored)) {
    const std::string found = TRY(read_text_file(mark, kMaxMarkBytes));
    if (found == mark_text(options)) return {};
    return fail(ErrorCode::Conflict, "aligned_otherwise",
                "{} holds crops of another size or of another pack ({}): choose another folder",
                options.output.string(), mark.string());
  }
  if (fs::exists(options.output, ignored) && !fs::is_empty(options.output, ignored)) {
    return fail(ErrorCode::Conflict, "output_not_empty",
                "{} holds something else than crops: choose a new folder", options.output.string());
  }
  if (options.dry_run) return {};
  TRY(make_private_folder(options.output));
  return write_file_atomically(mark, mark_text(options));
}

bool is_newer(const fs::path& crop, const fs::path& photo) {
  std::error_code no_crop, no_photo;
  const auto made = fs::last_write_time(crop, no_crop);
  const auto taken = fs::last_write_time(photo, no_photo);
  return !no_crop && !no_photo && made >= taken;
}

/// Makes the crops, and remembers what ends all of the work: no room on the disk, say.
class Aligning {
 public:
  Aligning(const CropPhoto& crop_photo, const AlignOptions& options, size_t count)
      : crop_photo_(crop_photo), options_(options), outcomes_(count) {}

  void align(const Task& task, size_t index) {
    if (is_newer(task.crop, task.photo)) {
      outcomes_[index] = Outcome::Kept;
      return;
    }
    const auto crop = square_crop(crop_photo_, task.photo, options_.side_px);
    if (!crop) {
      outcomes_[index] = Unexpected(crop.error());
      return;
    }
    outcomes_[index] = Outcome::Aligned;
    if (const auto written = write(*crop, task.crop); !written) end_with(written.error());
  }

  Result<AlignReport> report(const std::vector<Task>& tasks, const Result<void>& worked) {
    if (fatal_) return Unexpected(*fatal_);
    TRY(worked);
    AlignReport report{.photo_count = tasks.size(), .skipped = {}};
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!outcomes_[i]) {
        report.skipped.push_back({.name = tasks[i].name, .error = outcomes_[i].error()});
      } else {
        ++(*outcomes_[i] == Outcome::Kept ? report.kept_count : report.aligned_count);
      }
    }
    return report;
  }

  [[nodiscard]] std::stop_token stop_token() { return stop_.get_token(); }

 private:
  Result<void> write(const image::Image& crop, const fs::path& file) {
    if (options_.dry_run) return {};
    const auto png = TRY(image::encode_png(crop));
    TRY(make_private_folder(file.parent_path()));
    return write_file_atomically(file, png);
  }

  void end_with(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!fatal_) fatal_ = std::move(error);
    stop_.request_stop();
  }

  const CropPhoto& crop_photo_;
  const AlignOptions& options_;
  std::vector<Result<Outcome>> outcomes_;
  std::mutex mutex_;
  std::optional<Error> fatal_;
  std::stop_source stop_;
  const std::stop_callback<std::function<void()>> on_stop_{options_.supervision.stop,
                                                           [this] { stop_.request_stop(); }};
};

}  // namespace

Result<AlignReport> align_people(const fs::path& photos, const CropPhoto& crop_photo,
                                 const AlignOptions& options) {
  TRY(check_outside(options.output, photos));
  const auto tasks = TRY(tasks_of(photos, options.output));
  TRY(prepare(options));
  Aligning aligning(crop_photo, options, tasks.size());
  const auto work = [&](size_t index) { aligning.align(tasks[index], index); };
  const auto worked =
      work_through(tasks.size(), work, options.thread_count,
                   {.report = options.supervision.report, .stop = aligning.stop_token()});
  return aligning.report(tasks, worked);
}

}  // namespace faceforge::dataset
