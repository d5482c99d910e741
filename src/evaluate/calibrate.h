#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/people_folder.h"
#include "evaluate/tail_fit.h"
#include "face/calibration.h"
#include "face/embedding.h"
#include "vision/pipeline.h"

namespace faceforge::evaluate {

inline constexpr int64_t kMinImpostorPairs = 10'000;
inline constexpr size_t kMinOwnSimilarities = 20;

/// Two photos of two people that look alike: for a person to judge whether the names are right.
struct LookAlike {
  std::string first_photo;
  std::string second_photo;
  float similarity = 0;
};

/// A calibration and what stands behind it.
struct CalibrationReport {
  face::Calibration calibration;
  std::vector<MeasuredRate> rates;  ///< the calibration's points with their errors
  size_t person_count = 0;
  size_t photo_count = 0;              ///< with a face
  std::vector<std::string> faceless;   ///< photos in which no face was found
  std::vector<std::string> unusable;   ///< photos that could not be read, and why
  size_t own_similarity_count = 0;     ///< behind the ambiguity margin
  double own_similarity_mean = 0;      ///< of a photo to the template of its person's others
  std::vector<LookAlike> look_alikes;  ///< the most similar impostor pairs, falling
};

/// Measures how similar strangers are to a model.
///
/// Every pair of photos of two different people is an impostor pair. Rates are taken from
/// 1, 2, 5 times powers of ten, from 0.1 down to the last behind which `kErrorsBehindARate` errors
/// stand; beyond, `fit_tail` on the rates from 0.01 on. The ambiguity margin is two standard
/// deviations of a photo's similarity to the template of its person's other photos, as a gallery
/// compares: the mean similarity to these photos.
///
/// Deviations from independence, known and accepted: a photo takes part in many pairs, so that one
/// person with a common face weighs on the rarest rates; and people who occur under two names count
/// as strangers, which raises the thresholds (the safe side). `look_alikes` shows both.
///
/// in:     embeddings of one ModelId (a CHECK)
/// fails:  invalid_input/too_few_impostor_pairs; invalid_input/too_few_photos_per_person (the
///         margin needs `kMinOwnSimilarities`); too_large/too_many_photos; as `fit_tail`;
///         cancelled/cancelled when asked to stop
/// cost:   O(photos^2 * length) time, O(1) memory beyond the embeddings
[[nodiscard]] Result<CalibrationReport> calibrate(std::span<const PersonEmbeddings> people,
                                                  const std::stop_token& stop = {});

/// Refuses photos of which even a face in each would not make enough pairs, before hours are spent.
///
/// fails: invalid_input/too_few_impostor_pairs; invalid_input/too_few_photos_per_person
[[nodiscard]] Result<void> check_enough_people(const PeopleFolder& people);

/// Embeds the central face of every photo of `images` (`PERSON/PHOTO`) but those of the people in
/// `excluded_people`, and calibrates.
///
/// fails:  as `embed_people` and `calibrate`
[[nodiscard]] Result<CalibrationReport> calibrate_folder(
    const vision::Pipeline& pipeline, const std::filesystem::path& images,
    const std::set<std::string>& excluded_people, const Supervision& supervision);

}  // namespace faceforge::evaluate
