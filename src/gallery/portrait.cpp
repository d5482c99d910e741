#include "gallery/portrait.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace faceforge::gallery {
namespace {

/// A card shows no more of a face than this.
constexpr double kShownFace_px = 160;
/// Half the mark: where a face counts as blurred.
constexpr double kBlurredSharpness = 20;

double frontality(float angle_deg) {
  return std::max(0.0, std::cos(double{angle_deg} * std::numbers::pi / 180));
}

}  // namespace

int64_t portrait_quality(const face::Quality& quality) {
  const double size = std::clamp(double{quality.face_size_px} / kShownFace_px, 0.0, 1.0);
  const double sharpness = std::max(0.0, double{quality.sharpness});
  const double sharp = sharpness / (sharpness + kBlurredSharpness);
  const double brightness = std::clamp(double{quality.brightness}, 0.0, 1.0);
  const double lit = 4 * brightness * (1 - brightness);
  const double frontal = frontality(quality.yaw_deg) * frontality(quality.pitch_deg);
  return std::lround(double{kMaxPortraitQuality} * size * sharp * lit * frontal);
}

}  // namespace faceforge::gallery
