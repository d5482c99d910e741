#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/zeroed_memory.h"

namespace faceforge::image {

inline constexpr int kChannels = 3;
inline constexpr int kMaxSide_px = 65'535;

/// A picture as everything after decoding sees it: upright, RGB, 8 bits a channel, sRGB, origin top
/// left, rows from top to bottom without gaps, the three channels of a pixel side by side.
/// Movable; a copy is asked for by name, because it may be 50 MB.
class Image {
 public:
  /// A black image. Both sides are between 1 and kMaxSide_px: anything else is a bug.
  [[nodiscard]] static Image create(int width_px, int height_px);

  Image(Image&&) noexcept = default;
  Image& operator=(Image&&) noexcept = default;

  [[nodiscard]] Image clone() const { return Image(*this); }

  [[nodiscard]] int width_px() const { return width_px_; }
  [[nodiscard]] int height_px() const { return height_px_; }

  /// R, G, B of (0, 0), then of (1, 0), ...: 3 * width * height bytes.
  [[nodiscard]] std::span<const uint8_t> pixels() const { return pixels_; }
  [[nodiscard]] std::span<uint8_t> pixels() { return pixels_; }

  /// The 3 * width bytes of row `y`, which must be in [0, height).
  [[nodiscard]] std::span<const uint8_t> row(int y) const {
    return pixels().subspan(row_offset(y), row_bytes());
  }
  [[nodiscard]] std::span<uint8_t> row(int y) {
    return pixels().subspan(row_offset(y), row_bytes());
  }

 private:
  Image(int width_px, int height_px);
  Image(const Image&) = default;

  [[nodiscard]] size_t row_bytes() const { return static_cast<size_t>(width_px_) * kChannels; }
  [[nodiscard]] size_t row_offset(int y) const { return static_cast<size_t>(y) * row_bytes(); }

  int width_px_;
  int height_px_;
  std::vector<uint8_t, ZeroedMemory<uint8_t>> pixels_;
};

/// A decoded photo. `width_px` and `height_px` are those of the upright photo at full size; `image`
/// is smaller when the photo was shrunk while loading. Every coordinate outside of this folder is
/// in pixels of the full-size upright photo; only what samples pixels multiplies by scale().
struct Photo {
  Image image;
  int width_px = 0;
  int height_px = 0;

  /// Image pixels per photo pixel, in (0, 1]; 1 when nothing was shrunk.
  [[nodiscard]] double scale() const;
};

struct DecodeLimits {
  size_t bytes = 25'000'000;    ///< setting limits.photo_bytes
  double megapixels = 100;      ///< of the photo at full size; setting limits.photo_megapixels
  int working_side_px = 4'096;  ///< a longer side is shrunk to this while loading
};

/// Reads a JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF file into an upright sRGB image.
///
/// The orientation that EXIF or the container gives is applied, once. Grey, palette, CMYK and
/// 16-bit pixels become RGB8, through the embedded colour profile where there is one; transparent
/// pixels are laid over white (passport and catalogue photos are cut out for white paper). Of an
/// animation or of several pages the first is read.
///
/// in:     the whole file; its kind is told from its first bytes, never from a name.
///         `enough_side_px`: a JPEG or WebP is halved inside its decoder, up to three times, as
///         long as its longer side keeps this many pixels; by default never. `thread_count`: of
///         those that decode a JPEG which is halved, the caller's among them
/// fails:  invalid_input/photo_empty; too_large/photo_bytes_too_large; too_large/photo_too_large
///         (megapixels, a side over kMaxSide_px, or more than 8 bytes for each pixel of the limit;
///         from the header, before any pixel is decoded);
///         too_large/photo_too_many_scans (a JPEG of more than 100);
///         unsupported/not_an_image (any other kind of file, among them SVG and PDF);
///         unsupported/pixels_unsupported (a TIFF of something else than grey, RGB or CMYK; more
///         than 5 channels are refused from the header);
///         invalid_input/image_damaged (cut short, or contents that the decoder cannot make sense
///         of; a JPEG with an end mark may have fewer rows than its header says, which are grey);
///         exhausted/out_of_memory
/// cost:   one pass over the file; JPEG and WebP are shrunk inside their decoders. Memory is the
///         working image (twice for a photo stored rotated), of a halved JPEG the file again, plus
///         the whole photo where it cannot be read row by row: progressive JPEG, interlaced PNG,
///         GIF, HEIC, AVIF. The codecs of the last two see a size of their own, which is compared
///         with the header's before (internal/heif_coded_size.h). Thread safe.
[[nodiscard]] Result<Photo> decode(std::span<const std::byte> file, const DecodeLimits& limits,
                                   int enough_side_px = kMaxSide_px, int thread_count = 1);

}  // namespace faceforge::image
