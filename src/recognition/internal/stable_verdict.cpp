#include "recognition/internal/stable_verdict.h"

#include <utility>

namespace faceforge::recognition::internal {

using gallery::Verdict;

Finding finding_of(const gallery::Decision& decision,
                   std::span<const gallery::Candidate> candidates) {
  Finding finding{.verdict = decision.verdict};
  if (decision.verdict != Verdict::Match) return finding;
  finding.person_id = candidates.front().person_id;
  if (!finding.person_id) finding.person = candidates.front().person;
  return finding;
}

void StableVerdict::add(const Finding& finding) {
  streak_ = latest_ == finding ? streak_ + 1 : 1;
  latest_ = finding;
  const auto doubted = std::exchange(before_doubt_, {});
  if (doubted == finding) shown_ = finding;
  if (!shown_) {
    if (streak_ >= kToDecide) shown_ = finding;
    return;
  }
  if (*shown_ == finding) return;
  const bool names_another = shown_->verdict == Verdict::Match && finding.verdict == Verdict::Match;
  if (names_another) {
    shown_.reset();  // a name that is contradicted by another is worth nothing
    streak_ = 1;
  } else if (streak_ >= kToCorrect) {
    shown_ = finding;
  }
}

void StableVerdict::doubt() {
  if (shown_) before_doubt_ = std::exchange(shown_, {});
  latest_.reset();
  streak_ = 0;
}

void StableVerdict::forget() {
  *this = {};
}

}  // namespace faceforge::recognition::internal
