#include "gallery/self_check.h"

#include <algorithm>
#include <array>
#include <functional>

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
std::vector<Place> checkable_photos(const GalleryModel& model) {
  size_t most_photos = 0;
  for (const ModelPerson& person : model.people) {
    most_photos = std::max(most_photos, person.references.size());
  }
  std::vector<Place> places;
  for (size_t reference = 0; reference < most_photos; ++reference) {
    for (size_t person = 0; person < model.people.size(); ++person) {
      const size_t count = model.people[person].references.size();
      if (count > 1 && reference < count) places.push_back({person, reference});
    }
  }
  return places;
}

TemplateSum sum_of(const GalleryModel& model, const ModelPerson& person) {
  TemplateSum sum(static_cast<size_t>(model.embedding_length));
  for (const Reference& reference : person.references) sum.add(reference.embedding);
  return sum;
}

/// The people of the snapshot most similar to an embedding, but for one of them.
Result<std::vector<Candidate>> nearest_others(const GalleryModel& model, const Snapshot& snapshot,
                                              const std::vector<float>& embedding,
                                              size_t person_index, size_t count) {
  auto candidates = TRY(snapshot.nearest({model.model_id, model.metric, embedding}, count + 1));
  std::erase_if(candidates,
                [&](const Candidate& found) { return found.person_index == person_index; });
  if (candidates.size() > count) candidates.resize(count);
  return candidates;
}

Result<std::vector<CheckedPhoto>> checked_photos(const GalleryModel& model,
                                                 const Snapshot& snapshot,
                                                 std::span<const Place> places) {
  std::vector<TemplateSum> sums;
  sums.reserve(model.people.size());
  for (const ModelPerson& person : model.people) sums.push_back(sum_of(model, person));
  std::vector<CheckedPhoto> photos;
  photos.reserve(places.size());
  for (const auto& [person_index, reference_index] : places) {
    const auto& embedding = model.people[person_index].references[reference_index].embedding;
    TemplateSum rest = sums[person_index];
    rest.remove(embedding);
    const auto own = rest.similarity(embedding, model.metric);
    if (!own) continue;  // the others cancel out: there is no template without this photo
    CheckedPhoto photo{
        .person_index = person_index, .reference_index = reference_index, .own_similarity = *own};
    const auto others = TRY(nearest_others(model, snapshot, embedding, person_index, 1));
    if (!others.empty()) {
      photo.other_person_index = others.front().person_index;
      photo.other_similarity = others.front().similarity;
    }
    photos.push_back(photo);
  }
  return photos;
}

Result<std::vector<LookAlike>> look_alikes_of(const GalleryModel& model, const Snapshot& snapshot,
                                              const SelfCheckLimits& limits) {
  std::vector<LookAlike> look_alikes;
  for (size_t person = 0; person < std::min(limits.people, model.people.size()); ++person) {
    for (const Candidate& other : TRY(nearest_others(model, snapshot, model.people[person].mean,
                                                     person, limits.look_alikes_each))) {
      look_alikes.push_back({person, other.person_index, other.similarity});
    }
  }
  std::ranges::stable_sort(look_alikes, std::greater{}, &LookAlike::similarity);
  return look_alikes;
}

Result<std::vector<PromiseCost>> promise_costs(const GalleryModel& model,
                                               std::span<const CheckedPhoto> photos) {
  std::vector<PromiseCost> promises;
  if (!model.calibration) return promises;
  for (const double rate : kPromises) {
    const MatchPolicy policy =
        TRY(MatchPolicy::create(model.calibration, {.false_positive_identification_rate = rate}));
    const MatchThreshold threshold = policy.identification_threshold(model.people.size());
    const auto missed = std::ranges::count_if(photos, [&](const CheckedPhoto& photo) {
      return photo.own_similarity < threshold.similarity || photo.is_confused();
    });
    promises.push_back({rate, threshold, static_cast<size_t>(missed)});
  }
  return promises;
}

/// Each photo claims to be its own person.
Result<std::vector<PromiseCost>> match_promise_costs(const GalleryModel& model,
                                                     std::span<const CheckedPhoto> photos) {
  std::vector<PromiseCost> promises;
  if (!model.calibration) return promises;
  for (const double rate : kMatchPromises) {
    const MatchThreshold threshold = TRY(match_threshold(*model.calibration, rate));
    const auto missed = std::ranges::count_if(photos, [&](const CheckedPhoto& photo) {
      return photo.own_similarity < threshold.similarity;
    });
    promises.push_back({rate, threshold, static_cast<size_t>(missed)});
  }
  return promises;
}

}  // namespace

Result<SelfCheck> check_against_itself(const GalleryModel& model, const SelfCheckLimits& limits) {
  const Snapshot snapshot(model);
  std::vector<Place> places = checkable_photos(model);
  SelfCheck check{.checkable_photo_count = places.size()};
  if (places.size() > limits.photos) places.resize(limits.photos);
  check.photos = TRY(checked_photos(model, snapshot, places));
  check.look_alikes = TRY(look_alikes_of(model, snapshot, limits));
  check.promises = TRY(promise_costs(model, check.photos));
  check.match_promises = TRY(match_promise_costs(model, check.photos));
  return check;
}

}  // namespace faceforge::gallery
