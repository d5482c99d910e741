#include "vision/internal/scale_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vision/internal/non_maximum_suppression.h"

namespace faceforge::vision {
namespace {

constexpr float kAnyFace_px = std::numeric_limits<float>::max();
/// The faces that the search promises to find, in pixels of the image.
constexpr float kSmallestFace_px = 16;
/// The shrunken level against the overview, and the share of the photo's longer side that a face
/// must fill to count there; smaller ones are seen better in the overview.
constexpr double kShrunkenScale = 0.4;
constexpr float kShrunkenMinShare = 0.3F;
/// Black on each side of the shrunken photo, in shares of its longer side.
constexpr double kShrunkenMargin = 0.3;
constexpr int kTileSide_px = 1024;
constexpr int kTileOverlap_px = 128;
constexpr float kTileMaxFace_px = 112;
/// A smaller fixed input leaves too little of a tile beside the overlaps.
constexpr int kTileMinSide_px = 2 * kTileOverlap_px;
/// A box whose edge is this near to a border inside of the photo may be of a cut face.
constexpr float kCutMargin_px = 4;
/// Boxes of two scales that overlap by more are of one face, so that one may stand for the other.
constexpr float kSameFaceOverlap = 0.5F;
/// The tiles must enlarge faces by this much over the overview to be worth their time.
constexpr double kWorthwhileGain = 1.2;
/// Larger inputs come in multiples of this, so that few sizes are compiled.
constexpr int kCoarseFrom_px = 256;
constexpr int kCoarseMultiple_px = 128;

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

int scaled_side(int side_px, double scale) {
  return std::max(1, static_cast<int>(std::lround(side_px * scale)));
}

/// The detector's input that holds `side_px`.
int input_side(int side_px, int fixed_px, int multiple_px, ScaleSearch search) {
  if (fixed_px > 0) return fixed_px;
  const int fine = round_up(side_px, multiple_px);
  if (search == ScaleSearch::Single || fine <= kCoarseFrom_px) return fine;
  return round_up(side_px, std::max(multiple_px, kCoarseMultiple_px));
}

double overview_scale(int width_px, int height_px, const DetectorReach& reach) {
  const double fit = reach.fixed_width_px > 0
                         ? std::min(static_cast<double>(reach.fixed_width_px) / width_px,
                                    static_cast<double>(reach.fixed_height_px) / height_px)
                         : static_cast<double>(kOverviewSide_px) / std::max(width_px, height_px);
  return reach.enlarges_photos ? fit : std::min(1.0, fit);
}

Level whole_photo(int width_px, int height_px, double scale, double margin_share,
                  const DetectorReach& reach, ScaleSearch search) {
  Level level{.width_px = scaled_side(width_px, scale),
              .height_px = scaled_side(height_px, scale),
              .min_face_px = 0,
              .max_face_px = kAnyFace_px,
              .views = {}};
  const int margin =
      static_cast<int>(std::lround(std::max(level.width_px, level.height_px) * margin_share));
  View view{.part = {0, 0, level.width_px, level.height_px},
            .width_px = input_side(level.width_px + 2 * margin, reach.fixed_width_px,
                                   reach.stride_multiple_px, search),
            .height_px = input_side(level.height_px + 2 * margin, reach.fixed_height_px,
                                    reach.stride_multiple_px, search)};
  if (margin > 0) {
    view.left = (view.width_px - level.width_px) / 2;
    view.top = (view.height_px - level.height_px) / 2;
  }
  level.views.push_back(view);
  return level;
}

struct TileSize {
  int width_px = kTileSide_px;
  int height_px = kTileSide_px;
};

TileSize tile_size(const DetectorReach& reach) {
  if (reach.fixed_width_px == 0) return {};
  return {reach.fixed_width_px, reach.fixed_height_px};
}

/// How many tiles of `tile_px` cover a side, overlapping enough.
int tile_count(int side_px, int tile_px) {
  if (side_px <= tile_px) return 1;
  const int step = tile_px - kTileOverlap_px;
  return 1 + (side_px - tile_px + step - 1) / step;
}

/// Where they start: evenly spread.
std::vector<int> tile_starts(int side_px, int tile_px) {
  const int count = tile_count(side_px, tile_px);
  std::vector<int> starts{0};
  for (int index = 1; index < count; ++index) {
    starts.push_back(
        static_cast<int>(static_cast<int64_t>(side_px - tile_px) * index / (count - 1)));
  }
  return starts;
}

Level tiles(int width_px, int height_px, double scale, const DetectorReach& reach) {
  Level level{.width_px = scaled_side(width_px, scale),
              .height_px = scaled_side(height_px, scale),
              .min_face_px = 0,
              .max_face_px = kTileMaxFace_px,
              .views = {}};
  const auto [tile_width, tile_height] = tile_size(reach);
  for (const int top : tile_starts(level.height_px, tile_height)) {
    for (const int left : tile_starts(level.width_px, tile_width)) {
      const int width = std::min(tile_width, level.width_px);
      const int height = std::min(tile_height, level.height_px);
      level.views.push_back({.part = {left, top, width, height},
                             .width_px = input_side(width, reach.fixed_width_px,
                                                    reach.stride_multiple_px, ScaleSearch::Full),
                             .height_px = input_side(height, reach.fixed_height_px,
                                                     reach.stride_multiple_px, ScaleSearch::Full),
                             .left = 0,
                             .top = 0});
    }
  }
  return level;
}

/// The tiles' level within its bounds.
Level bounded_tiles(int width_px, int height_px, const DetectorReach& reach) {
  const double pixels = static_cast<double>(width_px) * height_px;
  const TileSize tile = tile_size(reach);
  double scale = std::min(static_cast<double>(reach.smallest_face_px / kSmallestFace_px),
                          std::sqrt(kTiledPixelBudget / pixels));
  const auto count = [&] {
    return int64_t{tile_count(scaled_side(width_px, scale), tile.width_px)} *
           tile_count(scaled_side(height_px, scale), tile.height_px);
  };
  while (count() > int64_t{kTileLimit}) scale *= 0.9;
  return tiles(width_px, height_px, scale, reach);
}

bool is_cut(const face::BoundingBox& box, const View& view, const Level& level) {
  const image::PixelRectangle& part = view.part;
  const auto right = static_cast<float>(part.x + part.width);
  const auto bottom = static_cast<float>(part.y + part.height);
  return (part.x > 0 && box.x < static_cast<float>(part.x) + kCutMargin_px) ||
         (part.y > 0 && box.y < static_cast<float>(part.y) + kCutMargin_px) ||
         (part.x + part.width < level.width_px && box.x + box.width > right - kCutMargin_px) ||
         (part.y + part.height < level.height_px && box.y + box.height > bottom - kCutMargin_px);
}

/// From pixels of a scaled picture to those of the original, both counted from pixel centres.
struct Unscale {
  float factor_x = 1;
  float factor_y = 1;

