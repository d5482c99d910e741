#pragma once

#include <string>

#include "evaluate/evaluation.h"

namespace faceforge::evaluate {

/// A report as Markdown, for people and for files that are compared.
[[nodiscard]] std::string to_markdown(const EvaluationReport& report);

}  // namespace faceforge::evaluate
