#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "evaluate/labelled_photos.h"

namespace faceforge::evaluate {

/// Photos of people whose embeddings were made, for tests.
inline LabelledPhotos photos_of_people(const std::vector<std::vector<std::vector<float>>>& people) {
  LabelledPhotos photos;
  for (uint32_t person = 0; person < people.size(); ++person) {
    photos.people.push_back("P" + std::to_string(person));
    for (size_t i = 0; i < people[person].size(); ++i) {
      LabelledPhoto photo{.person_index = person,
                          .name = photos.people.back() + "/" + std::to_string(i) + ".jpg"};
      std::vector<float> values = people[person][i];
      if (face::normalize(values)) {  // zeros stand for a photo without a face
        photo.embedding = face::Embedding{face::ModelId("ab"), face::Metric::Cosine, values};
      }
      photos.photos.push_back(std::move(photo));
    }
  }
  return photos;
}

/// People whose photos scatter about a direction of their own; the larger `scatter`, the more they
/// are like others.
inline LabelledPhotos crowd(size_t person_count, size_t photos_each, float scatter, uint32_t seed) {
  constexpr size_t kLength = 32;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<std::vector<float>>> people(person_count);
  for (auto& photos : people) {
    std::vector<float> centre(kLength);
    for (float& value : centre) value = normal(random);
    for (size_t i = 0; i < photos_each; ++i) {
      std::vector<float> photo = centre;
      for (float& value : photo) value += scatter * normal(random);
      photos.push_back(photo);
    }
  }
  return photos_of_people(people);
}

/// Twelve points of which scikit-learn gave the figures that tests expect, of people 0, 0, 0, 0, 1,
/// 1, 1, 1, 2, 2, 2, 3. In NumPy, before each row is divided by its length:
///   X[i][j] = ((i * 7 + j * 3) % 11) - 5 + (4 if i // 4 == j else 0)
///             + (0.125 * (i * i % 7) if j == 4 else 0)
inline LabelledPhotos golden_points() {
  std::vector<std::vector<std::vector<float>>> people(4);
  for (int i = 0; i < 12; ++i) {
    std::vector<float> point;
    for (int j = 0; j < 5; ++j) {
      double value = (i * 7 + j * 3) % 11 - 5 + (i / 4 == j ? 4 : 0);
      if (j == 4) value += 0.125 * (i * i % 7);
      point.push_back(static_cast<float>(value));
    }
    people[i == 11 ? 3 : static_cast<size_t>(i / 4)].push_back(point);
  }
  return photos_of_people(people);
}

/// The similarities of one photo to all.
inline std::vector<float> row_of(const LabelledPhotos& photos, size_t photo) {
  std::vector<float> row;
  for (const LabelledPhoto& other : photos.photos) {
    row.push_back(face::similarity(photos.photos[photo].embedding->values, other.embedding->values,
                                   face::Metric::Cosine));
  }
  return row;
}

inline std::vector<uint32_t> person_indices(const LabelledPhotos& photos) {
  std::vector<uint32_t> indices;
  for (const LabelledPhoto& photo : photos.photos) indices.push_back(photo.person_index);
  return indices;
}

}  // namespace faceforge::evaluate
