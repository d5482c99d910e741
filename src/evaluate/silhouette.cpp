#include "evaluate/silhouette.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "evaluate/failed_comparison.h"

namespace faceforge::evaluate {

std::optional<double> silhouette(std::span<const float> similarities,
                                 std::span<const uint32_t> person_of, size_t person_count,
                                 size_t photo) {
  struct Distances {
    double sum = 0;
    int64_t count = 0;
    [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
  };
  std::vector<Distances> to_person(person_count);
  for (size_t other = 0; other < similarities.size(); ++other) {
    if (other == photo || similarities[other] == kFailedComparison) continue;
    Distances& distances = to_person[person_of[other]];
    distances.sum += 1 - double{similarities[other]};
    ++distances.count;
  }
  const size_t own_person = person_of[photo];
  double nearest = std::numeric_limits<double>::infinity();
  for (size_t person = 0; person < person_count; ++person) {
    if (person == own_person || to_person[person].count == 0) continue;
    nearest = std::min(nearest, to_person[person].mean());
  }
  if (to_person[own_person].count == 0 || nearest == std::numeric_limits<double>::infinity()) {
    return std::nullopt;
  }
  const double own = to_person[own_person].mean();
  const double larger = std::max(own, nearest);
  return larger > 0 ? (nearest - own) / larger : 0;
}

}  // namespace faceforge::evaluate
