#pragma once

#include <memory>
#include <string>

#include <vips/vips.h>

#include "image/image.h"

/// What the files of this folder share about the codec library (libvips). It must not be included
/// from outside of the folder.
namespace faceforge::image::internal {

/// Starts the library once for the whole program, with only the loaders that decode() promises:
/// the others (ImageMagick, PDF, SVG, ...) stay blocked whatever a file claims to be. Thread safe.
void start_codec_library();

struct UnrefImage {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
using ImagePointer = std::unique_ptr<VipsImage, UnrefImage>;

struct UnrefRegion {
  void operator()(VipsRegion* region) const { g_object_unref(region); }
};
using RegionPointer = std::unique_ptr<VipsRegion, UnrefRegion>;

/// Runs one of the library's operations, whose output parameter comes before its options:
/// `run([&](VipsImage** out) { return vips_flip(in, out, direction, nullptr); })`.
/// Nothing when it fails; the library's words stay for take_codec_words().
template <typename Operation>
[[nodiscard]] ImagePointer run(Operation&& operation) {
  VipsImage* out = nullptr;
  const bool succeeded = operation(&out) == 0;
  ImagePointer result(out);
  if (!succeeded) return nullptr;
  return result;
}

/// Takes the library's own description of what failed, and clears it. The buffer is shared between
/// threads, so the words may be those of another failure: good for a debug log, not for a message.
[[nodiscard]] std::string take_codec_words();

/// The library's view of our pixels, without a copy: `image` must outlive it. Nothing when memory
/// runs out.
[[nodiscard]] ImagePointer view_of(const Image& image);

}  // namespace faceforge::image::internal
