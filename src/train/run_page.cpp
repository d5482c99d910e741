#include "train/run_page.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/html_page.h"

namespace faceforge::train {
namespace {

// A plot in the units of its own view, which the page scales to its width.
constexpr double kWidth = 800;
constexpr double kHeight = 240;
constexpr double kLeft = 56;    // room for the numbers beside the axis
constexpr double kBottom = 24;  // .. and below it
constexpr double kTop = 8;
constexpr int kTickCount = 4;
constexpr size_t kMaxPoints = 400;  // of a curve; beyond, neighbouring steps are averaged

constexpr std::string_view kStyle = R"(
path { fill: none; stroke: var(--first); stroke-width: 1.5; }
circle { fill: var(--first); }
pre { overflow-x: auto; font-size: .8rem; }
)";

struct Point {
  double step;
  double value;
};

struct Axis {
  double low;
  double high;
};

Axis axis_over(const std::vector<Point>& points) {
  const auto [least, most] = std::ranges::minmax(points, {}, &Point::value);
  const double span = most.value - least.value;
  const double room = span > 0 ? 0.05 * span : std::max(1e-6, 0.1 * std::abs(most.value));
  return {.low = std::min(least.value, std::max(0.0, least.value - room)),
          .high = most.value + room};
}

std::string plot(std::string_view title, const std::vector<Point>& points) {
  if (points.empty()) return "";
  const Axis axis = axis_over(points);
  const double last_step = std::max(1.0, points.back().step);
  const auto x = [&](double step) { return kLeft + (kWidth - kLeft) * step / last_step; };
  const auto y = [&](double value) {
    const double share = (value - axis.low) / (axis.high - axis.low);
    return kTop + (kHeight - kTop - kBottom) * (1 - share);
  };
  std::string svg = fmt::format(
      "<section><h2>{0}</h2>\n<svg viewBox=\"0 0 {1} {2}\" width=\"100%\" role=\"img\" "
      "aria-label=\"{0} by step, at the end {3:.4g}\">",
      title, kWidth, kHeight, points.back().value);
  for (int tick = 0; tick <= kTickCount; ++tick) {
    const double share = static_cast<double>(tick) / kTickCount;
    const double value = axis.low + share * (axis.high - axis.low);
    svg +=
        fmt::format(R"(<line x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)"
                    R"(<text class="quiet" x="{3}" y="{4:.1f}" text-anchor="end">{5:.3g}</text>)"
                    R"(<text class="quiet" x="{6:.1f}" y="{7}" text-anchor="{8}">{9:.0f}</text>)",
                    kLeft, kWidth, y(value), kLeft - 6, y(value) + 4, value, x(share * last_step),
                    kHeight - 4, tick == kTickCount ? "end" : "middle", share * last_step);
  }
  std::string path;
  for (const Point& point : points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.step), y(point.value));
  }
  svg += fmt::format("<path d=\"{}\"/>", path);
  if (points.size() <= 40) {
    for (const Point& point : points) {
      svg += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="3"><title>step {:.0f}: {:.4f})"
                         "</title></circle>",
                         x(point.step), y(point.value), point.step, point.value);
    }
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
      "trained on: {} genuine, {} impostor.</p>\n<table><tr><th><th>AUC<th>TAR at FMR 1e-1"
      "<th>1e-2<th>1e-3</tr>\n",
      last.crop_count, last.person_count, last.genuine_pair_count, last.impostor_pair_count);
  if (record.raw_pixels) html += separation_row("raw pixels", *record.raw_pixels);
  for (const Measurement& measurement : record.measurements) {
    html += separation_row(
        measurement.step == 0 ? "before training" : fmt::format("after {} steps", measurement.step),
        measurement.separation);
  }
  return html + "</table></section>\n";
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
  html += plot("Loss", curve(history, &StepResult::loss));
  html += plot("Share of active candidates", curve(history, &StepResult::active_share));
  html += plot("AUC on held-out people", curve(record.measurements, &Separation::auc));
  html += plot("TAR at FMR 1e-2 on held-out people",
               curve(record.measurements, &Separation::tar_at_fmr2));
  html += plot("Length of the gradient", curve(history, &StepResult::gradient_norm));
  html += plot("Learning rate", curve(history, &StepResult::learning_rate));
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
