#include "image/internal/codec.h"

#include "base/check.h"

namespace faceforge::image::internal {
namespace {

// The library's warnings quote foreign text and go to standard error on their own: whatever makes a
// photo unusable comes back as a failure as well.
void drop_warning(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

bool start() {
  CHECK_MSG(vips_init("faceforge") == 0, "libvips does not start");
  g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, drop_warning, nullptr);
  vips_operation_block_set("VipsForeignLoad", TRUE);
  for (const char* loader :
       {"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadNsgif",
        "VipsForeignLoadTiff", "VipsForeignLoadHeif"}) {
    vips_operation_block_set(loader, FALSE);
  }
  vips_block_untrusted_set(TRUE);
  // Photos are decoded once: remembering operations would only keep private pixels in memory.
  vips_cache_set_max(0);
  // Requests run side by side already; one photo does not also spread over all cores.
  vips_concurrency_set(1);
  return true;
}

}  // namespace

void start_codec_library() {
  static const bool started = start();
  CHECK(started);
}

std::string take_codec_words() {
  const std::unique_ptr<char, decltype(&g_free)> words(vips_error_buffer_copy(), g_free);
  return words ? std::string(words.get()) : std::string();
}

ImagePointer view_of(const Image& image) {
  start_codec_library();
  const auto pixels = image.pixels();
  ImagePointer view(vips_image_new_from_memory(pixels.data(), pixels.size(), image.width_px(),
                                               image.height_px(), kChannels, VIPS_FORMAT_UCHAR));
  if (view) view->Type = VIPS_INTERPRETATION_sRGB;
  return view;
}

}  // namespace faceforge::image::internal
