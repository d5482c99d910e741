#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "evaluate/evaluation.h"
#include "evaluate/model_comparison.h"

namespace faceforge::evaluate {

// Vega-Lite specifications for `html_plot`, each with its data.

/// FNMR against FMR, both logarithmic, with the intervals at the reported rates.
///
/// out: nothing where no threshold has errors of both kinds
[[nodiscard]] std::optional<json::object> det_plot(const VerificationReport& verification);

/// TAR against FMR.
[[nodiscard]] json::object roc_plot(const VerificationReport& verification);

/// How similar photos of one person and of two are.
[[nodiscard]] json::object similarity_plot(const VerificationReport& verification);

/// FNIR against the number of people in the gallery, a line an FPIR.
[[nodiscard]] json::object identification_plot(const IdentificationReport& identification);

/// The photos as points, near each other where their embeddings are.
[[nodiscard]] json::object map_plot(std::span<const MappedPhoto> map, const LabelledPhotos& photos);

/// FNMR by the bins of one measure of quality.
[[nodiscard]] json::object quality_plot(const QualityErrors& errors);

/// FNMR and FMR by the groups of one attribute.
[[nodiscard]] json::object attribute_plot(const AttributeErrors& errors);

/// The figure that models are ranked by, with its interval.
[[nodiscard]] json::object models_plot(const ComparisonReport& report);

}  // namespace faceforge::evaluate
