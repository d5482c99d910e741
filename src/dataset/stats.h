#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dataset/photo_facts.h"

namespace faceforge::dataset {

struct Bin {
  std::string label;
  size_t count = 0;
};

/// How often a number lies where.
struct Distribution {
  std::string title;
  std::string explanation;
  double median = 0;
  std::vector<Bin> bins;
};

struct PersonSize {
  std::string name;
  size_t photo_count = 0;
};

struct DatasetStats {
  size_t person_count = 0;  ///< with a photo that can be read
  size_t photo_count = 0;   ///< that can be read
  size_t faceless_count = 0;
  size_t several_faces_count = 0;
  size_t pair_count = 0;            ///< two photos of one person: what can be learnt from
  std::vector<PersonSize> largest;  ///< the people with most photos, at most ten
  Distribution photos_a_person;
  std::vector<Distribution> quality;  ///< of the central faces: size, sharpness, brightness, yaw
};

/// Counts what a folder of people holds.
[[nodiscard]] DatasetStats count_dataset(const LookedPeople& people);

/// The photos that stand for the whole on a contact sheet: of people who are evenly spread over
/// the names, the sharpest photo each.
///
/// out: rising indices of photos with a face, at most `count`
[[nodiscard]] std::vector<size_t> contact_sheet_photos(const LookedPeople& people, size_t count);

}  // namespace faceforge::dataset
