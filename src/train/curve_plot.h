#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faceforge::train {

struct CurvePoint {
  double step;
  double value;
};

/// A curve over the steps of a run, and a number that it is held against.
struct CurvePlot {
  std::string_view title;
  std::string what = {};  ///< what the numbers are, as HTML
  std::vector<CurvePoint> points = {};
  std::string_view beside_name = {};
  std::optional<double> beside = {};
  bool is_noisy = true;  ///< drawn together with its mean over neighbouring points
};

/// The styles of what `curve_section` makes, for an html_page.
[[nodiscard]] std::string_view curve_style();

/// The plot as a section of an html_page; empty where there is no point. Positions across are in
/// percent and down in pixels: it fits any width, and its letters stay as large as the page's.
[[nodiscard]] std::string curve_section(const CurvePlot& plot);

}  // namespace faceforge::train
