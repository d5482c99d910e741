#include "cli/decision_text.h"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "cli/console.h"

namespace faceforge::cli {
namespace {

/// 10 000 rather than 10000.
std::string grouped(int64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ' ';
    text += digits[i];
  }
  return text;
}

std::string_view extrapolated_text(const gallery::MatchThreshold& threshold) {
  return threshold.extrapolated ? " (extrapolated, not measured)" : "";
}

}  // namespace

std::string verdict_text(gallery::Verdict verdict) {
  const auto word = gallery::to_string(verdict);
  switch (verdict) {
    case gallery::Verdict::Match:
      return styled(Style::Green, word);
    case gallery::Verdict::Ambiguous:
      return styled(Style::Yellow, word);
    case gallery::Verdict::Unknown:
      return styled(Style::Red, word);
  }
  return std::string(word);
}

std::string threshold_text(const gallery::MatchThreshold& threshold) {
  return fmt::format("threshold {:.3f}: one stranger in {} passes{}", threshold.similarity,
                     grouped(std::llround(1 / threshold.false_match_rate)),
                     extrapolated_text(threshold));
}

std::string identification_text(const gallery::MatchThreshold& threshold,
                                double false_positive_identification_rate, size_t person_count) {
  return fmt::format("threshold {:.3f}: one stranger in {} passes for someone of {} {}{}",
                     threshold.similarity,
                     grouped(std::llround(1 / false_positive_identification_rate)),
                     grouped(static_cast<int64_t>(person_count)),
                     person_count == 1 ? "person" : "people", extrapolated_text(threshold));
}

}  // namespace faceforge::cli
