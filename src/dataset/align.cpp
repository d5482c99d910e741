#include "dataset/align.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/output_folder.h"
#include "base/person_folders.h"
#include "dataset/move_aside.h"
#include "dataset/pack.h"
#include "image/encode.h"
#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkName = ".faceforge-align.json";
constexpr const char* kStaleFolder = ".faceforge-stale";
constexpr size_t kMaxMarkBytes = 10'000;

/// A photo and where its crop goes.
struct Task {
  fs::path photo;
  fs::path crop;
  std::string name;  ///< `PERSON/PHOTO`
};

enum class Outcome { Aligned, Kept };

/// The photos' stems are the crops' names; a photo whose crop would have another one's, because
/// they differ in the ending only or are called so (`a.jpg` and `a.jpg.png`), keeps its ending too.
class CropNames {
 public:
  explicit CropNames(const std::vector<fs::path>& photos) {
    for (const fs::path& photo : photos) {
      if (!image::has_photo_ending(photo)) continue;
      ++stems_[photo.stem().string()];
      whole_.insert(photo.filename().string());
    }
  }
  [[nodiscard]] std::string of(const fs::path& photo) const {
    const std::string stem = photo.stem().string();
    const bool is_free = stems_.at(stem) == 1 && !whole_.contains(stem);
    return (is_free ? stem : photo.filename().string()) + ".png";
  }

 private:
  std::map<std::string, size_t> stems_;
  std::set<std::string> whole_;
};

Result<std::vector<Task>> tasks_of(const fs::path& photos, const fs::path& output) {
  const auto people = TRY(list_person_folders(photos, kMaxPhotoCount));
  std::vector<Task> tasks;
  for (const PersonFolder& person : people) {
    const CropNames names(person.photos);
    for (const fs::path& photo : person.photos) {
      if (!image::has_photo_ending(photo)) continue;
      tasks.push_back({.photo = photo,
                       .crop = output / person.name / names.of(photo),
                       .name = person.name + "/" + photo.filename().string()});
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
  TRY(make_output_folder(options.output));
  return write_file_atomically(mark, mark_text(options));
}

bool is_earlier(const timespec& one, const timespec& other) {
  return std::pair(one.tv_sec, one.tv_nsec) < std::pair(other.tv_sec, other.tv_nsec);
}

/// Whether a crop was made after its photo got its contents and its name.
bool is_newer(const fs::path& crop, const fs::path& photo) {
  struct stat made {
  }, taken{};
  if (::stat(crop.c_str(), &made) != 0 || ::stat(photo.c_str(), &taken) != 0) return false;
  return !is_earlier(made.st_mtim, taken.st_mtim) && !is_earlier(made.st_mtim, taken.st_ctim);
}

/// Takes crops out of the way that no photo stands behind any more: it was moved or renamed since,
/// or shows no face now. They are kept in a hidden folder, which `pack` does not read.
///
/// in:  `wanted`: the crops of the photos that there are
/// out: `PERSON/CROP` of each that was moved
Result<std::vector<std::string>> put_stale_aside(const fs::path& output,
                                                 const std::set<fs::path>& wanted, bool dry_run) {
  const auto people = TRY(list_person_folders(output, kMaxPhotoCount));
  std::vector<std::string> stale;
  for (const PersonFolder& person : people) {
    for (const fs::path& crop : person.photos) {
      if (crop.extension() != ".png" || wanted.contains(crop)) continue;
      stale.push_back(person.name + "/" + crop.filename().string());
      if (dry_run) continue;
      const fs::path to = output / kStaleFolder / stale.back();
      TRY(make_output_folder(to.parent_path()));
      if (::rename(crop.c_str(), to.c_str()) != 0) {
        return Unexpected(file_error(errno, "move", crop));
      }
    }
  }
  return stale;
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
    AlignReport report{.photo_count = tasks.size(), .skipped = {}, .stale = {}};
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!outcomes_[i]) {
        report.skipped.push_back({.name = tasks[i].name, .error = outcomes_[i].error()});
      } else {
        ++(*outcomes_[i] == Outcome::Kept ? report.kept_count : report.aligned_count);
      }
    }
    return report;
  }

  [[nodiscard]] bool has_crop(size_t index) const { return outcomes_[index].has_value(); }

  [[nodiscard]] std::stop_token stop_token() { return stop_.get_token(); }

 private:
  Result<void> write(const image::Image& crop, const fs::path& file) {
    if (options_.dry_run) return {};
    const auto png = TRY(image::encode_png(crop));
    TRY(make_output_folder(file.parent_path()));
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
  AlignReport report = TRY(aligning.report(tasks, worked));
  std::set<fs::path> wanted;
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (aligning.has_crop(i)) wanted.insert(tasks[i].crop);
  }
  std::error_code ignored;
  if (fs::exists(options.output, ignored)) {
    report.stale = TRY(put_stale_aside(options.output, wanted, options.dry_run));
  }
  return report;
}

}  // namespace faceforge::dataset
