#include "cli/verification.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/decision_text.h"
#include "cli/exit_code.h"
#include "cli/text.h"

namespace faceforge::cli {

void add_verification_options(CLI::App& command, VerificationOptions& options) {
  command
      .add_option("--fmr", options.false_match_rate,
                  "How often a stranger may pass: 1e-4 is one in 10 000")
      ->type_name("RATE")
      ->capture_default_str();
  command.add_flag("--largest", options.largest,
                   "Take the largest face where a photo has several (else an error)");
  add_json_option(command, options.json);
  add_pack_options(command, options.pack);
}

Result<gallery::MatchPolicy> policy_of(const VerificationOptions& options,
                                       const std::optional<face::Calibration>& calibration) {
  return gallery::MatchPolicy::create(calibration, {.false_match_rate = options.false_match_rate});
}

recognition::VerifyOptions faces_of(const VerificationOptions& options) {
  return {.wanted_face = options.largest ? recognition::FaceChoice::Largest
                                         : recognition::FaceChoice::OnlyFace};
}

int print_verdict(const VerificationOptions& options, const Comparison& comparison,
                  const json::object& report) {
  const bool match = comparison.decision.verdict == gallery::Verdict::Match;
  if (options.json) {
    print(json::to_pretty_text(report));
  } else {
    print(fmt::format("{}  {}similarity {:.3f}  ({})\n",
                      styled(match ? Style::Green : Style::Red, match ? "match" : "no match"),
                      comparison.person.empty() ? "" : to_printable(comparison.person) + "  ",
                      comparison.similarity, threshold_text(comparison.decision.match_threshold)));
  }
  return match ? kExitDone : kExitNoMatch;
}

}  // namespace faceforge::cli
