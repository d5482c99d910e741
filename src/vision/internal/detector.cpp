#include "vision/internal/detector.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "vision/blazeface_head.h"
#include "vision/internal/heads.h"
#include "vision/internal/input_tensor.h"
#include "vision/internal/non_maximum_suppression.h"
#include "vision/ssd_head.h"

namespace faceforge::vision {
namespace {

/// The side of the black picture that tells whether an open network's outputs fit its head.
constexpr int kProbeSide_px = 64;

/// What the card and the file together say of the input.
Result<DetectorReach> reach_in(const DetectorSpec& spec, const nn::Network& network) {
  DetectorReach reach = reach_of(spec.head);
  reach.stride_multiple_px = std::max(1, spec.stride_multiple_px);
  reach.fixed_width_px = spec.fixed_side_px;
  reach.fixed_height_px = spec.fixed_side_px;
  const auto& inputs = network.inputs();
  if (inputs.size() != 1 || inputs[0].shape.size() != 4 ||
      (inputs[0].shape[1] != image::kChannels && inputs[0].shape[1] != -1)) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "a detector has one input of batch, 3 channels, height and width; {} is not so",
                spec.file.filename().string());
  }
  const auto fix = [&](int64_t stated, int& side_px) {
    if (stated <= 0) return true;
    if (side_px != 0 && stated != side_px) return false;
    side_px = static_cast<int>(stated);
    return true;
  };
  if (std::max(inputs[0].shape[2], inputs[0].shape[3]) > kMaxDetectorSide_px) {
    return fail(ErrorCode::TooLarge, "detector_input_too_large",
                "{} wants an input of {} x {} pixels; the limit is {} a side",
                spec.file.filename().string(), inputs[0].shape[3], inputs[0].shape[2],
                kMaxDetectorSide_px);
  }
  const int card_side_px = reach.fixed_width_px;
  if (!fix(inputs[0].shape[2], reach.fixed_height_px) ||
      !fix(inputs[0].shape[3], reach.fixed_width_px) ||
      (reach.fixed_width_px > 0) != (reach.fixed_height_px > 0)) {
    return fail(
        ErrorCode::Corrupt, "network_shape", "{} wants an input of {} x {}, and its card one of {}",
        spec.file.filename().string(), inputs[0].shape[3], inputs[0].shape[2], card_side_px);
  }
  if (finds_boxes_only(spec.head) &&
      (reach.fixed_width_px == 0 || reach.fixed_width_px != reach.fixed_height_px)) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "a detector with this head needs a fixed square input; {} has {} x {}",
                spec.file.filename().string(), reach.fixed_width_px, reach.fixed_height_px);
  }
  return reach;
}

}  // namespace

Detector::Detector(DetectorSpec spec, nn::Network network, DetectorReach reach,
                   nn::RunOptions run_options)
    : spec_(std::move(spec)),
      network_(std::move(network)),
      reach_(reach),
      run_options_(run_options) {}

Result<Detector> Detector::load(const DetectorSpec& spec, const nn::RunOptions& run_options) {
  nn::Network network = TRY(nn::Network::load(spec.file));
  const DetectorReach reach = TRY(reach_in(spec, network));
  Detector detector(spec, std::move(network), reach, run_options);
  const int width = reach.fixed_width_px > 0 ? reach.fixed_width_px : kProbeSide_px;
  const int height = reach.fixed_height_px > 0 ? reach.fixed_height_px : kProbeSide_px;
  TRY(detector.look(black_input(1, width, height, spec.input), spec.min_detection_score));
  return detector;
}

Result<std::vector<Detection>> Detector::look(const nn::Tensor& input,
                                              float min_detection_score) const {
  const std::vector<nn::Tensor> outputs = TRY(network_.run(input, run_options_));
  const GridPicture picture{.width_px = static_cast<int>(input.shape[3]),
                            .height_px = static_cast<int>(input.shape[2]),
                            .min_detection_score = min_detection_score};
  switch (spec_.head) {
    case DetectorHead::Scrfd:
      return decode_scrfd(outputs, picture);
    case DetectorHead::Retinaface:
      return decode_retinaface(outputs, picture);
    case DetectorHead::Yunet:
      return decode_yunet(outputs, picture);
    case DetectorHead::Ssd:
      return decode_ssd(network_.outputs(), outputs, picture.width_px, min_detection_score);
    case DetectorHead::Blazeface:
      return decode_blazeface(network_.outputs(), outputs, picture.width_px, min_detection_score);
  }
  std::unreachable();
}

