#include "dataset/stats.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

namespace faceforge::dataset {
namespace {

constexpr size_t kLargestShown = 10;

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::string number_text(double number) {
  return fmt::format("{:g}", number);
}

/// Counts values between rising borders; below the first and from the last on are bins too.
std::vector<Bin> bins_between(const std::vector<double>& values,
                              const std::vector<double>& borders) {
  std::vector<Bin> bins;
  bins.push_back({"< " + number_text(borders.front()), 0});
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    bins.push_back({number_text(borders[i]) + "\u2013" + number_text(borders[i + 1]), 0});
  }
  bins.push_back({"\u2265 " + number_text(borders.back()), 0});
  for (const double value : values) {
    const auto above = std::ranges::upper_bound(borders, value);
    ++bins[static_cast<size_t>(above - borders.begin())].count;
  }
  return bins;
}

Distribution photos_a_person(const std::vector<PersonSize>& people) {
  constexpr size_t kSingles = 5;
  constexpr size_t kLasts[] = {9, 19, 49, 99};
  Distribution made{
      .title = "Photos a person", .explanation = "how many people have so many photos", .bins = {}};
  for (size_t count = 1; count <= kSingles; ++count)
    made.bins.push_back({fmt::format("{}", count), 0});
  size_t first = kSingles + 1;
  for (const size_t last : kLasts) {
    made.bins.push_back({fmt::format("{}\u2013{}", first, last), 0});
    first = last + 1;
  }
  made.bins.push_back({fmt::format("\u2265 {}", first), 0});
  std::vector<double> counts;
  for (const PersonSize& person : people) {
    counts.push_back(static_cast<double>(person.photo_count));
    const size_t bin =
        person.photo_count <= kSingles
            ? person.photo_count - 1
            : kSingles + static_cast<size_t>(std::ranges::lower_bound(kLasts, person.photo_count) -
                                             std::begin(kLasts));
    ++made.bins[bin].count;
  }
  made.median = median_of(counts);
  return made;
}

Distribution distribution_of(const LookedPeople& people, std::string title, std::string explanation,
                             const std::vector<double>& borders,
                             const std::function<double(const face::Quality&)>& number) {
  std::vector<double> values;
  for (const LookedPhoto& photo : people.photos) {
    if (!photo.facts.faces.empty()) values.push_back(number(photo.facts.faces.front().quality));
  }
  return {.title = std::move(title),
          .explanation = std::move(explanation),
          .median = median_of(values),
          .bins = bins_between(values, borders)};
}

std::vector<PersonSize> sizes_of(const LookedPeople& people) {
  std::vector<PersonSize> sizes;
  for (const std::string& name : people.people) sizes.push_back({.name = name});
  for (const LookedPhoto& photo : people.photos) ++sizes[photo.person_index].photo_count;
  std::erase_if(sizes, [](const PersonSize& person) { return person.photo_count == 0; });
  return sizes;
}

}  // namespace

DatasetStats count_dataset(const LookedPeople& people) {
  std::vector<PersonSize> sizes = sizes_of(people);
  DatasetStats stats{.person_count = sizes.size(),
                     .photo_count = people.photos.size(),
                     .largest = {},
                     .photos_a_person = photos_a_person(sizes),
                     .quality = {}};
  for (const PersonSize& person : sizes) {
    stats.pair_count += person.photo_count * (person.photo_count - 1) / 2;
  }
  for (const LookedPhoto& photo : people.photos) {
    stats.faceless_count += photo.facts.faces.empty() ? 1 : 0;
    stats.several_faces_count += photo.facts.face_count > 1 ? 1 : 0;
  }
  std::ranges::stable_sort(sizes, std::greater{}, &PersonSize::photo_count);
  if (sizes.size() > kLargestShown) sizes.resize(kLargestShown);
  stats.largest = std::move(sizes);
  stats.quality = {
      distribution_of(people, "Size of the face", "pixels, the shorter side of its box",
                      {40, 60, 80, 112, 160, 224, 320},
                      [](const auto& quality) { return double{quality.face_size_px}; }),
      distribution_of(people, "Sharpness", "variance of the Laplacian; under 20 is blurred",
                      {20, 50, 100, 200, 400, 800},
                      [](const auto& quality) { return double{quality.sharpness}; }),
      distribution_of(people, "Brightness", "mean grey of the face, 0 to 1",
                      {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8},
                      [](const auto& quality) { return double{quality.brightness}; }),
      distribution_of(people, "Turned aside", "degrees of yaw, to either side",
                      {5, 10, 15, 20, 30, 45, 60},
                      [](const auto& quality) { return std::abs(double{quality.yaw_deg}); })};
  return stats;
}

std::vector<size_t> contact_sheet_photos(const LookedPeople& people, size_t count) {
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> sharpest(people.people.size(), kNone);
  const auto sharpness = [&](size_t photo) {
    return people.photos[photo].facts.faces.front().quality.sharpness;
  };
  for (size_t i = 0; i < people.photos.size(); ++i) {
    if (people.photos[i].facts.faces.empty()) continue;
    size_t& best = sharpest[people.photos[i].person_index];
    if (best == kNone || sharpness(i) > sharpness(best)) best = i;
  }
  std::erase(sharpest, kNone);
  if (sharpest.size() <= count) return sharpest;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) chosen.push_back(sharpest[i * sharpest.size() / count]);
  return chosen;
}

}  // namespace faceforge::dataset
