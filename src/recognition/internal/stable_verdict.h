#pragma once

#include <optional>
#include <span>
#include <string>

#include "gallery/match_policy.h"
#include "gallery/snapshot.h"

namespace faceforge::recognition::internal {

/// What the looks at a face say so far: a verdict, and for a match who it is.
struct Finding {
  gallery::Verdict verdict = gallery::Verdict::Unknown;
  std::optional<gallery::PersonId> person_id{};
  std::string person{};  ///< in the place of an id, where the gallery comes from a file

  bool operator==(const Finding&) const = default;
};

/// out: the finding that a decision about these candidates is
[[nodiscard]] Finding finding_of(const gallery::Decision& decision,
                                 std::span<const gallery::Candidate> candidates);

/// Turns findings, one a look, into a verdict that stays: nothing before several in a row agree,
/// and a verdict once shown changes only when several in a row contradict it alike. Between two
/// people there is always a frame that shows neither.
class StableVerdict {
 public:
  /// Findings in a row that make a verdict, and that correct one which was shown.
  static constexpr int kToDecide = 3;
  static constexpr int kToCorrect = 5;

  /// Adds the finding after one more look.
  void add(const Finding& finding);

  /// The face may be another one: shows nothing until the next finding. If that is what was shown,
  /// it is shown again at once.
  void doubt();

  /// The face is another one, or the gallery has changed: what was shown means nothing any more.
  void forget();

  /// What may be shown; nothing while undecided.
  [[nodiscard]] const std::optional<Finding>& shown() const { return shown_; }

  /// Whether the latest finding is what is shown; if not, the next looks matter.
  [[nodiscard]] bool is_settled() const { return shown_.has_value() && shown_ == latest_; }

 private:
  std::optional<Finding> shown_;
  std::optional<Finding> before_doubt_;
  std::optional<Finding> latest_;
  int streak_ = 0;  ///< how many findings in a row were `latest_`
};

}  // namespace faceforge::recognition::internal
