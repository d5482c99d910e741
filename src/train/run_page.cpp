#include "train/run_page.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/html_page.h"
#include "train/curve_plot.h"

namespace faceforge::train {
namespace {

constexpr size_t kMaxPoints = 400;  // of a curve; beyond, neighbouring steps are averaged

constexpr std::string_view kStyle = R"(
pre { overflow-x: auto; font-size: .8rem; margin: .5rem 0 0; }
.told th, .told td { text-align: right; }
.told th:first-child, .told td:first-child { text-align: left; }
@media (max-width: 40rem) {
  .told { font-size: .85rem; }
  .told th, .told td { padding-right: .6rem; }
  .told tr > :last-child { padding-right: 0; }
}
)";

/// A number of each step, neighbours averaged where there are more than a plot can show.
std::vector<CurvePoint> curve(std::span<const StepResult> history, double StepResult::*number) {
  std::vector<CurvePoint> points;
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

std::vector<CurvePoint> curve(const std::vector<Measurement>& measurements,
                              double Separation::*number) {
  std::vector<CurvePoint> points;
  for (const Measurement& measurement : measurements) {
    points.push_back(
        {.step = static_cast<double>(measurement.step), .value = measurement.separation.*number});
  }
  return points;
}

/// A number of the last measurement, beside that of the first one and of raw pixels.
std::string measured_figure(std::string_view name, const RunRecord& record,
                            double Separation::*number) {
  if (record.measurements.empty()) return "";
  std::string more;
  if (record.measurements.size() > 1) {
    more = fmt::format("before training {:.3f}", record.measurements.front().separation.*number);
  }
  if (record.raw_pixels) {
    more +=
        fmt::format("{}raw pixels {:.3f}", more.empty() ? "" : ", ", (*record.raw_pixels).*number);
  }
  return key_figure(name, fmt::format("{:.3f}", record.measurements.back().separation.*number),
                    more);
}

std::string key_figures(const RunRecord& record) {
  const RunSettings& settings = record.settings;
  const double photos = static_cast<double>(record.steps_done * settings.batch.crops());
  const double speed = record.training_s > 0 ? photos / record.training_s : 0;
  return "<div class=\"figures\">\n" +
         measured_figure("AUC on held-out people", record, &Separation::auc) +
         measured_figure("TAR at FMR 0.01 on them", record, &Separation::tar_at_fmr2) +
         key_figure(
             "Steps", fmt::format("{}", record.steps_done),
             fmt::format("of {}, {} an epoch", settings.step_count, record.steps_per_epoch)) +
         key_figure("Photos/s", fmt::format("{:.1f}", speed), record.device) + "</div>\n";
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
      "trained on: {} genuine, {} impostor.</p>\n<div class=\"wide\" tabindex=\"0\"><table "
      "class=\"told\"><tr><th><th>AUC<th>TAR at FMR 0.1<th>0.01<th>0.001</tr>\n",
      last.crop_count, last.person_count, last.genuine_pair_count, last.impostor_pair_count);
  if (record.raw_pixels) html += separation_row("raw pixels", *record.raw_pixels);
  for (const Measurement& measurement : record.measurements) {
    html += separation_row(
        measurement.step == 0 ? "before training" : fmt::format("after {} steps", measurement.step),
        measurement.separation);
  }
  return html + "</table></div></section>\n";
}

/// What the candidates of a batch are, of which some still teach.
std::string_view candidates_of(const LossSettings& loss) {
  switch (loss.kind) {
    case LossKind::Triplet:
      return "triplets";
    case LossKind::Contrastive:
      return "pairs of two people";
    case LossKind::MultiSimilarity:
      return "pairs";
    case LossKind::ArcFace:
    case LossKind::CosFace:
      return "photos";
  }
  return "";
}

std::string what_loss_is(const LossSettings& loss) {
  const bool is_of_active_ones = loss.kind == LossKind::Triplet && loss.mining == Mining::All &&
                                 loss.margin_kind == MarginKind::Hinge;
  if (!is_of_active_ones) return "What is minimized.";
  return fmt::format(
      "The mean over the triplets that are active: it may stay near the margin of {:.4g} while "
      "they "
      "become fewer.",
      loss.margin);
}

std::string curves(const RunRecord& record, std::span<const StepResult> history) {
  const RunSettings& settings = record.settings;
  const auto& raw = record.raw_pixels;
  const auto of_raw_pixels = [&](double Separation::*number) {
    return raw ? std::optional((*raw).*number) : std::nullopt;
  };
  return "<div class=\"curves\">\n" +
         curve_section({.title = "Loss",
                        .what = what_loss_is(settings.loss),
                        .points = curve(history, &StepResult::loss)}) +
         curve_section({.title = "Share that is active",
                        .what = fmt::format("Of a batch's {}: those that still teach.",
                                            candidates_of(settings.loss)),
                        .points = curve(history, &StepResult::active_share)}) +
         curve_section({.title = "AUC on held-out people",
                        .what = "1 tells all pairs apart, 0.5 is chance.",
                        .points = curve(record.measurements, &Separation::auc),
                        .beside_name = "raw pixels",
                        .beside = of_raw_pixels(&Separation::auc)}) +
         curve_section({.title = "TAR at FMR 0.01 on held-out people",
                        .what = "Pairs of one person that pass where 1 in 100 of two people does.",
                        .points = curve(record.measurements, &Separation::tar_at_fmr2),
                        .beside_name = "raw pixels",
                        .beside = of_raw_pixels(&Separation::tar_at_fmr2)}) +
         curve_section({.title = "Length of the gradient",
                        .what = settings.optimizer.max_gradient_norm > 0
                                    ? fmt::format("Before it is shortened to {:.4g} at most.",
                                                  settings.optimizer.max_gradient_norm)
                                    : "It is never shortened.",
                        .points = curve(history, &StepResult::gradient_norm)}) +
         curve_section({.title = "Learning rate",
                        .what = fmt::format("{} steps of warm-up, then half a cosine.",
                                            settings.optimizer.warm_up_steps),
                        .points = curve(history, &StepResult::learning_rate),
                        .is_noisy = false}) +
         "</div>\n";
}

std::string settings_section(const RunRecord& record) {
  // Where the files lie is nobody's business.
  json::object shown = to_json(record.settings);
  for (const char* path : {"data", "people", "held_out_people", "initial_weights"})
    shown.erase(path);
  std::string html = fmt::format("<section><h2>Settings</h2><p class=\"quiet\">Crops: SHA-256 {}",
                                 html_text(record.data_sha256));
  if (!record.initial_weights_sha256.empty()) {
    html +=
        fmt::format("<br>Begun with weights: SHA-256 {}", html_text(record.initial_weights_sha256));
  }
  return html + fmt::format("</p><pre tabindex=\"0\">{}</pre></section>\n",
                            html_text(json::to_pretty_text(shown)));
}

}  // namespace

std::string run_page(const RunRecord& record, std::span<const StepResult> history) {
  const RunSettings& settings = record.settings;
  const std::string title =
      fmt::format("{}, {} loss", to_string(settings.network.kind), to_string(settings.loss.kind));
  std::string html = fmt::format(
      "<h1>{}</h1>\n<p class=\"quiet\">{} people with {} crops, {} people with {} photos each a "
      "step; {:.1f} million parameters. FaceForge {}, LibTorch {}.</p>\n",
      title, record.person_count, record.crop_count, settings.batch.people,
      settings.batch.photos_per_person, static_cast<double>(record.parameter_count) / 1e6,
      html_text(record.faceforge_version), html_text(record.torch_version));
  html += key_figures(record);
  html += separation_section(record);
  html += curves(record, history);
  html += settings_section(record);
  return html_page(title, fmt::format("{}{}", curve_style(), kStyle), html);
}

}  // namespace faceforge::train
