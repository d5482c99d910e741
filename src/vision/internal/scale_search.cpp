#include "vision/internal/scale_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

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
/// A hint costs one tile; larger ones would waste less on overlaps.
constexpr int kTileSide_px = 512;
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
/// A longer box in the detector's input hints at nothing that would count a level further on.
constexpr float kHintMaxFace_px = kTileMaxFace_px / 2;
/// The sides that the detector's input has, so that few sizes are compiled. Among them are those
/// that photos of the usual shapes have in the overview: 5:4 and 4:3 are 512 and 480, 3:2 is 427,
/// 16:9 is 360.
constexpr std::array<int, 14> kInputSides_px = {32,  64,  96,  128, 160, 192, 224,
                                                256, 320, 384, 448, 480, 512, 640};

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

int scaled_side(int side_px, double scale) {
  return std::max(1, static_cast<int>(std::lround(side_px * scale)));
}

enum class InputSides { Few, AnyMultiple };

/// The detector's input that holds `side_px`.
int input_side(int side_px, int fixed_px, int multiple_px, InputSides sides) {
  if (fixed_px > 0) return fixed_px;
  if (sides == InputSides::AnyMultiple) return round_up(side_px, multiple_px);
  const auto larger = std::ranges::lower_bound(kInputSides_px, side_px);
  return round_up(larger == kInputSides_px.end() ? side_px : *larger, multiple_px);
}

double overview_scale(int width_px, int height_px, const DetectorReach& reach) {
  const double fit = reach.fixed_width_px > 0
                         ? std::min(static_cast<double>(reach.fixed_width_px) / width_px,
                                    static_cast<double>(reach.fixed_height_px) / height_px)
                         : static_cast<double>(kOverviewSide_px) / std::max(width_px, height_px);
  return reach.enlarges_photos ? fit : std::min(1.0, fit);
}

Level whole_photo(int width_px, int height_px, double scale, double margin_share,
                  const DetectorReach& reach, InputSides sides) {
  Level level{.width_px = scaled_side(width_px, scale),
              .height_px = scaled_side(height_px, scale),
              .min_face_px = 0,
              .max_face_px = kAnyFace_px,
              .views = {}};
  const int margin =
      static_cast<int>(std::lround(std::max(level.width_px, level.height_px) * margin_share));
  View view{.part = {0, 0, level.width_px, level.height_px},
            .width_px = input_side(level.width_px + 2 * margin, reach.fixed_width_px,
                                   reach.stride_multiple_px, sides),
            .height_px = input_side(level.height_px + 2 * margin, reach.fixed_height_px,
                                    reach.stride_multiple_px, sides)};
  if (margin > 0) {
    view.left = (view.width_px - level.width_px) / 2;
    view.top = (view.height_px - level.height_px) / 2;
  }
  level.views.push_back(view);
  return level;
}

Level shrunken_photo(int width_px, int height_px, double overview, const DetectorReach& reach) {
  Level level = whole_photo(width_px, height_px, overview * kShrunkenScale, kShrunkenMargin, reach,
                            InputSides::Few);
  level.min_face_px =
      kShrunkenMinShare * static_cast<float>(std::max(level.width_px, level.height_px));
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
                                                    reach.stride_multiple_px, InputSides::Few),
                             .height_px = input_side(height, reach.fixed_height_px,
                                                     reach.stride_multiple_px, InputSides::Few),
                             .left = 0,
                             .top = 0});
    }
  }
  return level;
}

/// Where 16 px faces have the detector's smallest size.
double finest_scale(const DetectorReach& reach) {
  return static_cast<double>(reach.smallest_face_px / kSmallestFace_px);
}

/// The levels between the overview and the finest scale.
std::vector<Level> doubled_levels(int width_px, int height_px, double overview,
                                  const DetectorReach& reach) {
  std::vector<Level> levels;
  const double finest = finest_scale(reach);
  double scale = overview;
  while (finest > kWorthwhileGain * scale) {
    scale = std::min(2 * scale, finest);
    levels.push_back(tiles(width_px, height_px, scale, reach));
  }
  return levels;
}

/// The tiles' level within its bounds.
Level bounded_tiles(int width_px, int height_px, const DetectorReach& reach) {
  const double pixels = static_cast<double>(width_px) * height_px;
  const TileSize tile = tile_size(reach);
  double scale = std::min(finest_scale(reach), std::sqrt(kTiledPixelBudget / pixels));
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
  Unscale(const Level& level, int image_width_px, int image_height_px)
      : factor_x(static_cast<float>(image_width_px) / static_cast<float>(level.width_px)),
        factor_y(static_cast<float>(image_height_px) / static_cast<float>(level.height_px)) {}

  float factor_x;
  float factor_y;

  [[nodiscard]] face::Point operator()(face::Point point) const {
    return {(point.x + 0.5F) * factor_x - 0.5F, (point.y + 0.5F) * factor_y - 0.5F};
  }
};

}  // namespace

