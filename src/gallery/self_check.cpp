#include "gallery/self_check.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <unordered_map>

#include "gallery/train.h"

namespace faceforge::gallery {
namespace {

/// What a user may slide between: FPIR and FMR.
constexpr std::array kPromises = {1e-1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4};
constexpr std::array kMatchPromises = {1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4,
                                       5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6};

struct Place {
  size_t person_index = 0;
  size_t reference_index = 0;
};

/// Photos whose person has another one: the first of everybody, then the second, ...
std::vector<Place> checkable_photos(const Snapshot& snapshot) {
  size_t most_photos = 0;
  for (size_t person = 0; person < snapshot.person_count(); ++person) {
    most_photos = std::max(most_photos, snapshot.reference_count(person));
  }
  std::vector<Place> places;
  for (size_t reference = 0; reference < most_photos; ++reference) {
    for (size_t person = 0; person < snapshot.person_count(); ++person) {
      const size_t count = snapshot.reference_count(person);
      if (count > 1 && reference < count) places.push_back({person, reference});
    }
  }
  return places;
}

/// in: somebody with a photo
TemplateSum sum_of(const Snapshot& snapshot, size_t person_index) {
  TemplateSum sum(snapshot.reference(person_index, 0).size());
  for (size_t reference = 0; reference < snapshot.reference_count(person_index); ++reference) {
    sum.add(snapshot.reference(person_index, reference));
  }
  return sum;
}

Result<void> require_wanted(const std::stop_token& abandoned) {
  if (!abandoned.stop_requested()) return {};
  return fail(ErrorCode::Cancelled, "request_abandoned", "nobody waits for this any more");
}

/// The people of the snapshot most similar to an embedding, but for one of them.
Result<std::vector<Candidate>> nearest_others(const Snapshot& snapshot,
                                              std::span<const float> embedding, size_t person_index,
                                              size_t count) {
  const face::Embedding asked{.model_id = snapshot.space_id(),
                              .metric = snapshot.metric(),
                              .values = {embedding.begin(), embedding.end()}};
  auto candidates = TRY(snapshot.nearest(asked, count + 1));
  std::erase_if(candidates,
                [&](const Candidate& found) { return found.person_index == person_index; });
  if (candidates.size() > count) candidates.resize(count);
  return candidates;
}

Result<std::vector<CheckedPhoto>> checked_photos(const Snapshot& snapshot,
                                                 std::span<const Place> places,
                                                 const std::stop_token& abandoned) {
  std::unordered_map<size_t, TemplateSum> sums;  // of those whose photos are looked at
  std::vector<CheckedPhoto> photos;
  photos.reserve(places.size());
  for (const auto& [person_index, reference_index] : places) {
    TRY(require_wanted(abandoned));
    const auto embedding = snapshot.reference(person_index, reference_index);
    auto sum = sums.find(person_index);
    if (sum == sums.end()) sum = sums.emplace(person_index, sum_of(snapshot, person_index)).first;
    TemplateSum rest = sum->second;
    rest.remove(embedding);
    const auto own = rest.similarity(embedding, snapshot.metric());
    if (!own) continue;  // the others cancel out: there is no template without this photo
    CheckedPhoto photo{
        .person_index = person_index, .reference_index = reference_index, .own_similarity = *own};
    const auto others = TRY(nearest_others(snapshot, embedding, person_index, 1));
    if (!others.empty()) {
      photo.other_person_index = others.front().person_index;
      photo.other_similarity = others.front().similarity;
    }
    photos.push_back(photo);
  }
  return photos;
}

Result<std::vector<LookAlike>> all_look_alikes(const Snapshot& snapshot,
                                               const SelfCheckLimits& limits,
                                               const std::stop_token& abandoned) {
  std::vector<LookAlike> look_alikes;
  const size_t person_count = std::min(limits.people, snapshot.person_count());
  for (size_t person = 0; person < person_count; ++person) {
    TRY(require_wanted(abandoned));
    const auto others = TRY(look_alikes_of(snapshot, person, limits.look_alikes_each));
    for (const Candidate& other : others) {
      look_alikes.push_back({person, other.person_index, other.similarity});
    }
  }
  std::ranges::stable_sort(look_alikes, std::greater{}, &LookAlike::similarity);
  return look_alikes;
}

Result<std::vector<PromiseCost>> promise_costs(const Snapshot& snapshot,
                                               std::span<const CheckedPhoto> photos) {
  std::vector<PromiseCost> promises;
  if (!snapshot.calibration()) return promises;
  for (const double rate : kPromises) {
    const MatchPolicy policy = TRY(
        MatchPolicy::create(snapshot.calibration(), {.false_positive_identification_rate = rate}));
    const MatchThreshold threshold = policy.identification_threshold(snapshot.person_count());
    const auto missed = std::ranges::count_if(photos, [&](const CheckedPhoto& photo) {
      return photo.own_similarity < threshold.similarity || photo.is_confused();
    });
    promises.push_back({rate, threshold, static_cast<size_t>(missed)});
  }
  return promises;
}

/// Each photo claims to be its own person.
Result<std::vector<PromiseCost>> match_promise_costs(const Snapshot& snapshot,
                                                     std::span<const CheckedPhoto> photos) {
  std::vector<PromiseCost> promises;
  if (!snapshot.calibration()) return promises;
  for (const double rate : kMatchPromises) {
    const MatchThreshold threshold = TRY(match_threshold(*snapshot.calibration(), rate));
    const auto missed = std::ranges::count_if(photos, [&](const CheckedPhoto& photo) {
      return photo.own_similarity < threshold.similarity;
    });
    promises.push_back({rate, threshold, static_cast<size_t>(missed)});
  }
  return promises;
}

}  // namespace

Result<std::vector<Candidate>> look_alikes_of(const Snapshot& snapshot, size_t person_index,
                                              size_t count) {
  if (snapshot.reference_count(person_index) == 0) return std::vector<Candidate>{};
  const auto mean = sum_of(snapshot, person_index).mean(snapshot.metric());
  if (mean.empty()) return std::vector<Candidate>{};
  return nearest_others(snapshot, mean, person_index, count);
}

Result<SelfCheck> check_against_itself(const Snapshot& snapshot, const SelfCheckLimits& limits,
                                       const std::stop_token& abandoned) {
  std::vector<Place> places = checkable_photos(snapshot);
  SelfCheck check{.checkable_photo_count = places.size()};
  if (places.size() > limits.photos) places.resize(limits.photos);
  check.photos = TRY(checked_photos(snapshot, places, abandoned));
  check.look_alikes = TRY(all_look_alikes(snapshot, limits, abandoned));
  check.promises = TRY(promise_costs(snapshot, check.photos));
  check.match_promises = TRY(match_promise_costs(snapshot, check.photos));
  return check;
}

}  // namespace faceforge::gallery
