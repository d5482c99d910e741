#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "evaluate/model_comparison.h"

namespace faceforge::evaluate {

/// A comparison as docs/cli.md has it.
[[nodiscard]] json::object to_json(const ComparisonReport& report);

/// A comparison as Markdown.
[[nodiscard]] std::string to_markdown(const ComparisonReport& report);

/// A comparison as one self-contained page.
///
/// in: `plot_script` as `plot_page`
[[nodiscard]] std::string comparison_page(const ComparisonReport& report,
                                          std::string_view plot_script);

/// Which model is best, in one sentence: named only where the lead over every other one is certain.
[[nodiscard]] std::string verdict_of(const ComparisonReport& report);

}  // namespace faceforge::evaluate
