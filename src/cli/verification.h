#pragma once

#include <string_view>

#include <CLI/App.hpp>

#include "base/json.h"
#include "base/result.h"
#include "cli/pack_choice.h"
#include "face/calibration.h"
#include "gallery/match_policy.h"
#include "recognition/verify.h"

namespace faceforge::cli {

/// What `compare` and `verify` let the user choose alike.
struct VerificationOptions {
  double false_match_rate = 1e-4;
  bool json = false;
  bool largest = false;
  PackChoice pack;
};

/// `--fmr RATE`, `--largest`, `--json`, `--pack` and `--data`
void add_verification_options(CLI::App& command, VerificationOptions& options);

/// The lines of help on their exit codes.
inline constexpr std::string_view kVerificationExitCodes =
    "Exit code: 0 match, 1 no match, 2 or more an error.";

/// fails: as gallery::MatchPolicy::create
[[nodiscard]] Result<gallery::MatchPolicy> policy_of(
    const VerificationOptions& options, const std::optional<face::Calibration>& calibration);

[[nodiscard]] recognition::VerifyOptions faces_of(const VerificationOptions& options);

/// What came of a comparison.
struct Comparison {
  std::string_view person;  ///< who was asked about, or nobody
  float similarity = 0;
  gallery::Decision decision;
};

/// Prints a verdict, as `report` with `--json`.
///
/// out: the exit code
[[nodiscard]] int print_verdict(const VerificationOptions& options, const Comparison& comparison,
                                const json::object& report);

}  // namespace faceforge::cli
