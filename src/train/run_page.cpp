#include "train/run_page.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/html_page.h"

namespace faceforge::train {
namespace {

// A plot in the units of its own view, which the page scales to its width.
constexpr double kWidth = 800;
constexpr double kHeight = 260;
constexpr double kLeft = 72;    // room for the numbers beside the axis
constexpr double kBottom = 32;  // .. and below it
constexpr double kTop = 12;
constexpr size_t kMaxPoints = 400;   // of a curve; beyond, neighbouring steps are averaged
constexpr double kSmoothing = 0.06;  // of a curve of many points: about the last 17 of them
constexpr size_t kFewPoints = 40;    // those are marked, and not smoothed

constexpr std::string_view kStyle = R"(
path { fill: none; stroke: var(--first); stroke-width: 1.8; }
path.each { stroke-width: 1; opacity: .3; }
line.beside { stroke: var(--second); stroke-dasharray: 6 4; }
text.beside { fill: var(--second); }
circle { fill: var(--first); }
pre { overflow-x: auto; font-size: .8rem; }
.wide { overflow-x: auto; }
@media (max-width: 600px) { svg text.quiet, svg text.beside { font-size: 24px; } }
)";

struct Point {
  double step;
  double value;
};

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

/// A curve to draw, and a number that it is held against.
struct Plot {
  std::string_view title;
  std::vector<Point> points;
  std::string_view beside_name = {};
  std::optional<double> beside = {};
  bool is_noisy = true;
};

Axis value_axis(const Plot& plot) {
  auto [least, most] = std::ranges::minmax(plot.points, {}, &Point::value);
  const double other = plot.beside.value_or(least.value);
  return nice_axis(std::min(least.value, other), std::max(most.value, other), 4);
}

/// What a noisy curve does on the whole: each point with what was lately before it.
std::vector<Point> smoothed(std::vector<Point> points) {
  for (size_t i = 1; i < points.size(); ++i) {
    points[i].value = points[i - 1].value + kSmoothing * (points[i].value - points[i - 1].value);
  }
  return points;
}

/// Where steps and values lie in the plot.
class Scale {
 public:
  Scale(const Axis& values, const Axis& steps) : values_(values), steps_(steps) {}
  [[nodiscard]] double x(double step) const {
    return kLeft + (kWidth - kLeft - 8) * step / steps_.high;
  }
  [[nodiscard]] double y(double value) const {
    const double share = (value - values_.low) / (values_.high - values_.low);
    return kTop + (kHeight - kTop - kBottom) * (1 - share);
  }
  [[nodiscard]] std::string path(const std::vector<Point>& points) const {
    std::string path;
    for (const Point& point : points) {
      path +=
          fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.step), y(point.value));
    }
    return path;
  }
  [[nodiscard]] std::string ticks() const {
    std::string svg;
    for (double value = values_.low; value < values_.high + values_.step / 2;
         value += values_.step) {
      svg +=
          fmt::format(R"(<line x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)"
                      R"(<text class="quiet" x="{3}" y="{4:.1f}" text-anchor="end">{5:.4g}</text>)",
                      kLeft, kWidth, y(value), kLeft - 8, y(value) + 5,
                      std::abs(value) < values_.step / 2 ? 0.0 : value);
    }
    for (double step = 0; step < steps_.high + steps_.step / 2; step += steps_.step) {
      svg += fmt::format(R"(<text class="quiet" x="{:.1f}" y="{}" text-anchor="{}">{:.0f}</text>)",
                         x(step), kHeight - 6,
                         step + steps_.step / 2 > steps_.high ? "end" : "middle", step);
    }
    return svg;
  }

 private:
  Axis values_;
  Axis steps_;
};

std::string drawn(const Plot& plot) {
  if (plot.points.empty()) return "";
  const Scale scale(value_axis(plot), nice_axis(0, std::max(1.0, plot.points.back().step), 5));
  std::string svg = fmt::format(
      "<section><h2>{0}</h2>\n<svg viewBox=\"0 0 {1} {2}\" width=\"100%\" role=\"img\" "
      "aria-label=\"{0} by step, at the end {3:.4g}\">{4}",
      plot.title, kWidth, kHeight, plot.points.back().value, scale.ticks());
  if (plot.beside) {
    const double y = scale.y(*plot.beside);
    svg += fmt::format(
        R"(<line class="beside" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)"
        R"(<text class="beside" x="{3}" y="{4:.1f}" text-anchor="end">{5} {6:.3f}</text>)",
        kLeft, kWidth, y, kWidth - 4, y - 6, plot.beside_name, *plot.beside);
  }
  if (plot.points.size() > kFewPoints && plot.is_noisy) {
    svg += fmt::format("<path class=\"each\" d=\"{}\"/><path d=\"{}\"/>", scale.path(plot.points),
                       scale.path(smoothed(plot.points)));
    return svg + "</svg></section>\n";
  }
  svg += fmt::format("<path d=\"{}\"/>", scale.path(plot.points));
  if (plot.points.size() > kFewPoints) return svg + "</svg></section>\n";
  for (const Point& point : plot.points) {
    svg += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3"><title>step {:.0f}: {:.4f})"
                       "</title></circle>",
                       scale.x(point.step), scale.y(point.value), point.step, point.value);
  }
  return svg + "</svg></section>\n";
}