Result<std::vector<Detection>> Detector::find(const image::Image& image,
                                              const DetectOptions& options) const {
  const float min_detection_score = options.min_detection_score.value_or(spec_.min_detection_score);
  const auto face_limit = static_cast<size_t>(std::max(0, options.face_limit));
  const bool gives_hints = reach_.hint_score > 0 && options.scale_search == ScaleSearch::Full &&
                           options.frame_scales.empty();
  const float faintest =
      gives_hints ? std::min(reach_.hint_score, min_detection_score) : min_detection_score;
  std::vector<ScaledDetection> found;
  nn::Tensor input;

  // Adds what the views show to `found`, and gives back what they hint at.
  const auto look_at = [&](const Level& level,
                           std::span<const View> views) -> Result<std::vector<Hint>> {
    std::vector<Hint> hints;
    for (const View& view : views) {
      fill(input, image, level, view);
      if (options.on_detector_input) TRY(options.on_detector_input(0, input));
      std::vector<Detection> seen = TRY(look(input, faintest));
      std::vector<Detection> strong;
      std::ranges::copy_if(seen, std::back_inserter(strong), [&](const Detection& detection) {
        return detection.detection_score >= min_detection_score;
      });
      const std::vector<Detection> kept =
          suppress_overlaps(std::move(strong), spec_.overlap_limit, face_limit);
      // A large face has faint boxes around it that are small enough to hint at a small one.
      seen = without_shadows(std::move(seen), kept, spec_.overlap_limit);
      std::ranges::move(hints_of(seen, view, level, image.width_px(), image.height_px()),
                        std::back_inserter(hints));
      std::ranges::move(from_view(kept, view, level, image.width_px(), image.height_px()),
                        std::back_inserter(found));
    }
    return hints;
  };

  const auto joined = [&] {
    return join_levels(std::move(found), spec_.overlap_limit, reach_.ideal_face_px, face_limit);
  };
  if (!options.frame_scales.empty()) {
    for (const Level& level :
         frame_levels(options.frame_scales, image.width_px(), image.height_px(), reach_)) {
      TRY(look_at(level, level.views));
    }
    return joined();
  }
  if (options.scale_search == ScaleSearch::Single) {
    const Level level = single_level(image.width_px(), image.height_px(), reach_);
    TRY(look_at(level, level.views));
    return joined();
  }
  const ScalePlan plan = plan_scales(image.width_px(), image.height_px(), reach_);
  std::vector<Hint> hints = TRY(look_at(plan.overview, plan.overview.views));
  if (!gives_hints || found.empty() || hint_at_large_face(hints, plan)) {
    TRY(look_at(plan.shrunken, plan.shrunken.views));
  }
  // Where even the largest face is hardly seen in the overview, most give no hint.
  const bool are_all_small = std::ranges::all_of(found, [this](const ScaledDetection& face) {
    return face.input_face_px < reach_.smallest_face_px;
  });
  if (plan.everywhere && (!gives_hints || are_all_small)) {
    TRY(look_at(*plan.everywhere, plan.everywhere->views));
    return joined();
  }
  size_t tiles_left = kTileLimit;
  for (const Level& level : plan.finer) {
    const std::vector<View> tiles =
        hinted_tiles(level, std::move(hints), tiles_left, image.width_px(), image.height_px());
    tiles_left -= tiles.size();
    hints = TRY(look_at(level, tiles));
  }
  return joined();
}

void Detector::fill(nn::Tensor& input, const image::Image& image, const Level& level,
                    const View& view) const {
  const std::vector<int64_t> shape = {1, image::kChannels, view.height_px, view.width_px};
  const bool covered = view.part.width == view.width_px && view.part.height == view.height_px;
  if (!covered || input.shape != shape) {
    input = black_input(1, view.width_px, view.height_px, spec_.input);
  }
  place_scaled(image, level.width_px, level.height_px, view.part, spec_.input,
               {.picture_index = 0, .left = view.left, .top = view.top}, input);
}

}  // namespace faceforge::vision
