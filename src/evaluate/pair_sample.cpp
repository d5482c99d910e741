#include "evaluate/pair_sample.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace faceforge::evaluate {
namespace {

using Pairs = std::vector<PhotoPair>;

/// Keeps all pairs that it is shown, or a fair draw of as many as the limit.
///
/// source: Vitter 1985, "Random Sampling with a Reservoir", algorithm R
class Reservoir {
 public:
  Reservoir(size_t limit, std::mt19937_64& random) : limit_(limit), random_(random) {}

  void see(uint32_t first, uint32_t second) {
    ++seen_count_;
    if (pairs_.size() < limit_) {
      pairs_.push_back({first, second});
      return;
    }
    const size_t place = std::uniform_int_distribution<size_t>(0, seen_count_ - 1)(random_);
    if (place < limit_) pairs_[place] = {first, second};
  }

  [[nodiscard]] Pairs take() { return std::move(pairs_); }

 private:
  size_t limit_;
  std::mt19937_64& random_;
  size_t seen_count_ = 0;
  Pairs pairs_;
};

Pairs genuine_pairs(std::span<const uint32_t> person_of, size_t limit, std::mt19937_64& random) {
  std::map<uint32_t, std::vector<uint32_t>> by_person;
  for (uint32_t photo = 0; photo < person_of.size(); ++photo) {
    by_person[person_of[photo]].push_back(photo);
  }
  Reservoir pairs(limit, random);
  for (const auto& [person, photos] : by_person) {
    for (size_t i = 0; i < photos.size(); ++i) {
      for (size_t j = i + 1; j < photos.size(); ++j) pairs.see(photos[i], photos[j]);
    }
  }
  return pairs.take();
}

Pairs all_impostor_pairs(std::span<const uint32_t> person_of) {
  Pairs pairs;
  for (uint32_t first = 0; first < person_of.size(); ++first) {
    for (uint32_t second = first + 1; second < person_of.size(); ++second) {
      if (person_of[first] != person_of[second]) pairs.push_back({first, second});
    }
  }
  return pairs;
}

/// in: more than `limit` impostor pairs
Pairs some_impostor_pairs(std::span<const uint32_t> person_of, size_t limit,
                          std::mt19937_64& random) {
  std::uniform_int_distribution<uint32_t> any(0, static_cast<uint32_t>(person_of.size() - 1));
  std::set<std::pair<uint32_t, uint32_t>> drawn;
  while (drawn.size() < limit) {
    const auto [first, second] = std::minmax({any(random), any(random)});
    if (person_of[first] != person_of[second]) drawn.emplace(first, second);
  }
  Pairs pairs;
  for (const auto& [first, second] : drawn) pairs.push_back({first, second});
  return pairs;
}

size_t impostor_pair_count(std::span<const uint32_t> person_of) {
  std::map<uint32_t, size_t> photo_counts;
  for (const uint32_t person : person_of) ++photo_counts[person];
  size_t count = person_of.empty() ? 0 : person_of.size() * (person_of.size() - 1) / 2;
  for (const auto& [person, photos] : photo_counts) count -= photos * (photos - 1) / 2;
  return count;
}

void append(const Pairs& pairs, PairKind kind, std::span<const uint32_t> person_of,
            PairSample& sample) {
  for (const PhotoPair& pair : pairs) {
    sample.photos.push_back(pair);
    sample.people.push_back({person_of[pair.first_photo], person_of[pair.second_photo], kind});
  }
}

}  // namespace

PairSample sample_pairs(std::span<const uint32_t> person_of, size_t limit_each, uint64_t seed) {
  std::mt19937_64 random(seed);
  PairSample sample;
  append(genuine_pairs(person_of, limit_each, random), PairKind::Genuine, person_of, sample);
  // Half of all pairs would be drawn again and again before the last missing one is.
  const bool is_listed = impostor_pair_count(person_of) <= 2 * limit_each;
  Pairs impostors = is_listed ? all_impostor_pairs(person_of)
                              : some_impostor_pairs(person_of, limit_each, random);
  if (impostors.size() > limit_each) {
    std::ranges::shuffle(impostors, random);
    impostors.resize(limit_each);
  }
  append(impostors, PairKind::Impostor, person_of, sample);
  return sample;
}

PairSample sample_cross_pairs(std::span<const uint32_t> person_of, size_t gallery_count,
                              size_t limit_each, uint64_t seed) {
  std::mt19937_64 random(seed);
  Reservoir genuine(limit_each, random);
  Reservoir impostors(limit_each, random);
  for (uint32_t first = 0; first < gallery_count; ++first) {
    for (auto second = static_cast<uint32_t>(gallery_count); second < person_of.size(); ++second) {
      (person_of[first] == person_of[second] ? genuine : impostors).see(first, second);
    }
  }
  PairSample sample;
  append(genuine.take(), PairKind::Genuine, person_of, sample);
  append(impostors.take(), PairKind::Impostor, person_of, sample);
  return sample;
}

}  // namespace faceforge::evaluate
