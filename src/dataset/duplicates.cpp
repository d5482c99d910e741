#include "dataset/duplicates.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "dataset/difference_hash.h"

namespace faceforge::dataset {
namespace {

/// Sets of photos that are joined two by two.
/// source: Galler and Fischer 1964; paths are halved (van Leeuwen and van der Weide 1977)
class JoinedSets {
 public:
  explicit JoinedSets(size_t count) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), size_t{0});
  }

  size_t root_of(size_t index) {
    while (parents_[index] != index) {
      parents_[index] = parents_[parents_[index]];
      index = parents_[index];
    }
    return index;
  }

  /// The lower root stays, so that a set is named by its first photo.
  void join(size_t a, size_t b) {
    const size_t first = root_of(a);
    const size_t second = root_of(b);
    parents_[std::max(first, second)] = std::min(first, second);
  }

 private:
  std::vector<size_t> parents_;
};

std::optional<float> face_similarity(const PhotoFacts& a, const PhotoFacts& b) {
  if (a.faces.empty() || b.faces.empty()) return std::nullopt;
  const face::Embedding& first = a.faces.front().embedding;
  return face::similarity(first.values, b.faces.front().embedding.values, first.metric);
}

void join_exact(const LookedPeople& people, JoinedSets& sets) {
  std::map<Sha256, size_t> first_of;
  for (size_t i = 0; i < people.photos.size(); ++i) {
    const auto [found, is_new] = first_of.emplace(people.photos[i].facts.sha256, i);
    if (!is_new) sets.join(found->second, i);
  }
}

void join_near(const LookedPeople& people, const DuplicateOptions& options, JoinedSets& sets) {
  std::vector<uint64_t> hashes;  // side by side in memory, for there are photos^2 / 2 comparisons
  for (const LookedPhoto& photo : people.photos) hashes.push_back(photo.facts.difference_hash);
  for (size_t i = 0; i < hashes.size(); ++i) {
    for (size_t j = i + 1; j < hashes.size(); ++j) {
      if (differing_bits(hashes[i], hashes[j]) > options.max_differing_bits) continue;
      const auto similarity = face_similarity(people.photos[i].facts, people.photos[j].facts);
      if (similarity && *similarity >= options.min_similarity) sets.join(i, j);
    }
  }
}

bool is_better(const LookedPhoto& a, const LookedPhoto& b) {
  const auto pixels = [](const PhotoFacts& facts) {
    return int64_t{facts.width_px} * int64_t{facts.height_px};
  };
  const auto sharpness = [](const PhotoFacts& facts) {
    return facts.faces.empty() ? 0.0F : facts.faces.front().quality.sharpness;
  };
  if (pixels(a.facts) != pixels(b.facts)) return pixels(a.facts) > pixels(b.facts);
  return sharpness(a.facts) > sharpness(b.facts);
}

/// in: two photos or more, rising
DuplicateGroup group_of(const LookedPeople& people, const std::vector<size_t>& members) {
  DuplicateGroup group{.kept_index = members.front(), .others = {}};
  for (const size_t member : members) {
    if (is_better(people.photos[member], people.photos[group.kept_index])) {
      group.kept_index = member;
    }
  }
  const LookedPhoto& kept = people.photos[group.kept_index];
  for (const size_t member : members) {
    if (member == group.kept_index) continue;
    const LookedPhoto& photo = people.photos[member];
    group.is_across_people |= photo.person_index != kept.person_index;
    const bool is_exact = photo.facts.sha256 == kept.facts.sha256;
    group.others.push_back(
        {.photo_index = member,
         .is_exact = is_exact,
         .differing_bits = differing_bits(photo.facts.difference_hash, kept.facts.difference_hash),
         .similarity = is_exact ? 1.0F : face_similarity(photo.facts, kept.facts).value_or(0)});
  }
  return group;
}

}  // namespace

std::vector<DuplicateGroup> find_duplicates(const LookedPeople& people,
                                            const DuplicateOptions& options) {
  JoinedSets sets(people.photos.size());
  join_exact(people, sets);
  join_near(people, options, sets);
  std::map<size_t, std::vector<size_t>> members;
  for (size_t i = 0; i < people.photos.size(); ++i) members[sets.root_of(i)].push_back(i);
  std::vector<DuplicateGroup> groups;
  for (const auto& [root, photos] : members) {
    if (photos.size() > 1) groups.push_back(group_of(people, photos));
  }
  std::ranges::sort(groups, {}, &DuplicateGroup::kept_index);
  return groups;
}

}  // namespace faceforge::dataset
