#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "image/geometry.h"
#include "image/image.h"

namespace faceforge::image {

/// Red, green, blue.
using Colour = std::array<uint8_t, kChannels>;

/// Draws the outline of `rectangle`, `thickness_px` wide, inwards. Parts outside are left out.
void draw_rectangle(Image& image, const PixelRectangle& rectangle, Colour colour, int thickness_px);

/// Draws a filled disc. Parts outside are left out.
void draw_disc(Image& image, Point2f centre, float radius_px, Colour colour);

/// Draws one line of text, white or black (whichever reads better) on a strip of `background`.
///
/// in:     `text` as UTF-8, taken literally (no markup); at most 200 characters, longer ones are
/// cut;
///         `top_left` is moved so that the strip stays inside of the image where it fits at all
/// fails:  invalid_input/label_not_utf8; internal/label_not_drawn when no font is installed
[[nodiscard]] Result<void> draw_label(Image& image, std::string_view text, Point2f top_left,
                                      int height_px, Colour background);

}  // namespace faceforge::image
