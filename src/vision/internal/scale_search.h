#pragma once

#include <cstddef>
#include <optional>
#include <span>
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
  /// The detection score from which a box hints at a face that another scale shows better. 0 for a
  /// detector whose faint boxes say nothing: it has to look everywhere.
  float hint_score = 0;
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

/// Bounds on one search, whatever the photo: this many pixels in the tiles of the level that is
/// looked at everywhere, before their overlaps, and this many tiles of all finer levels together.
inline constexpr double kTiledPixelBudget = 6e6;
inline constexpr size_t kTileLimit = 48;

/// The scales at which a photo is looked at, from coarse to fine.
struct ScalePlan {
  /// The photo, shrunk where it is longer than `kOverviewSide_px` or than a fixed input.
  Level overview;
  /// The photo small in the middle of black, for faces that fill it, which detectors miss: they
  /// want some surroundings.
  Level shrunken;
  /// Each twice as fine as the one before (the last: at most), until 16 px faces have the
  /// detector's smallest size. In tiles that overlap by more than the largest face that counts
  /// there, of which only those are looked at to which the level before hints.
  std::vector<Level> finer;
  /// The finest level that can be looked at as a whole within the bounds. Nothing where it would
  /// not show more than the overview, and for a fixed input under 256 px.
  std::optional<Level> everywhere;
};

/// Chooses the scales.
///
/// in:   sides of the image in pixels, both at least 1
/// cost: inputs come in few sizes, because each new one costs a compilation: the overview of photos
///       of `kOverviewSide_px` and more is one of 14 sizes in either orientation, and nearly all
///       tiles are of one size
[[nodiscard]] ScalePlan plan_scales(int width_px, int height_px, const DetectorReach& reach);

/// The only level of `ScaleSearch::Single`: the overview, its input padded to no more than the
/// stride asks for.
[[nodiscard]] Level single_level(int width_px, int height_px, const DetectorReach& reach);

/// The levels of some scales of a frame, each once: a small frame and a fixed input have no half.
///
/// in: sides of the frame in pixels, both at least 1
[[nodiscard]] std::vector<Level> frame_levels(std::span<const FrameScale> scales, int width_px,
                                              int height_px, const DetectorReach& reach);

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

/// A place where a face may be that this level does not show well.
struct Hint {
  face::Point center;       ///< in pixels of the image
  float input_face_px = 0;  ///< the longer side of its box in the detector's input
  float detection_score = 0;
};

/// What a view's detections, the faint ones too, hint at.
[[nodiscard]] std::vector<Hint> hints_of(const std::vector<Detection>& detections, const View& view,
                                         const Level& level, int image_width_px,
                                         int image_height_px);

/// Whether there may be a face that fills the photo.
[[nodiscard]] bool hint_at_large_face(std::span<const Hint> hints, const ScalePlan& plan);

/// The tiles of a finer level in whose middle a hint at a small face lies, strong hints first.
///
/// out: at most `tile_limit`, each once
[[nodiscard]] std::vector<View> hinted_tiles(const Level& finer, std::vector<Hint> hints,
                                             size_t tile_limit, int image_width_px,
                                             int image_height_px);

/// Joins what several levels found: of boxes that overlap, the one that was nearest to
/// `ideal_face_px` in the detector's input, with the highest detection score of them all.
///
/// out: at most `face_limit`, by falling detection score
[[nodiscard]] std::vector<Detection> join_levels(std::vector<ScaledDetection> found,
                                                 float overlap_limit, float ideal_face_px,
                                                 size_t face_limit);

}  // namespace faceforge::vision
