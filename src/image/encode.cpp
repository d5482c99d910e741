#include "image/encode.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "image/internal/codec.h"

namespace faceforge::image {
namespace {

// Runs one of the library's savers: `save(view, &buffer, &size)`.
template <typename Save>
Result<std::vector<std::byte>> encode(const Image& image, Save&& save) {
  const internal::ImagePointer view = internal::view_of(image);
  void* buffer = nullptr;
  size_t size = 0;
  if (!view || save(view.get(), &buffer, &size) != 0) {
    log::warning("encode: {}", internal::take_codec_words());
    return fail(ErrorCode::Exhausted, "encode_failed", "cannot encode an image of {} x {} pixels",
                image.width_px(), image.height_px());
  }
  const std::unique_ptr<void, decltype(&g_free)> owned(buffer, g_free);
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  return std::vector<std::byte>(bytes, bytes + size);
}

}  // namespace

Result<std::vector<std::byte>> encode_jpeg(const Image& image, int quality) {
  CHECK(quality >= 1 && quality <= 100);
  const auto subsampling = quality >= 90 ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON;
  return encode(image, [&](VipsImage* view, void** buffer, size_t* size) {
    return vips_jpegsave_buffer(view, buffer, size, "Q", quality, "strip", TRUE, "optimize_coding",
                                TRUE, "subsample_mode", subsampling, nullptr);
  });
}

Result<std::vector<std::byte>> encode_png(const Image& image) {
  return encode(image, [](VipsImage* view, void** buffer, size_t* size) {
    return vips_pngsave_buffer(view, buffer, size, "strip", TRUE, nullptr);
  });
}

}  // namespace faceforge::image
