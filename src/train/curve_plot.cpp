#include "train/curve_plot.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

namespace faceforge::train {
namespace {

constexpr double kLeft_percent = 13;  // room for the numbers beside the axis
constexpr double kWidth_percent = 85;
constexpr double kAcross = 1000;  // units of a path from the first step to the axis's end
constexpr double kTop_px = 14;
constexpr double kHigh_px = 170;
constexpr double kFoot_px = 42;     // the steps, and that they are steps
constexpr size_t kFewPoints = 40;   // those are marked, and not smoothed
constexpr size_t kNeighbours = 10;  // of each point, on either side, over which a curve is smoothed

constexpr std::string_view kStyle = R"(
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: 1rem; margin: 1rem 0; }
.curves section { margin: 0; min-width: 0; }
.curves p { margin: 0; }
.curve path { fill: none; stroke: var(--first); stroke-width: 2; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
.curve path.each { stroke-width: 1; opacity: .35; }
.curve circle { fill: var(--first); }
svg.curve line.beside { stroke: var(--second); stroke-dasharray: 6 4; stroke-width: 1.5; }
svg.curve text.beside { fill: var(--second); paint-order: stroke; stroke: var(--surface);
  stroke-width: 3px; }
)";

/// From `low` to `high` in steps that people count in.
struct Axis {
  double low;
  double high;
  double step;
};

/// source: Heckbert 1990, "Nice Numbers for Graph Labels", Graphics Gems
double nice_step(double span, int count) {
  const double rough = span / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

Axis nice_axis(double least, double most, int count) {
  if (most - least < 1e-12) {
    most += std::max(1e-6, 0.1 * std::abs(most));
    least = std::max(std::min(0.0, least), least - 0.1 * std::abs(least));
  }
  const double step = nice_step(most - least, count);
  return {.low = std::floor(least / step + 1e-9) * step,
          .high = std::ceil(most / step - 1e-9) * step,
          .step = step};
}

/// Steps are whole, however few there are.
Axis step_axis(double last) {
  const double step = std::max(1.0, nice_step(std::max(1.0, last), 5));
  return {.low = 0, .high = std::max(1.0, std::ceil(last / step - 1e-9)) * step, .step = step};
}

Axis value_axis(const CurvePlot& plot) {
  auto [least, most] = std::ranges::minmax(plot.points, {}, &CurvePoint::value);
  const double other = plot.beside.value_or(least.value);
  return nice_axis(std::min(least.value, other), std::max(most.value, other), 4);
}

/// The mean of each point and those beside it: it follows what happens, neither late nor early.
std::vector<CurvePoint> smoothed(const std::vector<CurvePoint>& points) {
  std::vector<CurvePoint> means;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t first = i - std::min(i, kNeighbours);
    const size_t end = std::min(points.size(), i + kNeighbours + 1);
    double sum = 0;
    for (size_t near = first; near < end; ++near) sum += points[near].value;
    means.push_back({.step = points[i].step, .value = sum / static_cast<double>(end - first)});
  }
  return means;
}

/// Where steps and values lie in the plot.
class Scale {
 public:
  Scale(const Axis& values, const Axis& steps) : values_(values), steps_(steps) {}

  /// Of the plot with its axes.
  [[nodiscard]] double x_percent(double step) const {
    return kLeft_percent + kWidth_percent * step / steps_.high;
  }
  [[nodiscard]] double y_px(double value) const {
    return kTop_px + kHigh_px * (1 - (value - values_.low) / (values_.high - values_.low));
  }

  /// In a part of its own, which is stretched from the first step to the axis's end.
  [[nodiscard]] std::string path(const std::vector<CurvePoint>& points) const {
    std::string path;
    for (const CurvePoint& point : points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L",
                          kAcross * point.step / steps_.high, y_px(point.value) - kTop_px);
    }
    return path;
  }

  [[nodiscard]] std::string axes() const {
    std::string svg;
    for (double value = values_.low; value < values_.high + values_.step / 2;
         value += values_.step) {
      svg += fmt::format(
          R"(<line x1="{0}%" x2="{1}%" y1="{2:.1f}" y2="{2:.1f}"/>)"
          R"(<text class="quiet" x="{3}%" y="{4:.1f}" text-anchor="end">{5:.4g}</text>)",
          kLeft_percent, kLeft_percent + kWidth_percent, y_px(value), kLeft_percent - 1.5,
          y_px(value) + 4, std::abs(value) < values_.step / 2 ? 0.0 : value);
    }
    for (double step = 0; step < steps_.high + steps_.step / 2; step += steps_.step) {
      svg += fmt::format(R"(<text class="quiet" x="{:.1f}%" y="{}" text-anchor="{}">{:.0f}</text>)",
                         x_percent(step), kTop_px + kHigh_px + 18,
                         step + steps_.step / 2 > steps_.high ? "end" : "middle", step);
    }
    return svg +
           fmt::format(R"(<text class="quiet" x="{}%" y="{}" text-anchor="middle">steps</text>)",
                       kLeft_percent + kWidth_percent / 2, kTop_px + kHigh_px + kFoot_px - 6);
  }

 private:
  Axis values_;
  Axis steps_;
};

std::string beside_line(const CurvePlot& plot, const Scale& scale) {
  if (!plot.beside) return "";
  const double y = scale.y_px(*plot.beside);
  return fmt::format(
      R"(<line class="beside" x1="{0}%" x2="{1}%" y1="{2:.1f}" y2="{2:.1f}"/>)"
      R"(<text class="beside" x="{1}%" y="{3:.1f}" text-anchor="end">{4} {5:.3f}</text>)",
      kLeft_percent, kLeft_percent + kWidth_percent, y, y - 6, plot.beside_name, *plot.beside);
}

std::string lines(const CurvePlot& plot, const Scale& scale, bool is_smoothed) {
  std::string svg = fmt::format(
      R"(<svg x="{}%" y="{}" width="{}%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">)",
      kLeft_percent, kTop_px, kWidth_percent, kHigh_px, kAcross, kHigh_px);
  svg += fmt::format("<path{} d=\"{}\"/>", is_smoothed ? " class=\"each\"" : "",
                     scale.path(plot.points));
  if (is_smoothed) svg += fmt::format("<path d=\"{}\"/>", scale.path(smoothed(plot.points)));
  return svg + "</svg>";
}

}  // namespace

std::string_view curve_style() {
  return kStyle;
}

std::string curve_section(const CurvePlot& plot) {
  if (plot.points.empty()) return "";
  const bool are_few = plot.points.size() <= kFewPoints;
  const Scale scale(value_axis(plot), step_axis(plot.points.back().step));
  std::string html = fmt::format("<section><h2>{}</h2>\n", plot.title);
  if (!plot.what.empty()) html += fmt::format("<p class=\"quiet\">{}</p>\n", plot.what);
  html += fmt::format(
      "<svg class=\"curve\" width=\"100%\" height=\"{}\" role=\"img\" aria-label=\"{} by step, at "
      "the end {:.4g}\">{}{}{}",
      kTop_px + kHigh_px + kFoot_px, plot.title, plot.points.back().value, scale.axes(),
      beside_line(plot, scale), lines(plot, scale, plot.is_noisy && !are_few));
  if (are_few) {
    for (const CurvePoint& point : plot.points) {
      html += fmt::format(R"(<circle cx="{:.1f}%" cy="{:.1f}" r="3.5"><title>step {:.0f}: {:.4f})"
                          "</title></circle>",
                          scale.x_percent(point.step), scale.y_px(point.value), point.step,
                          point.value);
    }
  }
  return html + "</svg></section>\n";
}

}  // namespace faceforge::train
