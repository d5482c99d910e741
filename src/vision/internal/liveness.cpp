#include "vision/internal/liveness.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "vision/internal/input_tensor.h"

namespace faceforge::vision {
namespace {

constexpr float kLowerShare = 0.05F;

/// Scales a part of an image bilinearly without averaging, as the networks were trained on.
image::Image sampled(const image::Image& image, const image::PixelRectangle& part, int side_px) {
  struct Tap {
    int first = 0;
    int second = 0;
    float second_weight = 0;
  };
  const auto taps = [side_px](int start, int length) {
    std::vector<Tap> list;
    for (int index = 0; index < side_px; ++index) {
      const float at = std::clamp((static_cast<float>(index) + 0.5F) * static_cast<float>(length) /
                                          static_cast<float>(side_px) -
                                      0.5F,
                                  0.0F, static_cast<float>(length - 1));
      const int first = static_cast<int>(at);
      list.push_back(
          {start + first, start + std::min(first + 1, length - 1), at - static_cast<float>(first)});
    }
    return list;
  };
  const std::vector<Tap> columns = taps(part.x, part.width);
  const std::vector<Tap> rows = taps(part.y, part.height);
  image::Image result = image::Image::create(side_px, side_px);
  for (int y = 0; y < side_px; ++y) {
    const Tap& row = rows[static_cast<size_t>(y)];
    const auto upper = image.row(row.first);
    const auto lower = image.row(row.second);
    const auto output = result.row(y);
    for (int x = 0; x < side_px; ++x) {
      const Tap& column = columns[static_cast<size_t>(x)];
      for (int channel = 0; channel < image::kChannels; ++channel) {
        const auto left = static_cast<size_t>(column.first * image::kChannels + channel);
        const auto right = static_cast<size_t>(column.second * image::kChannels + channel);
        const float above = std::lerp(static_cast<float>(upper[left]),
                                      static_cast<float>(upper[right]), column.second_weight);
        const float below = std::lerp(static_cast<float>(lower[left]),
                                      static_cast<float>(lower[right]), column.second_weight);
        output[static_cast<size_t>(x * image::kChannels + channel)] =
            static_cast<uint8_t>(std::lround(std::lerp(above, below, row.second_weight)));
      }
    }
  }
  return result;
}

Result<float> real_class_probability(const LivenessSpec& spec, const nn::Network& network,
                                     const nn::Tensor& input, const nn::RunOptions& run_options) {
  const std::vector<nn::Tensor> outputs = TRY(network.run(input, run_options));
  if (outputs.size() != 1 || spec.real_class_index < 0 || outputs[0].values.size() < 2 ||
      std::cmp_greater_equal(spec.real_class_index, outputs[0].values.size())) {
    return fail(ErrorCode::Corrupt, "network_shape",
                "{} should give one output of at least 2 classes, class {} among them",
                spec.file.filename().string(), spec.real_class_index);
  }
  const std::vector<float>& logits = outputs[0].values;
  const float largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - double{largest});
  const double real = double{logits[static_cast<size_t>(spec.real_class_index)]};
  const double probability = std::exp(real - double{largest}) / sum;
  if (!std::isfinite(probability)) {
    return fail(ErrorCode::Internal, "liveness_not_finite", "{} gave a class that is not finite",
                spec.file.filename().string());
  }
  return static_cast<float>(probability);
}

}  // namespace

image::PixelRectangle liveness_part(const face::BoundingBox& box, float growth, int width_px,
                                    int height_px) {
  const auto last_x = static_cast<float>(width_px - 1);
  const auto last_y = static_cast<float>(height_px - 1);
  const float fitting = std::min({growth, last_x / box.width, last_y / box.height});
  const float width = box.width * fitting;
  const float height = box.height * fitting;
  // Whole pixels are cut off, and the last column and row belong to the part, as in the source.
  const float left = std::clamp(box.center_x() - width / 2, 0.0F, std::max(0.0F, last_x - width));
  const float top = std::clamp(box.center_y() - height / 2, 0.0F, std::max(0.0F, last_y - height));
  const int x = static_cast<int>(left);
  const int y = static_cast<int>(top);
  const int right = std::min(width_px - 1, static_cast<int>(left + width));
  const int bottom = std::min(height_px - 1, static_cast<int>(top + height));
  return {x, y, right - x + 1, bottom - y + 1};
}

face::BoundingBox liveness_box(const face::BoundingBox& box) {
  const float side = std::sqrt(box.area());
  return {box.center_x() - side / 2, box.center_y() + kLowerShare * box.height - side / 2, side,
          side};
}

LivenessNetworks::LivenessNetworks(std::vector<Member> members, nn::RunOptions run_options)
    : members_(std::move(members)), run_options_(run_options) {}

Result<LivenessNetworks> LivenessNetworks::load(std::span<const LivenessSpec> specs,
                                                const nn::RunOptions& run_options) {
  std::vector<Member> members;
  for (const LivenessSpec& spec : specs) {
    auto network = TRY(nn::Network::load(spec.file));
    members.push_back({spec, std::move(network)});
    TRY(real_class_probability(spec, members.back().network,
                               black_input(1, spec.side_px, spec.side_px, spec.input),
                               run_options));
  }
  return LivenessNetworks(std::move(members), run_options);
}

Result<float> LivenessNetworks::probability(const image::Image& image,
                                            const face::BoundingBox& box) const {
  if (!(box.width > 0) || !(box.height > 0) || !std::isfinite(box.area()) ||
      !std::isfinite(box.x + box.y) || image.width_px() < 2 || image.height_px() < 2) {
    return fail(ErrorCode::InvalidInput, "box_outside_photo",
                "a box of {} x {} in a photo of {} x {} shows no face", box.width, box.height,
                image.width_px(), image.height_px());
  }
  double sum = 0;
  for (const Member& member : members_) {
    const LivenessSpec& spec = member.spec;
    const image::PixelRectangle part =
        liveness_part(box, spec.box_growth, image.width_px(), image.height_px());
    nn::Tensor input = black_input(1, spec.side_px, spec.side_px, spec.input);
    place_pixels(sampled(image, part, spec.side_px), {0, 0, spec.side_px, spec.side_px}, spec.input,
                 {}, input);
    const float probability =
        TRY(real_class_probability(spec, member.network, input, run_options_));
    sum += double{probability};
  }
  return static_cast<float>(sum / static_cast<double>(members_.size()));
}

}  // namespace faceforge::vision
