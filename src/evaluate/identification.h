#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "evaluate/binomial_interval.h"
#include "evaluate/labelled_photos.h"

namespace faceforge::evaluate {

inline constexpr std::array kFalsePositiveIdentificationRates{1e-1, 1e-2, 3e-3};
inline constexpr std::array<size_t, 3> kReportedRanks{1, 5, 20};

struct IdentificationOptions {
  uint64_t seed = 1;
  double enrolled_share = 0.5;     ///< of the people with several photos; the others are strangers
  size_t photos_per_template = 3;  ///< at most; one photo of each person is always left to search
  size_t gallery_limit = 10;       ///< galleries of one size, of different people
};

/// Both errors of searches at one threshold.
struct SearchErrors {
  float match_threshold = 0;
  CountedRate false_positives{};  ///< FPIR at it
  CountedRate false_negatives{};  ///< FNIR at it
};

/// What a promised FPIR costs in a gallery.
struct FnirAtFpir {
  double false_positive_identification_rate = 0;  ///< that was asked for
  std::optional<SearchErrors> measured{};         ///< nothing: not measurable
};

/// Galleries of one size.
struct GallerySizeResult {
  size_t person_count = 0;
  size_t gallery_count = 0;         ///< of other people each; their searches are counted together
  std::vector<FnirAtFpir> rates{};  ///< at `kFalsePositiveIdentificationRates`
  std::array<CountedRate, kReportedRanks.size()> rank_misses{};  ///< closed-set
};

struct IdentificationReport {
  size_t enrolled_person_count = 0;
  size_t stranger_count = 0;
  size_t mated_photo_count = 0;
  size_t non_mated_photo_count = 0;
  size_t failure_to_enroll_count = 0;      ///< people of whom no enrolled photo gave an embedding
  size_t failure_to_acquire_count = 0;     ///< searched photos without an embedding
  std::vector<GallerySizeResult> sizes{};  ///< rising
};

/// Measures open-set identification (1:N) as a gallery does it: of each person of one half
/// (`enrolled_share`, drawn by the seed) some photos make a template, the other photos are mated
/// searches; the photos of everybody else are non-mated searches.
///
/// A false positive is a non-mated search with any candidate at the threshold; a false negative a
/// mated search that does not give its person first, or not at the threshold. FNIR(N, R, T) with
/// R = 1: behind somebody else is missed, as the product names only the best. A photo without an
/// embedding gives no candidate; a person without a template is missed by every search. Sizes are
/// 10, 20, 50, ... and everybody enrolled; small galleries are of as many different people as there
/// are, up to `gallery_limit` galleries.
///
/// Searches of one photo in several galleries and several photos of one person are not independent:
/// the intervals of `CountedRate` are somewhat narrow.
///
/// in:     photos of one ModelId
/// fails:  invalid_input/too_few_people when fewer than two people have several photos;
///         cancelled/cancelled
/// source: ISO/IEC 19795-1:2021 (open-set identification); Grother, Ngan & Hanaoka, NIST FRTE Part
///         2: Identification, section on metrics (FPIR, FNIR(N, R, T), one template from several
///         images of a person)
[[nodiscard]] Result<IdentificationReport> measure_identification(
    const LabelledPhotos& photos, const IdentificationOptions& options,
    const Supervision& supervision);

/// The sizes of galleries that are looked at: 10, 20, 50, 100, ... below `person_count`, and it.
[[nodiscard]] std::vector<size_t> gallery_sizes(size_t person_count);

}  // namespace faceforge::evaluate
