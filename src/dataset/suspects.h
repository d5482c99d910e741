#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dataset/photo_facts.h"
#include "face/calibration.h"

namespace faceforge::dataset {

/// Why a photo is in doubt, the likeliest explanation first.
enum class Doubt {
  SecondFace,   ///< another face in the photo is the person: training would take the wrong one
  Mislabelled,  ///< it is someone else of the folder, who is named
  Unlike,       ///< it is not like the person's other photos: someone else, or a very hard photo
};

/// `second_face`, `mislabelled`, `unlike`
[[nodiscard]] std::string_view to_string(Doubt doubt);

/// A photo that disagrees with the person it is filed under.
struct Suspect {
  size_t photo_index = 0;
  Doubt doubt = Doubt::Unlike;
  float own_similarity = -1;  ///< to the template of the person's other photos that agree
  std::optional<size_t> other_person_index{};  ///< the most similar other person
  float other_similarity = -1;
  float second_face_similarity = -1;  ///< for SecondFace: of that face to the person's template
};

struct SuspectReport {
  std::vector<Suspect> suspects;   ///< in the order of names
  size_t judged_count = 0;         ///< photos of people with two or more that show a face
  size_t faceless_count = 0;       ///< nothing can be said of them
  size_t alone_count = 0;          ///< photos of people with no other to compare with
  float agreement_similarity = 0;  ///< from which on a photo agrees with its person
  float other_similarity = 0;      ///< from which on it is someone else of the folder
};

/// Finds photos that disagree with their person: who agrees with whom is decided as when a gallery
/// is trained (gallery::disagreeing, at its FMR of 1 in 1000), and each person's template is the
/// mean of those who agree. A photo is someone else's where it is more similar to their template
/// than to its own, and so similar as a stranger is to anybody in the folder at an FPIR of 1 in 100
/// only; that also finds one person under two names.
///
/// in:    embeddings of one model, the calibration's
/// fails: conflict/pack_not_calibrated; conflict/model_mismatch; too_large/person_too_large for a
///        person of more than 32 768 photos
/// cost:  O(photos^2) a person, and O(photos * people)
[[nodiscard]] Result<SuspectReport> find_suspects(
    const LookedPeople& people, const std::optional<face::Calibration>& calibration);

}  // namespace faceforge::dataset
