#include "image/draw.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "image/internal/codec.h"

namespace faceforge::image {
namespace {

constexpr size_t kMaxLabelCharacters = 200;
constexpr Colour kBlack{0, 0, 0};
constexpr Colour kWhite{255, 255, 255};

void fill(Image& image, const PixelRectangle& rectangle, Colour colour) {
  const auto clamp_to = [](int64_t value, int side) {
    return static_cast<int>(std::clamp<int64_t>(value, 0, side));
  };
  const int left = clamp_to(rectangle.x, image.width_px());
  const int right = clamp_to(int64_t{rectangle.x} + rectangle.width, image.width_px());
  const int top = clamp_to(rectangle.y, image.height_px());
  const int bottom = clamp_to(int64_t{rectangle.y} + rectangle.height, image.height_px());
  for (int y = top; y < bottom; ++y) {
    uint8_t* pixel = image.row(y).data() + static_cast<size_t>(left) * kChannels;
    for (int x = left; x < right; ++x, pixel += kChannels) {
      std::memcpy(pixel, colour.data(), kChannels);
    }
  }
}

// Black on light backgrounds, white on dark ones (luma of ITU-R BT.601).
Colour readable_on(Colour background) {
  const double luma = 0.299 * background[0] + 0.587 * background[1] + 0.114 * background[2];
  return luma > 140 ? kBlack : kWhite;
}

// The first characters of UTF-8 text, without line breaks, with markup made literal.
std::string label_markup(std::string_view text) {
  std::string line;
  size_t characters = 0;
  for (const char c : text) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts_character && ++characters > kMaxLabelCharacters) break;
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    line += control ? ' ' : c;
  }
  const std::unique_ptr<char, decltype(&g_free)> escaped(
      g_markup_escape_text(line.data(), static_cast<gssize>(line.size())), g_free);
  return escaped.get();
}

// Text as coverage, 0 to 255, one byte a pixel.
internal::ImagePointer render_text(std::string_view text, int height_px) {
  internal::start_codec_library();
  const std::string font = fmt::format("DejaVu Sans {}px", height_px);
  const std::string markup = label_markup(text);
  const auto drawn = internal::run([&](VipsImage** out) {
    return vips_text(out, markup.c_str(), "font", font.c_str(), nullptr);
  });
  if (!drawn) return nullptr;
  return internal::ImagePointer(vips_image_copy_memory(drawn.get()));
}

void blend(Image& image, const VipsImage* coverage, int left, int top, Colour colour) {
  const int width_px = vips_image_get_width(coverage);
  const int height_px = vips_image_get_height(coverage);
  for (int y = std::max(0, -top); y < height_px && top + y < image.height_px(); ++y) {
    const uint8_t* weights = VIPS_IMAGE_ADDR(coverage, 0, y);
    for (int x = std::max(0, -left); x < width_px && left + x < image.width_px(); ++x) {
      uint8_t* pixel = image.row(top + y).data() + static_cast<size_t>(left + x) * kChannels;
      for (size_t c = 0; c < kChannels; ++c) {
        const int mixed = pixel[c] * (255 - weights[x]) + colour[c] * weights[x];
        pixel[c] = static_cast<uint8_t>((mixed + 127) / 255);
      }
    }
  }
}

}  // namespace

void draw_rectangle(Image& image, const PixelRectangle& rectangle, Colour colour,
                    int thickness_px) {
  const auto [x, y, width, height] = rectangle;
  const int thickness = std::min({thickness_px, width, height});
  if (thickness <= 0) return;
  fill(image, {x, y, width, thickness}, colour);
  fill(image, {x, y + height - thickness, width, thickness}, colour);
  fill(image, {x, y, thickness, height}, colour);
  fill(image, {x + width - thickness, y, thickness, height}, colour);
}

void draw_disc(Image& image, Point2f centre, float radius_px, Colour colour) {
  if (!std::isfinite(centre.x) || !std::isfinite(centre.y) || !(radius_px >= 0)) return;
  const auto row_index = [&image](float y) {
    return static_cast<int>(std::clamp(y, -1.0f, static_cast<float>(image.height_px())));
  };
  const int last_row = std::min(image.height_px() - 1, row_index(centre.y + radius_px));
  for (int y = std::max(0, row_index(std::ceil(centre.y - radius_px))); y <= last_row; ++y) {
    const float above = static_cast<float>(y) - centre.y;
    const float half_px = std::sqrt(std::max(0.0f, radius_px * radius_px - above * above));
    const float limit = static_cast<float>(image.width_px());
    const int left = static_cast<int>(std::clamp(std::ceil(centre.x - half_px), 0.0f, limit));
    const int right = static_cast<int>(std::clamp(std::floor(centre.x + half_px), -1.0f, limit));
    fill(image, {.x = left, .y = y, .width = right - left + 1, .height = 1}, colour);
  }
}

Result<void> draw_label(Image& image, std::string_view text, Point2f top_left, int height_px,
                        Colour background) {
  CHECK(height_px >= 4 && height_px <= 1000);
  if (g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr) == FALSE) {
    return fail(ErrorCode::InvalidInput, "label_not_utf8", "a label of {} bytes is not UTF-8",
                text.size());
  }
  const bool blank = text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  if (blank) return {};
  const auto coverage = render_text(text, height_px);
  if (!coverage) {
    log::debug("draw_label: {}", internal::take_codec_words());
    return fail(ErrorCode::Internal, "label_not_drawn",
                "cannot draw a label; is a font installed?");
  }
  const int margin_px = std::max(1, height_px / 5);
  const int strip_width_px = vips_image_get_width(coverage.get()) + 2 * margin_px;
  const int strip_height_px = vips_image_get_height(coverage.get()) + 2 * margin_px;
  const auto moved_inside = [](float position, int strip_px, int side_px) {
    const float last = static_cast<float>(std::max(0, side_px - strip_px));
    return static_cast<int>(std::clamp(std::round(position), 0.0f, last));
  };
  const int left = moved_inside(top_left.x, strip_width_px, image.width_px());
  const int top = moved_inside(top_left.y, strip_height_px, image.height_px());
  fill(image, {left, top, strip_width_px, strip_height_px}, background);
  blend(image, coverage.get(), left + margin_px, top + margin_px, readable_on(background));
  return {};
}

}  // namespace faceforge::image
