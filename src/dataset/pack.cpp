#include "dataset/pack.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/parallel_work.h"
#include "base/unicode.h"
#include "crops/crop_writer.h"

namespace faceforge::dataset {
namespace {

/// The crops of some photos, in order, made side by side.
std::vector<Result<image::Image>> crop_photos(std::span<const std::filesystem::path> photos,
                                              const CropPhoto& crop_photo,
                                              const PackOptions& options) {
  std::vector<std::optional<Result<image::Image>>> made(photos.size());
  const auto work = [&](size_t i) {
    made[i] = square_crop(crop_photo, photos[i], options.side_px);
  };
  const auto worked = work_through(photos.size(), work, options.thread_count, {});
  CHECK(worked.has_value());  // nobody asks it to stop
  std::vector<Result<image::Image>> crops;
  for (auto& crop : made) crops.push_back(*std::move(crop));
  return crops;
}

/// As many photos as keep the threads busy; the progress is told and a stop heeded in between.
constexpr size_t kPhotosAThread = 8;

class Packing {
 public:
  Packing(const CropPhoto& crop_photo, const PackOptions& options, size_t total_count)
      : crop_photo_(crop_photo), options_(options), total_count_(total_count) {}

  Result<void> open() {
    if (options_.output.empty()) return {};
    const auto side = static_cast<uint32_t>(options_.side_px);
    const crops::CropShape shape{.width_px = side, .height_px = side};
    writer_.emplace(TRY(crops::CropWriter::create(options_.output, shape)));
    return {};
  }

  Result<void> add(const PersonFolder& person) {
    std::vector<image::Image> usable;
    const std::span photos(person.photos);
    const size_t step = kPhotosAThread * options_.thread_count;
    for (size_t begin = 0; begin < photos.size(); begin += step) {
      if (options_.stop.stop_requested()) {
        return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} photos",
                    report_.photo_count, total_count_);
      }
      const auto part = photos.subspan(begin, std::min(step, photos.size() - begin));
      auto made = crop_photos(part, crop_photo_, options_);
      for (size_t i = 0; i < part.size(); ++i) {
        if (made[i]) {
          usable.push_back(*std::move(made[i]));
        } else {
          skip(person.name + "/" + part[i].filename().string(), made[i].error());
        }
      }
      report_.photo_count += part.size();
      if (options_.report) options_.report(report_.photo_count, total_count_);
    }
    return write(person.name, usable);
  }

  Result<PackReport> finish() {
    if (report_.crop_count == 0) {
      return fail(ErrorCode::InvalidInput, "nothing_to_pack",
                  "no person has {} usable photos; {} photos were looked at", options_.min_photos,
                  report_.photo_count);
    }
    if (writer_) TRY(writer_->finish());
    return std::move(report_);
  }

 private:
  void skip(std::string name, Error error) {
    report_.skipped.push_back({.name = std::move(name), .error = std::move(error)});
  }

  Result<void> write(const std::string& name, const std::vector<image::Image>& usable) {
    if (usable.size() < std::max<size_t>(options_.min_photos, 1)) {
      skip(name,
           {ErrorCode::InvalidInput, "too_few_photos",
            fmt::format("{} usable photos; the least is {}", usable.size(), options_.min_photos)});
      return {};
    }
    if (const auto checked = crops::check_person_name(name); !checked) {
      skip(name, checked.error());
      return {};
    }
    if (writer_) {
      TRY(writer_->add_person(name));
      for (const image::Image& crop : usable) TRY(writer_->add_crop(std::as_bytes(crop.pixels())));
    }
    ++report_.person_count;
    report_.crop_count += usable.size();
    return {};
  }

  const CropPhoto& crop_photo_;
  const PackOptions& options_;
  const size_t total_count_;
  std::optional<crops::CropWriter> writer_;
  PackReport report_;
};

}  // namespace

Result<std::vector<PersonFolder>> only_named(std::vector<PersonFolder> people,
                                             const std::vector<std::string>& names) {
  std::set<std::string_view> missing(names.begin(), names.end());
  std::vector<PersonFolder> named;
  for (PersonFolder& person : people) {
    if (missing.erase(person.name) == 1) named.push_back(std::move(person));
  }
  if (missing.empty()) return named;
  return fail(ErrorCode::InvalidInput, "person_list",
              "{} of the {} people of the list have no folder, among them `{}`", missing.size(),
              names.size(), to_valid_utf8(*missing.begin()));
}

Result<PackReport> pack(const std::vector<PersonFolder>& people, const CropPhoto& crop_photo,
                        const PackOptions& options) {
  CHECK(options.side_px >= 1 && std::cmp_less_equal(options.side_px, crops::kMaxSide_px));
  CHECK(options.thread_count >= 1);
  size_t total_count = 0;
  for (const PersonFolder& person : people) total_count += person.photos.size();
  Packing packing(crop_photo, options, total_count);
  TRY(packing.open());
  for (const PersonFolder& person : people) TRY(packing.add(person));
  return packing.finish();
}

}  // namespace faceforge::dataset
