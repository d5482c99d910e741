#include "dataset/split.h"

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/output_folder.h"
#include "base/person_folders.h"
#include "crops/crop_writer.h"
#include "dataset/pack.h"
#include "image/file_ending.h"

namespace faceforge::dataset {
namespace {

using PhotoCounts = std::map<std::string, size_t>;

Result<PhotoCounts> count_photos(const std::filesystem::path& photos) {
  const auto people = TRY(list_person_folders(photos, kMaxPhotoCount));
  PhotoCounts counts;
  for (const PersonFolder& person : people) {
    counts[person.name] =
        static_cast<size_t>(std::ranges::count_if(person.photos, image::has_photo_ending));
  }
  return counts;
}

Result<PhotoCounts> count_crops(const std::filesystem::path& file) {
  const auto crops = TRY(crops::CropFile::open(file));
  PhotoCounts counts;
  for (size_t i = 0; i < crops.person_count(); ++i) counts[std::string(crops.name(i))] = 0;
  for (size_t i = 0; i < crops.crop_count(); ++i) {
    ++counts[std::string(crops.name(crops.person_index(i)))];
  }
  return counts;
}

size_t photos_of(const std::vector<std::string>& people, const PhotoCounts& counts) {
  size_t count = 0;
  for (const std::string& person : people) count += counts.at(person);
  return count;
}

Result<void> write_lists(const crops::PersonSplit& people, const std::filesystem::path& output) {
  TRY(make_output_folder(output));
  TRY(write_file_atomically(output / kTrainListName, crops::to_list_text(people.train)));
  return write_file_atomically(output / kHeldOutListName, crops::to_list_text(people.test));
}

}  // namespace

Result<SplitReport> split_dataset(const std::filesystem::path& photos_or_crops,
                                  const SplitOptions& options) {
  if (!(options.train_share > 0 && options.train_share < 1)) {
    return fail(ErrorCode::InvalidInput, "train_share_invalid",
                "{} of the people cannot be trained on: a share is between 0 and 1",
                options.train_share);
  }
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(photos_or_crops, ignored);
  const auto counts = TRY(is_folder ? count_photos(photos_or_crops) : count_crops(photos_or_crops));
  SplitReport report;
  std::vector<std::string> people;
  for (const auto& [name, count] : counts) {
    if (count < std::max<size_t>(options.min_photos, 1)) {
      ++report.too_few_count;
    } else if (const auto checked = crops::check_person_name(name); !checked) {
      report.skipped.push_back({.name = name, .error = checked.error()});
    } else {
      people.push_back(name);
    }
  }
  const size_t person_count = people.size();
  report.people = crops::split_people(std::move(people), options.train_share, options.seed);
  if (report.people.train.empty() || report.people.test.empty()) {
    return fail(ErrorCode::InvalidInput, "too_few_people",
                "{} people with {} or more photos cannot be divided at {}: a list would be empty",
                person_count, options.min_photos, options.train_share);
  }
  report.train_photo_count = photos_of(report.people.train, counts);
  report.held_out_photo_count = photos_of(report.people.test, counts);
  if (!options.dry_run) TRY(write_lists(report.people, options.output));
  return report;
}

}  // namespace faceforge::dataset