  [[nodiscard]] face::Point operator()(face::Point point) const {
    return {(point.x + 0.5F) * factor_x - 0.5F, (point.y + 0.5F) * factor_y - 0.5F};
  }
};

}  // namespace

DetectorReach reach_of(DetectorHead head) {
  DetectorReach reach;
  reach.enlarges_photos = finds_boxes_only(head);
  // Measured on crowds of faces 16 to 24 px wide (recall_slow_test).
  if (head == DetectorHead::Retinaface) reach.smallest_face_px = 24;
  if (finds_boxes_only(head)) reach.smallest_face_px = 24;
  return reach;
}

std::vector<Level> plan_levels(int width_px, int height_px, const DetectorReach& reach,
                               ScaleSearch search) {
  const double overview = overview_scale(width_px, height_px, reach);
  std::vector<Level> levels;
  levels.push_back(whole_photo(width_px, height_px, overview, 0, reach, search));
  if (search == ScaleSearch::Single) return levels;

  Level shrunken =
      whole_photo(width_px, height_px, overview * kShrunkenScale, kShrunkenMargin, reach, search);
  shrunken.min_face_px =
      kShrunkenMinShare * static_cast<float>(std::max(shrunken.width_px, shrunken.height_px));
  levels.push_back(std::move(shrunken));

  const TileSize tile = tile_size(reach);
  if (std::min(tile.width_px, tile.height_px) < kTileMinSide_px) return levels;
  Level small_faces = bounded_tiles(width_px, height_px, reach);
  if (small_faces.width_px > kWorthwhileGain * levels.front().width_px) {
    levels.push_back(std::move(small_faces));
  }
  return levels;
}

std::vector<ScaledDetection> from_view(const std::vector<Detection>& detections, const View& view,
                                       const Level& level, int image_width_px,
                                       int image_height_px) {
  const Unscale unscale{static_cast<float>(image_width_px) / static_cast<float>(level.width_px),
                        static_cast<float>(image_height_px) / static_cast<float>(level.height_px)};
  const auto shift_x = static_cast<float>(view.part.x - view.left);
  const auto shift_y = static_cast<float>(view.part.y - view.top);
  std::vector<ScaledDetection> scaled;
  for (const Detection& found : detections) {
    face::BoundingBox box = found.box;
    const float side = std::max(box.width, box.height);
    if (side < level.min_face_px || side > level.max_face_px) continue;
    box.x += shift_x;
    box.y += shift_y;
    if (is_cut(box, view, level)) continue;
    Detection moved = found;
    const face::Point corner = unscale({box.x, box.y});
    moved.box = {corner.x, corner.y, box.width * unscale.factor_x, box.height * unscale.factor_y};
    if (moved.landmarks) {
      for (face::Point& point : *moved.landmarks) {
        point = unscale({point.x + shift_x, point.y + shift_y});
      }
    }
    scaled.push_back({moved, std::sqrt(found.box.area())});
  }
  return scaled;
}

std::vector<Detection> join_levels(std::vector<ScaledDetection> found, float overlap_limit,
                                   float ideal_face_px, size_t face_limit) {
  std::ranges::stable_sort(found, [](const ScaledDetection& a, const ScaledDetection& b) {
    return a.detection.detection_score > b.detection.detection_score;
  });
  if (found.size() > kCandidateLimit) found.resize(kCandidateLimit);
  const auto distance_from_ideal = [ideal_face_px](const ScaledDetection& detection) {
    return std::abs(std::log(detection.input_face_px / ideal_face_px));
  };
  std::vector<bool> joined(found.size(), false);
  std::vector<Detection> faces;
  for (size_t index = 0; index < found.size(); ++index) {
    if (joined[index]) continue;
    const ScaledDetection& strongest = found[index];
    const ScaledDetection* best = &strongest;
    for (size_t other = index + 1; other < found.size(); ++other) {
      const float overlap =
          face::intersection_over_union(strongest.detection.box, found[other].detection.box);
      if (joined[other] || overlap <= overlap_limit) continue;
      joined[other] = true;
      if (overlap > kSameFaceOverlap &&
          distance_from_ideal(found[other]) < distance_from_ideal(*best)) {
        best = &found[other];
      }
    }
    faces.push_back(best->detection);
    faces.back().detection_score = strongest.detection.detection_score;
  }
  // A box that took the place of a stronger one may overlap a third.
  return suppress_overlaps(std::move(faces), overlap_limit, face_limit);
}

}  // namespace faceforge::vision
