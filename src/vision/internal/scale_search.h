#pragma once

#include <cstddef>
#include <vector>

#include "image/geometry.h"
#include "vision/internal/detection.h"
#include "vision/pipeline.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// What a detector's input may be, and at which sizes it sees faces. In pixels of its input.
struct DetectorReach {
  int fixed_width_px = 0;  ///< both sides, or 0 when any multiple of `stride_multiple_px` works
  int fixed_height_px = 0;
  int stride_multiple_px = 32;
  float smallest_face_px = 16;   ///< the smallest that it finds nearly always
  float ideal_face_px = 112;     ///< where its boxes and landmarks are best
  bool enlarges_photos = false;  ///< was trained on photos stretched to its input
};

[[nodiscard]] DetectorReach reach_of(DetectorHead head);

/// One picture for the detector: a part of the scaled photo, laid on black.
struct View {
  image::PixelRectangle part;  ///< of the scaled photo
  int width_px = 0;            ///< the detector's input
  int height_px = 0;
  int left = 0;  ///< where the part lies in it
  int top = 0;

  bool operator==(const View&) const = default;
};

/// The photo at one scale, covered by views.
struct Level {
  int width_px = 0;  ///< of the scaled photo
  int height_px = 0;
  /// Faces that count at this level, by the longer side of their box in the detector's input.
  float min_face_px = 0;
  float max_face_px = 0;
  std::vector<View> views;
};

/// Bounds on one search, whatever the photo: at most this many pixels in the tiles of the level
/// for small faces, before their overlaps, and this many tiles.
inline constexpr double kTiledPixelBudget = 6e6;
inline constexpr size_t kTileLimit = 48;

/// Chooses the scales at which a photo is looked at.
///
/// `Single` is one level: the photo, shrunk where it is longer than `kOverviewSide_px` or than a
/// fixed input. `Full` is three at most:
///   1. overview   as `Single`;
///   2. shrunken   the photo small in the middle of black, for faces that fill it, which detectors
///                 miss: they want some surroundings;
///   3. tiles      where 16 px faces would be too small in the overview: the photo at a scale that
///                 brings them to the detector's smallest size, cut into tiles that overlap by more
///                 than the largest face that counts there; none for a fixed input under 256 px.
///
/// in:   sides of the image in pixels, both at least 1
/// cost: at most 2 * 640^2 pixels and the tiles' budget; inputs come in few sizes, because each
///       new one costs a compilation
[[nodiscard]] std::vector<Level> plan_levels(int width_px, int height_px,
                                             const DetectorReach& reach, ScaleSearch search);

inline constexpr int kOverviewSide_px = 640;

/// A detection and how large its face was in the detector's input.
struct ScaledDetection {
  Detection detection;      ///< in pixels of the image
  float input_face_px = 0;  ///< square root of the box's area in the detector's input
};

/// Brings a view's detections back to the image and keeps those that count at their level: of the
/// level's sizes, and not cut by a border that a view shares with its neighbour.
[[nodiscard]] std::vector<ScaledDetection> from_view(const std::vector<Detection>& detections,
                                                     const View& view, const Level& level,
                                                     int image_width_px, int image_height_px);

/// Joins what several levels found: of boxes that overlap, the one that was nearest to
/// `ideal_face_px` in the detector's input, with the highest detection score of them all.
///
/// out: at most `face_limit`, by falling detection score
[[nodiscard]] std::vector<Detection> join_levels(std::vector<ScaledDetection> found,
                                                 float overlap_limit, float ideal_face_px,
                                                 size_t face_limit);

}  // namespace faceforge::vision
