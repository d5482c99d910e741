#include "evaluate/quantization_page.h"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <string_view>

#include <fmt/format.h>

#include "base/html_page.h"

namespace faceforge::evaluate {
namespace {

// Positions across are in percent and those down in pixels, so that the plots fit any width and
// their letters stay as large as the page's.
constexpr int kRow_px = 30;
constexpr int kBarTop_px = 17;
constexpr int kBar_px = 8;
constexpr int kAxis_px = 22;
constexpr int kLeastDecade = -7;
constexpr int kDecadeCount = 7;
constexpr size_t kLabelLength = 40;

constexpr std::string_view kStyle = R"(
.bytes { fill: var(--first); } .floats { fill: var(--second); }
span.bytes { background: var(--first); } span.floats { background: var(--second); }
)";

/// What tells layers apart of a long name: of a path without the parts that are words alone, but
/// for the last, and of that the end.
std::string shortened(const std::string& label) {
  if (label.size() <= kLabelLength) return label;
  std::string name;
  for (const auto& range : std::views::split(label, '/')) {
    const std::string_view part(range);
    const bool is_last = part.end() == std::string_view(label).end();
    if (!is_last && part.find_first_of("0123456789") == part.npos) continue;
    if (!name.empty()) name += '/';
    name += part;
  }
  if (name.size() <= kLabelLength) return name;
  return "\u2026" + name.substr(name.size() - kLabelLength);
}

double percent_of(double loss) {
  const double decades = std::log10(std::max(loss, std::pow(10.0, kLeastDecade))) - kLeastDecade;
  return 100 * std::min(1.0, decades / kDecadeCount);
}

std::string axis(int height_px) {
  std::string svg;
  for (int decade = 0; decade <= kDecadeCount; ++decade) {
    const double x = 100.0 * decade / kDecadeCount;
    const std::string_view anchor = decade == 0              ? "start"
                                    : decade == kDecadeCount ? "end"
                                                             : "middle";
    svg += fmt::format(R"(<line x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/>)"
                       R"(<text class="quiet" x="{0:.2f}%" y="12" text-anchor="{3}">{4}</text>)",
                       x, kAxis_px - 6, height_px, anchor,
                       decade == kDecadeCount ? "1" : fmt::format("1e{}", kLeastDecade + decade));
  }
  return svg;
}

std::string bars(const LayerChoice& choice) {
  const int height_px = kAxis_px + kRow_px * static_cast<int>(choice.layers.size());
  std::string svg = fmt::format(R"(<svg width="100%" height="{}" role="img" )"
                                R"(aria-label="What each layer alone on bytes loses">)",
                                height_px);
  svg += axis(height_px);
  for (size_t index = 0; index < choice.layers.size(); ++index) {
    const ScannedLayer& scanned = choice.layers[index];
    const std::string label = layer_label(choice, index);
    const int y = kAxis_px + kRow_px * static_cast<int>(index);
    const std::string_view where = scanned.is_on_bytes ? "bytes" : "floats";
    svg += fmt::format(R"(<g><title>{} ({}, {} weights)</title><text x="0" y="{}">{}</text>)"
                       R"(<text x="100%" y="{}" text-anchor="end">{}{:.1e}</text>)"
                       R"(<rect class="{}" x="0" y="{}" width="{:.2f}%" height="{}" rx="2"/></g>)",
                       html_text(label), html_text(scanned.layer.op_type),
                       scanned.layer.weight_count, y + 13, html_text(shortened(label)), y + 13,
                       scanned.is_on_bytes ? "" : "floats ", scanned.loss, where, y + kBarTop_px,
                       percent_of(scanned.loss), kBar_px);
  }
  return svg + "</svg>\n";
}

std::string methods_table(const LayerChoice& choice) {
  std::string html = "<table><tr><th>ranges by<th>loss, all layers on bytes</tr>";
  for (const JudgedMethod& judged : choice.methods) {
    html +=
        fmt::format("<tr><td>{}{}<td>{:.5f}</tr>", nn::to_string(judged.method),
                    judged.method == choice.method ? " (chosen)" : "", judged.all_on_bytes.loss);
  }
  return html + "</table>\n";
}

std::string agreement_text(const DetectionAgreement& agreement) {
  return fmt::format(
      "<p>Of {} faces {} lost, {} added, {} wavering at the lowest score. Boxes overlap by {:.3f}, "
      "scores are {:.4f} apart, landmarks {:.2f} % of the distance between the eyes. Asked were "
      "none lost or added, {}, {} and {} %.</p>\n",
      agreement.face_count, agreement.lost_count, agreement.added_count, agreement.wavering_count,
      agreement.mean_overlap, agreement.mean_score_difference,
      100 * agreement.mean_landmark_distance, kMinMeanOverlap, kMaxMeanScoreDifference,
      100 * kMaxMeanLandmarkDistance);
}

std::string network_section(const QuantizedNetwork& network) {
  const LayerChoice& choice = network.choice;
  const auto on_bytes = std::ranges::count(choice.layers, true, &ScannedLayer::is_on_bytes);
  std::string html = fmt::format(
      "<section><h2>{}: {}</h2>\n<p>{} of {} layers on bytes; mean cosine of its answers "
      "{:.4f}{}.</p>\n",
      network.kind == NetworkKind::Detector ? "Detector" : "Embedder",
      html_text(network.file.filename().string()), on_bytes, choice.layers.size(),
      network.mean_cosine,
      network.kind == NetworkKind::Embedder ? fmt::format(", {} asked", kWantedMeanCosine) : "");
  if (network.agreement) html += agreement_text(*network.agreement);
  html += methods_table(choice);
  html += fmt::format(
      "<p class=\"quiet\">{} with one layer alone on bytes, in running order, each line ten times "
      "the one before: <span class=\"key bytes\"></span>on bytes <span class=\"key floats\">"
      "</span>stayed floats. Of layers that cost as much the one goes back to floats whose work is "
      "less.</p>\n",
      network.kind == NetworkKind::Detector ? "Loss" : "1 - mean cosine");
  return html + bars(choice) + "</section>\n";
}

}  // namespace

std::string quantization_page(const QuantizePackReport& report) {
  const packs::Quantization& quantization = report.card.quantization.value();
  const std::string& id = report.card.id;
  std::string html = fmt::format(
      "<h1>{}: {} on bytes</h1>\n"
      "<p><b>{}</b> Embeddings of the same crops have a mean cosine of {:.4f} to its parent's, and "
      "{} at least is asked of one that stands for its parent.</p>\n"
      "<p>Ranges from {} photos, judged on {} photos of other people. Calibrated with {:.3g} "
      "million pairs of strangers. FaceForge {}.</p>\n",
      html_text(id), html_text(quantization.parent_id),
      packs::may_stand_for_its_parent(report.card) ? "May stand for its parent."
                                                   : "May not stand for its parent.",
      quantization.mean_cosine, packs::kMinQuantizedCosine, quantization.range_photo_count,
      quantization.held_out_photo_count,
      static_cast<double>(report.calibration.calibration.impostor_pair_count) / 1e6,
      html_text(quantization.faceforge_version));
  for (const QuantizedNetwork& network : report.quantized.networks) {
    html += network_section(network);
  }
  return html_page(id, kStyle, html);
}

}  // namespace faceforge::evaluate
