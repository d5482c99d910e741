#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>
#include <vector>

#include "support/face_like.h"

namespace faceforge::bench {

/// The people that the search benchmarks look for, `photos_per_person` rows each, one person after
/// the other, and new photos of them as queries.
struct People {
  static constexpr size_t kLength = 512;

  size_t row_count = 0;
  size_t photos_per_person = 10;

  /// All rows, one after the other, made on two threads.
  [[nodiscard]] std::vector<float> rows() const {
    std::vector<float> values(row_count * kLength);
    const auto fill = [&](size_t first, size_t end) {
      std::vector<float> mean;
      for (size_t row = first; row < end; ++row) {
        const size_t person = row / photos_per_person;
        const size_t photo = row % photos_per_person;
        if (photo == 0 || mean.empty()) mean = faces.person(person);
        std::ranges::copy(faces.photo(mean, person, photo),
                          values.begin() + static_cast<std::ptrdiff_t>(row * kLength));
      }
    };
    const std::jthread other(fill, row_count / 2, row_count);
    fill(0, row_count / 2);
    return values;
  }

  /// Photos that are no rows, of people all over the index, one after the other.
  [[nodiscard]] std::vector<float> queries(size_t query_count) const {
    std::vector<float> values;
    const size_t person_count = (row_count + photos_per_person - 1) / photos_per_person;
    for (size_t query = 0; query < query_count; ++query) {
      const size_t person = query * 7'919 % person_count;
      const auto photo = faces.photo(person, photos_per_person + query);
      values.insert(values.end(), photo.begin(), photo.end());
    }
    return values;
  }

  test::FaceLike faces = {kLength, 4};
};

}  // namespace faceforge::bench
