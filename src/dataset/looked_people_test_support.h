#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "dataset/photo_facts.h"

namespace faceforge::dataset {

inline const face::ModelId kTestModel{"test-model"};

/// A face as an embedding in the plane: people lie at angles, and the cosine of the angle between
/// two faces is their similarity.
inline FaceFacts face_at(double degrees) {
  const double angle = degrees * std::acos(-1.0) / 180;
  return {.quality = {.face_size_px = 100, .sharpness = 300, .brightness = 0.5F},
          .embedding = {.model_id = kTestModel,
                        .metric = face::Metric::Cosine,
                        .values = {static_cast<float>(std::cos(angle)),
                                   static_cast<float>(std::sin(angle))}}};
}

/// A folder of people that was looked at, photo by photo.
class LookedPeopleDraft {
 public:
  /// in: the angles of the photo's faces, the central one first
  PhotoFacts& add(const std::string& person, const std::string& photo,
                  const std::vector<double>& faces) {
    if (people_.people.empty() || people_.people.back() != person) {
      people_.people.push_back(person);
    }
    PhotoFacts facts{.sha256 = sha256(person + "/" + photo),
                     .width_px = 100,
                     .height_px = 100,
                     .face_count = faces.size(),
                     .faces = {}};
    for (const double degrees : faces) facts.faces.push_back(face_at(degrees));
    people_.photos.push_back({.person_index = people_.people.size() - 1,
                              .file = person + "/" + photo,
                              .facts = std::move(facts)});
    return people_.photos.back().facts;
  }

  [[nodiscard]] const LookedPeople& people() const { return people_; }

 private:
  LookedPeople people_;
};

}  // namespace faceforge::dataset
