#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "gallery/match_policy.h"
#include "gallery/snapshot.h"

namespace faceforge::gallery {

/// One photo of a trained gallery, asked as if it were new: its own person's template without it,
/// and the other person that it is most similar to. Indices are places in the Snapshot.
struct CheckedPhoto {
  size_t person_index = 0;
  size_t reference_index = 0;
  float own_similarity = 0;
  std::optional<size_t> other_person_index{};  ///< nothing where there is nobody else
  float other_similarity = 0;

  /// Whether the other person is at least as similar: a rank-1 error.
  [[nodiscard]] bool is_confused() const {
    return other_person_index && other_similarity >= own_similarity;
  }
};

/// A person and how similar their template's mean is to the template of another one.
struct LookAlike {
  size_t person_index = 0;
  size_t other_person_index = 0;
  float similarity = 0;
};

/// What a promise costs: photos of the gallery that would not have been recognized.
struct PromiseCost {
  double rate = 0;  ///< what is promised: see `MatchRates`
  MatchThreshold match_threshold{};
  size_t missed_photo_count = 0;  ///< of `SelfCheck::photos`
};

/// A trained gallery held against its own photos.
struct SelfCheck {
  size_t checkable_photo_count = 0;      ///< those whose person has another one
  std::vector<CheckedPhoto> photos{};    ///< all of these or a sample of them
  std::vector<LookAlike> look_alikes{};  ///< the nearest other people of each, most similar first
  /// Promises on identification (FPIR) and on verification (FMR), by falling rate; empty without a
  /// calibration. The misses are these photos': other photos of the same people may be harder.
  std::vector<PromiseCost> promises{};
  std::vector<PromiseCost> match_promises{};
};

struct SelfCheckLimits {
  size_t photos = 2000;  ///< taken evenly: the first photo of everybody, then the second, ...
  size_t people = 2000;  ///< that look-alikes are looked for of
  size_t look_alikes_each = 3;
};

/// Leaves each photo out of its person's template and asks who it is (leave-one-out).
///
/// in:    `abandoned` is asked to stop when nobody waits for the answer any more
/// fails: as Snapshot::nearest; cancelled/request_abandoned
/// cost:  O((photos + people) * people * embedding_length); in memory a TemplateSum for each person
///        whose photos are looked at
/// source: Stone 1974, "Cross-validatory choice and assessment of statistical predictions"
[[nodiscard]] Result<SelfCheck> check_against_itself(const Snapshot& snapshot,
                                                     const SelfCheckLimits& limits = {},
                                                     const std::stop_token& abandoned = {});

/// The people whose templates are most similar to the mean of a person's photos.
///
/// in:    `person_index` a place in the snapshot (a CHECK); `count` below Snapshot::kMaxCandidates
/// out:   at most `count`, by falling similarity; none where the person's photos cancel out
/// fails: as Snapshot::nearest
[[nodiscard]] Result<std::vector<Candidate>> look_alikes_of(const Snapshot& snapshot,
                                                            size_t person_index, size_t count);

}  // namespace faceforge::gallery
