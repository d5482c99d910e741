#include "evaluate/range_photos.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "evaluate/people_folder.h"

namespace faceforge::evaluate {

Result<RangePhotos> split_range_photos(const std::filesystem::path& folder,
                                       const std::set<std::string>& excluded_people,
                                       uint64_t seed) {
  const PeopleFolder listed = TRY(list_people(folder, excluded_people));
  std::set<size_t> with_photos;
  for (const PeopleFolder::Photo& photo : listed.photos) with_photos.insert(photo.person_index);
  if (with_photos.size() < 2) {
    return fail(ErrorCode::InvalidInput, "too_few_range_people",
                "photos of {} person in `{}`; at least 2 people are needed, one to show the ranges "
                "and one to judge them",
                with_photos.size(), folder.string());
  }
  std::mt19937_64 random(seed);
  std::vector<size_t> people(with_photos.begin(), with_photos.end());
  std::ranges::shuffle(people, random);
  const std::set<size_t> observed_people(people.begin(),
                                         people.begin() + static_cast<long>(people.size() / 2));
  std::vector<size_t> order(listed.files.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::shuffle(order, random);
  RangePhotos halves;
  for (const size_t index : order) {
    const bool is_observed = observed_people.contains(listed.photos[index].person_index);
    (is_observed ? halves.observed : halves.held_out).push_back(listed.files[index]);
  }
  return halves;
}

}  // namespace faceforge::evaluate