DetectorReach reach_of(DetectorHead head) {
  DetectorReach reach;
  reach.enlarges_photos = finds_boxes_only(head);
  // Measured on crowds of faces 16 to 24 px wide (recall_slow_test), the hints on the overview of
  // the same: 0021 has the figures.
  switch (head) {
    case DetectorHead::Scrfd:
    case DetectorHead::Yunet:
      reach.hint_score = 0.1F;
      break;
    case DetectorHead::Retinaface:
      reach.smallest_face_px = 24;
      reach.hint_score = 0.02F;
      break;
    case DetectorHead::Ssd:
    case DetectorHead::Blazeface:
      reach.smallest_face_px = 24;
      break;
  }
  return reach;
}

ScalePlan plan_scales(int width_px, int height_px, const DetectorReach& reach) {
  const double overview = overview_scale(width_px, height_px, reach);
  ScalePlan plan{.overview = whole_photo(width_px, height_px, overview, 0, reach, InputSides::Few),
                 .shrunken = shrunken_photo(width_px, height_px, overview, reach),
                 .finer = {},
                 .everywhere = {}};
  const TileSize tile = tile_size(reach);
  if (std::min(tile.width_px, tile.height_px) < kTileMinSide_px) return plan;
  if (reach.hint_score > 0) plan.finer = doubled_levels(width_px, height_px, overview, reach);
  Level everywhere = bounded_tiles(width_px, height_px, reach);
  if (everywhere.width_px > kWorthwhileGain * plan.overview.width_px) {
    plan.everywhere = std::move(everywhere);
  }
  return plan;
}

Level single_level(int width_px, int height_px, const DetectorReach& reach) {
  const double overview = overview_scale(width_px, height_px, reach);
  return whole_photo(width_px, height_px, overview, 0, reach, InputSides::AnyMultiple);
}

std::vector<Level> frame_levels(std::span<const FrameScale> scales, int width_px, int height_px,
                                const DetectorReach& reach) {
  const double overview = overview_scale(width_px, height_px, reach);
  const double half = 0.5 * kOverviewSide_px / std::max(width_px, height_px);
  const auto level_of = [&](FrameScale scale) {
    switch (scale) {
      case FrameScale::Half:
        if (reach.fixed_width_px > 0) break;
        return whole_photo(width_px, height_px, std::min(half, overview), 0, reach,
                           InputSides::AnyMultiple);
      case FrameScale::Whole:
        break;
      case FrameScale::Shrunken:
        return shrunken_photo(width_px, height_px, overview, reach);
    }
    return single_level(width_px, height_px, reach);
  };
  std::vector<Level> levels;
  for (const FrameScale scale : scales) {
    Level level = level_of(scale);
    const bool is_new = std::ranges::find(levels, level.views, &Level::views) == levels.end();
    if (is_new) levels.push_back(std::move(level));
  }
  return levels;
}

std::vector<ScaledDetection> from_view(const std::vector<Detection>& detections, const View& view,
                                       const Level& level, int image_width_px,
                                       int image_height_px) {
  const Unscale unscale(level, image_width_px, image_height_px);
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

std::vector<Hint> hints_of(const std::vector<Detection>& detections, const View& view,
                           const Level& level, int image_width_px, int image_height_px) {
  const Unscale unscale(level, image_width_px, image_height_px);
  const auto shift_x = static_cast<float>(view.part.x - view.left);
  const auto shift_y = static_cast<float>(view.part.y - view.top);
  std::vector<Hint> hints;
  for (const Detection& faint : detections) {
    hints.push_back({unscale({faint.box.center_x() + shift_x, faint.box.center_y() + shift_y}),
                     std::max(faint.box.width, faint.box.height), faint.detection_score});
  }
  return hints;
}

bool hint_at_large_face(std::span<const Hint> hints, const ScalePlan& plan) {
  const auto longer_side =
      static_cast<float>(std::max(plan.overview.width_px, plan.overview.height_px));
  return std::ranges::any_of(hints, [longer_side](const Hint& hint) {
    return hint.input_face_px >= kShrunkenMinShare * longer_side;
  });
}

std::vector<View> hinted_tiles(const Level& finer, std::vector<Hint> hints, size_t tile_limit,
                               int image_width_px, int image_height_px) {
  std::erase_if(hints, [](const Hint& hint) { return hint.input_face_px > kHintMaxFace_px; });
  std::ranges::stable_sort(hints, std::greater<>(), &Hint::detection_score);
  if (hints.size() > kCandidateLimit) hints.resize(kCandidateLimit);
  const float scale_x = static_cast<float>(finer.width_px) / static_cast<float>(image_width_px);
  const float scale_y = static_cast<float>(finer.height_px) / static_cast<float>(image_height_px);
  std::vector<View> chosen;
  for (const Hint& hint : hints) {
    if (chosen.size() >= std::min(tile_limit, finer.views.size())) break;
    const auto distance = [&](const View& view) {
      const float middle_x =
          static_cast<float>(view.part.x) + 0.5F * static_cast<float>(view.part.width);
      const float middle_y =
          static_cast<float>(view.part.y) + 0.5F * static_cast<float>(view.part.height);
      return std::max(
          std::abs(hint.center.x * scale_x - middle_x) / static_cast<float>(view.part.width),
          std::abs(hint.center.y * scale_y - middle_y) / static_cast<float>(view.part.height));
    };
    const View& nearest = *std::ranges::min_element(finer.views, {}, distance);
    if (std::ranges::find(chosen, nearest) == chosen.end()) chosen.push_back(nearest);
  }
  return chosen;
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