/// A number of each step, neighbours averaged where there are more than a plot can show.
std::vector<Point> curve(std::span<const StepResult> history, double StepResult::*number) {
  std::vector<Point> points;
  const size_t together = (history.size() + kMaxPoints - 1) / kMaxPoints;
  for (size_t first = 0; first < history.size(); first += together) {
    const auto part = history.subspan(first, std::min(together, history.size() - first));
    double sum = 0;
    for (const StepResult& step : part) sum += step.*number;
    points.push_back({.step = static_cast<double>(first + part.size()),
                      .value = sum / static_cast<double>(part.size())});
  }
  return points;
}

std::vector<Point> curve(const std::vector<Measurement>& measurements, double Separation::*number) {
  std::vector<Point> points;
  for (const Measurement& measurement : measurements) {
    points.push_back(
        {.step = static_cast<double>(measurement.step), .value = measurement.separation.*number});
  }
  return points;
}

std::string separation_row(std::string_view name, const Separation& separation) {
  return fmt::format("<tr><td>{}<td>{:.4f}<td>{:.4f}<td>{:.4f}<td>{:.4f}</tr>\n", name,
                     separation.auc, separation.tar_at_fmr1, separation.tar_at_fmr2,
                     separation.tar_at_fmr3);
}

std::string separation_section(const RunRecord& record) {
  if (record.measurements.empty()) return "";
  const Separation& last = record.measurements.back().separation;
  std::string html = fmt::format(
      "<section><h2>Held-out people</h2>\n<p>All pairs of {} crops of {} people who were not "
      "trained on: {} genuine, {} impostor.</p>\n<div class=\"wide\"><table><tr><th><th>AUC<th>TAR "
      "at FMR 1e-1"
      "<th>1e-2<th>1e-3</tr>\n",
      last.crop_count, last.person_count, last.genuine_pair_count, last.impostor_pair_count);
  if (record.raw_pixels) html += separation_row("raw pixels", *record.raw_pixels);
  for (const Measurement& measurement : record.measurements) {
    html += separation_row(
        measurement.step == 0 ? "before training" : fmt::format("after {} steps", measurement.step),
        measurement.separation);
  }
  return html + "</table></div></section>\n";
}

}  // namespace

std::string run_page(const RunRecord& record, std::span<const StepResult> history) {
  const RunSettings& settings = record.settings;
  const double photos = static_cast<double>(record.steps_done * settings.batch.crops());
  const std::string title =
      fmt::format("{}, {} loss", to_string(settings.network.kind), to_string(settings.loss.kind));
  std::string html = fmt::format(
      "<h1>{}</h1>\n<p>{} of {} steps of {} people with {} photos each; {} people with {} crops in "
      "all, {} steps an epoch. {:.1f} million parameters on {}, {:.1f} photos/s. FaceForge {}, "
      "LibTorch {}.</p>\n",
      title, record.steps_done, settings.step_count, settings.batch.people,
      settings.batch.photos_per_person, record.person_count, record.crop_count,
      record.steps_per_epoch, static_cast<double>(record.parameter_count) / 1e6,
      html_text(record.device), record.training_s > 0 ? photos / record.training_s : 0.0,
      html_text(record.faceforge_version), html_text(record.torch_version));
  html += separation_section(record);
  const auto& raw = record.raw_pixels;
  const auto of_raw_pixels = [&](double Separation::*number) {
    return raw ? std::optional((*raw).*number) : std::nullopt;
  };
  html += drawn({"Loss", curve(history, &StepResult::loss)});
  html += drawn({"Share of active candidates", curve(history, &StepResult::active_share)});
  html += drawn({"AUC on held-out people", curve(record.measurements, &Separation::auc),
                 "raw pixels", of_raw_pixels(&Separation::auc)});
  html += drawn({"TAR at FMR 1e-2 on held-out people",
                 curve(record.measurements, &Separation::tar_at_fmr2), "raw pixels",
                 of_raw_pixels(&Separation::tar_at_fmr2)});
  html += drawn({"Length of the gradient", curve(history, &StepResult::gradient_norm)});
  html += drawn({.title = "Learning rate",
                 .points = curve(history, &StepResult::learning_rate),
                 .is_noisy = false});
  // Where the files lie is nobody's business.
  json::object shown = to_json(settings);
  for (const char* path : {"data", "people", "held_out_people", "initial_weights"})
    shown.erase(path);
  html += fmt::format(
      "<section><h2>Settings</h2><p class=\"quiet\">Data: SHA-256 {}</p><pre>{}</pre></section>\n",
      html_text(record.data_sha256), html_text(json::to_pretty_text(shown)));
  return html_page(title, kStyle, html);
}

}  // namespace faceforge::train
