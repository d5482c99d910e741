#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "face/calibration.h"
#include "gallery/snapshot.h"

namespace faceforge::gallery {

/// How often a stranger may be accepted: what the user chooses instead of a number to compare with.
struct MatchRates {
  /// FMR, verification: one stranger against one person.
  double false_match_rate = 1e-4;
  /// FPIR, identification: one stranger against the whole gallery.
  double false_positive_identification_rate = 1e-2;
};

inline constexpr double kMinRate = 1e-9;
inline constexpr double kMaxRate = 0.5;

/// A similarity from which on two faces count as one person, and whether it was measured.
struct MatchThreshold {
  float similarity = 1;
  double false_match_rate = 0;  ///< the promise it keeps for one comparison
  bool extrapolated = false;    ///< beyond what was measured: from the fitted tail
};

/// The threshold that keeps a promise. Between two measured points the similarity is linear in
/// ln FMR; a rate rarer than all of them comes from the fitted tail; one more frequent gets the
/// most lenient measured point, which keeps more than it was asked for.
///
/// in:    `false_match_rate` in (0, 1) (a CHECK)
/// fails: conflict/pack_not_calibrated when there is no point, or the points do not fall in FMR
/// and
///        rise in similarity
[[nodiscard]] Result<MatchThreshold> match_threshold(const face::Calibration& calibration,
                                                     double false_match_rate);

/// The FMR of one comparison that keeps an FPIR over `person_count` people:
/// FPIR = 1 - (1 - FMR)^N, solved for FMR.
[[nodiscard]] double false_match_rate_for(double false_positive_identification_rate,
                                          size_t person_count);

/// The FPIR that an FMR of one comparison makes over `person_count` people: the above, the other
/// way round.
[[nodiscard]] double false_positive_identification_rate_of(double false_match_rate,
                                                           size_t person_count);

enum class Verdict {
  Match,      ///< the best candidate, and nobody else comes close
  Ambiguous,  ///< a second person passes too, within the card's margin of the best
  Unknown,    ///< nobody passes; the nearest is still shown as such
};

[[nodiscard]] std::string_view to_string(Verdict verdict);  // "match", "ambiguous", "unknown"

/// What was decided about one face, and by which threshold.
struct Decision {
  Verdict verdict = Verdict::Unknown;
  MatchThreshold match_threshold{};
};

/// Promised rates joined with a model's calibration.
class MatchPolicy {
 public:
  /// fails: invalid_input/false_match_rate_out_of_range or
  ///        invalid_input/false_positive_identification_rate_out_of_range outside [kMinRate,
  ///        kMaxRate]; conflict/pack_not_calibrated
  [[nodiscard]] static Result<MatchPolicy> create(
      const std::optional<face::Calibration>& calibration, const MatchRates& rates = {});

  [[nodiscard]] const face::ModelId& model_id() const { return calibration_.model_id; }
  [[nodiscard]] float ambiguity_margin() const { return calibration_.ambiguity_margin; }
  [[nodiscard]] const MatchThreshold& verification_threshold() const { return verification_; }
  [[nodiscard]] MatchThreshold identification_threshold(size_t person_count) const;

  /// How often a stranger is at least this similar to someone, at most: the threshold read
  /// backwards. What is less similar than the most lenient measured point was not measured, and any
  /// stranger may be: 1.
  [[nodiscard]] double stranger_rate(float similarity) const;

 private:
  MatchPolicy(face::Calibration calibration, const MatchRates& rates, MatchThreshold verification);

  face::Calibration calibration_;
  MatchRates rates_;
  MatchThreshold verification_;
};

/// Decides one to one.
[[nodiscard]] Decision decide(float similarity, const MatchPolicy& policy);

/// Decides one to many.
///
/// in: `candidates` of different people by falling similarity, at least the best two where there
///     are two; may be empty (Unknown)
[[nodiscard]] Decision decide(std::span<const Candidate> candidates, const MatchPolicy& policy,
                              size_t person_count);

}  // namespace faceforge::gallery
