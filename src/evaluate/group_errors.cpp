#include "evaluate/group_errors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

namespace faceforge::evaluate {
namespace {

constexpr size_t kBinCount = 4;

bool is_match(const LabelledPhoto& first, const LabelledPhoto& second, float match_threshold) {
  if (!first.embedding || !second.embedding) return false;
  return face::similarity(first.embedding->values, second.embedding->values,
                          first.embedding->metric) >= match_threshold;
}

void count(CountedRate& rate, bool is_error) {
  ++rate.trial_count;
  if (is_error) ++rate.error_count;
}

Result<void> compare_within(const LabelledPhotos& photos, const std::vector<size_t>& members,
                            float match_threshold, const Supervision& supervision,
                            GroupErrors& errors) {
  std::mutex mutex;
  const auto work = [&](size_t first) {
    GroupErrors own;
    const LabelledPhoto& photo = photos.photos[members[first]];
    for (size_t second = first + 1; second < members.size(); ++second) {
      const LabelledPhoto& other = photos.photos[members[second]];
      const bool matches = is_match(photo, other, match_threshold);
      if (photo.person_index == other.person_index) {
        count(own.false_non_matches, !matches);
      } else {
        count(own.false_matches, matches);
      }
    }
    const std::scoped_lock lock(mutex);
    for (const auto rate : {&GroupErrors::false_non_matches, &GroupErrors::false_matches}) {
      (errors.*rate).error_count += (own.*rate).error_count;
      (errors.*rate).trial_count += (own.*rate).trial_count;
    }
  };
  return work_through(members.size(), work, every_core(), supervision);
}

/// A measure of quality, and which of two values is the worse one.
struct Measure {
  std::string_view name;
  double (*value)(const face::Quality&);
  bool more_is_worse;
};

constexpr std::array kMeasures{
    Measure{"face_size_px", [](const face::Quality& q) { return double{q.face_size_px}; }, false},
    Measure{"sharpness", [](const face::Quality& q) { return double{q.sharpness}; }, false},
    Measure{"brightness", [](const face::Quality& q) { return double{q.brightness}; }, false},
    Measure{"yaw_deg", [](const face::Quality& q) { return std::abs(double{q.yaw_deg}); }, true},
    Measure{"pitch_deg", [](const face::Quality& q) { return std::abs(double{q.pitch_deg}); },
            true},
};

/// Quartiles of the photos, from the least value to the greatest; fewer where they coincide.
std::vector<double> bin_edges(const LabelledPhotos& photos, const Measure& measure) {
  std::vector<double> values;
  for (const LabelledPhoto& photo : photos.photos) {
    if (photo.quality) values.push_back(measure.value(*photo.quality));
  }
  if (values.empty()) return {};
  std::ranges::sort(values);
  std::vector<double> edges;
  for (size_t edge = 0; edge <= kBinCount; ++edge) {
    edges.push_back(values[edge * (values.size() - 1) / kBinCount]);
  }
  const auto repeated = std::ranges::unique(edges);
  edges.erase(repeated.begin(), repeated.end());
  return edges;
}

/// The bin of a value: from its low edge to below its high one, the last with both.
size_t bin_of(const std::vector<double>& edges, double value) {
  const auto above = std::ranges::upper_bound(edges, value);
  const auto place = static_cast<size_t>(above - edges.begin());
  return std::clamp<size_t>(place, 1, edges.size() - 1) - 1;
}

QualityErrors bin_errors(const LabelledPhotos& photos, const Measure& measure,
                         const std::vector<double>& edges, float match_threshold) {
  QualityErrors errors{.measure = std::string(measure.name)};
  for (size_t edge = 1; edge < edges.size(); ++edge) {
    errors.bins.push_back({.low = edges[edge - 1], .high = edges[edge]});
  }
  for (const auto& own : photos.photos_by_person()) {
    for (size_t i = 0; i < own.size(); ++i) {
      for (size_t j = i + 1; j < own.size(); ++j) {
        const LabelledPhoto& first = photos.photos[own[i]];
        const LabelledPhoto& second = photos.photos[own[j]];
        if (!first.quality || !second.quality) continue;
        const auto [low, high] =
            std::minmax({measure.value(*first.quality), measure.value(*second.quality)});
        const size_t bin = bin_of(edges, measure.more_is_worse ? high : low);
        count(errors.bins[bin].false_non_matches, !is_match(first, second, match_threshold));
      }
    }
  }
  return errors;
}

}  // namespace

Result<std::vector<AttributeErrors>> measure_groups(const LabelledPhotos& photos,
                                                    std::span<const AttributeGroups> attributes,
                                                    float match_threshold,
                                                    const Supervision& supervision) {
  std::vector<AttributeErrors> measured;
  for (const AttributeGroups& attribute : attributes) {
    AttributeErrors errors{.attribute = attribute.attribute};
    for (uint32_t group = 0; group < attribute.groups.size(); ++group) {
      std::vector<size_t> members;
      for (size_t photo = 0; photo < attribute.group_of_photo.size(); ++photo) {
        if (attribute.group_of_photo[photo] == group) members.push_back(photo);
      }
      errors.groups.push_back({.group = attribute.groups[group], .photo_count = members.size()});
      TRY(compare_within(photos, members, match_threshold, supervision, errors.groups.back()));
    }
    measured.push_back(std::move(errors));
  }
  return measured;
}

std::vector<QualityErrors> measure_quality(const LabelledPhotos& photos, float match_threshold) {
  std::vector<QualityErrors> measured;
  for (const Measure& measure : kMeasures) {
    const std::vector<double> edges = bin_edges(photos, measure);
    if (edges.size() < 2) continue;
    QualityErrors errors = bin_errors(photos, measure, edges, match_threshold);
    const bool any = std::ranges::any_of(
        errors.bins, [](const QualityBin& bin) { return bin.false_non_matches.trial_count > 0; });
    if (any) measured.push_back(std::move(errors));
  }
  return measured;
}

}  // namespace faceforge::evaluate
