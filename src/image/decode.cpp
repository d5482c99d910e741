#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <new>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "image/image.h"
#include "image/internal/codec.h"
#include "image/internal/heif_coded_size.h"
#include "image/internal/heif_orientation.h"
#include "image/internal/jpeg_scans.h"
#include "image/internal/jpeg_smaller.h"

// A photo goes through: recognize -> read the header -> judge its size -> load (shrunk) ->
// flatten -> shrink the rest -> bring to sRGB -> turn upright -> copy out. The library evaluates
// lazily: until the pixels are copied out or turned, only the header has been read.

namespace faceforge::image {
namespace {

using internal::ImagePointer;
using internal::RegionPointer;
using internal::run;

using Bytes = std::span<const std::byte>;

enum class Kind { Jpeg, Png, Webp, Gif, Tiff, Heif };

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 6> kNames{"JPEG", "PNG",  "WebP",
                                                   "GIF",  "TIFF", "HEIC or AVIF"};
  return kNames[static_cast<size_t>(kind)];
}

std::optional<Kind> recognize(Bytes file) {
  const std::string_view head(reinterpret_cast<const char*>(file.data()),
                              std::min<size_t>(file.size(), 64));
  const auto has = [head](size_t position, std::string_view signature) {
    return head.size() >= position && head.substr(position).starts_with(signature);
  };
  using namespace std::string_view_literals;
  if (has(0, "\xFF\xD8\xFF")) return Kind::Jpeg;
  if (has(0, "\x89PNG\r\n\x1A\n")) return Kind::Png;
  if (has(0, "RIFF") && has(8, "WEBP")) return Kind::Webp;
  if (has(0, "GIF87a") || has(0, "GIF89a")) return Kind::Gif;
  if (has(0, "II*\0"sv) || has(0, "MM\0*"sv) || has(0, "II+\0"sv) || has(0, "MM\0+"sv)) {
    return Kind::Tiff;
  }
  if (has(4, "ftyp")) {
    // The major brand, or (from byte 16 on) one of the first brands that it is compatible with.
    constexpr std::array<std::string_view, 10> kBrands{"heic", "heix", "hevc", "hevx", "heim",
                                                       "heis", "mif1", "msf1", "avif", "avis"};
    for (const size_t position : {8, 16, 20, 24, 28}) {
      for (const std::string_view brand : kBrands) {
        if (has(position, brand)) return Kind::Heif;
      }
    }
  }
  return std::nullopt;
}

// How much a decoder itself may shrink: JPEG by `divisor` (1, 2, 4 or 8), WebP by any factor.
struct LoadShrink {
  int divisor = 1;
  double factor = 1;
};

// Opens the file; reads its header only. Nothing when even that is damaged.
ImagePointer open(Bytes file, Kind kind, const LoadShrink& shrink = {}) {
  // The library reads through this pointer only, its signatures are older than const.
  auto* const data = const_cast<void*>(static_cast<const void*>(file.data()));
  const size_t size = file.size();
  // ERROR includes TRUNCATED: a photo that ends early fails instead of ending in grey. WARNING
  // would refuse harmless oddities that some telephones write into every JPEG.
  constexpr auto kFailOn = VIPS_FAIL_ON_ERROR;
  constexpr auto kAccess = VIPS_ACCESS_SEQUENTIAL;
  return run([&](VipsImage** out) {
    switch (kind) {
      case Kind::Jpeg:
        return vips_jpegload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn,
                                    "shrink", shrink.divisor, nullptr);
      case Kind::Png:
        return vips_pngload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
      case Kind::Webp:
        return vips_webpload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, "scale",
                                    shrink.factor, nullptr);
      case Kind::Gif:
        return vips_gifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn, nullptr);
      case Kind::Tiff:
        return vips_tiffload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn,
                                    nullptr);
      case Kind::Heif:
        return vips_heifload_buffer(data, size, out, "access", kAccess, "fail_on", kFailOn,
                                    nullptr);
    }
    return -1;
  });
}

struct Size {
  int width_px = 0;
  int height_px = 0;

  [[nodiscard]] int longer_px() const { return std::max(width_px, height_px); }
  [[nodiscard]] double megapixels() const { return 1e-6 * width_px * height_px; }
};

Size size_of(const ImagePointer& loaded) {
  return {vips_image_get_width(loaded.get()), vips_image_get_height(loaded.get())};
}

Result<void> check_size(const Size& size, const DecodeLimits& limits) {
  if (size.megapixels() > limits.megapixels) {
    return fail(ErrorCode::TooLarge, "photo_too_large", "{:g} megapixels; the limit is {:g}",
                std::ceil(size.megapixels() * 10) / 10, limits.megapixels);
  }
  if (size.longer_px() > kMaxSide_px) {
    return fail(ErrorCode::TooLarge, "photo_too_large",
                "{} x {} pixels; the limit is {} pixels a side", size.width_px, size.height_px,
                kMaxSide_px);
  }
  return {};
}

// Only TIFF has pixels that are large or of many channels; where its parts are not read row by row,
// or the picture is turned, all of them come into memory.
Result<void> check_pixels(const ImagePointer& loaded, Kind kind, const DecodeLimits& limits) {
  constexpr int kMostBands = 5;  // four inks and alpha
  const int bands = vips_image_get_bands(loaded.get());
  if (bands > kMostBands) {
    return fail(ErrorCode::Unsupported, "pixels_unsupported",
                "the {} file has pixels of {} channels; the limit is {}", name_of(kind), bands,
                kMostBands);
  }
  constexpr double kPixel_bytes = 8;  // red, green, blue and alpha of 16 bits
  const auto pixel_bytes = static_cast<double>(VIPS_IMAGE_SIZEOF_PEL(loaded.get()));
  const double megabytes = size_of(loaded).megapixels() * pixel_bytes;
  if (megabytes > limits.megapixels * kPixel_bytes) {
    return fail(ErrorCode::TooLarge, "photo_too_large",
                "{:g} megabytes, {:g} a pixel; the limit is {:g} megabytes", std::ceil(megabytes),
                pixel_bytes, limits.megapixels * kPixel_bytes);
  }
  return {};
}

// A JPEG of 70 kB may go over 16 megapixels 700 times, which takes seconds. Encoders make about 10
// scans; the limit leaves room for the odd ones.
Result<void> check_scans(Bytes file) {
  constexpr int kScanLimit = 100;
  const int scans = internal::count_jpeg_scans(file);
  if (scans <= kScanLimit) return {};
  return fail(ErrorCode::TooLarge, "photo_too_many_scans",
              "the JPEG file has {} scans; the limit is {}", scans, kScanLimit);
}

Size working_size(const Size& full, int working_side_px) {
  if (full.longer_px() <= working_side_px) return full;
  const double factor = static_cast<double>(working_side_px) / full.longer_px();
  const auto shrunk = [factor](int side_px) {
    return std::max(1, static_cast<int>(std::lround(side_px * factor)));
  };
  return {shrunk(full.width_px), shrunk(full.height_px)};
}

// What the decoder may do of it: halve, as long as enough is left; WebP also the rest.
LoadShrink load_shrink(const Size& full, const Size& working, int enough_side_px) {
  const int least_px = std::min(working.longer_px(), enough_side_px);
  LoadShrink shrink;
  while (shrink.divisor < 8 && full.longer_px() / (shrink.divisor * 2) >= least_px) {
    shrink.divisor *= 2;
  }
  shrink.factor =
      std::min(1.0 / shrink.divisor, static_cast<double>(working.longer_px()) / full.longer_px());
  return shrink;
}

// Evaluates an RGB8 image; nothing when its file turns out to be damaged. In this thread: the
// library's own would hand each few rows over to another one, which for a JPEG of 12 megapixels
// takes 360 switches between threads, a tenth of its time.
std::optional<Image> copy_out(const ImagePointer& loaded) {
  constexpr int kRowsAtOnce = 64;
  const Size size = size_of(loaded);
  Image image = Image::create(size.width_px, size.height_px);
  const RegionPointer region(vips_region_new(loaded.get()));
  if (!region) return std::nullopt;
  for (int top = 0; top < size.height_px; top += kRowsAtOnce) {
    const VipsRect rows{0, top, size.width_px, std::min(kRowsAtOnce, size.height_px - top)};
    if (vips_region_prepare(region.get(), &rows) != 0) return std::nullopt;
    for (int row = top; row < top + rows.height; ++row) {
      std::copy_n(VIPS_REGION_ADDR(region.get(), 0, row), image.row(row).size(),
                  image.row(row).begin());
    }
  }
  return image;
}

ImagePointer to_srgb_without_profile(const ImagePointer& in) {
  return run([&](VipsImage** out) {
    return vips_colourspace(in.get(), out, VIPS_INTERPRETATION_sRGB, nullptr);
  });
}

// Lays transparent pixels over white. In TIFF alpha may come with kinds of pixel that the library
// does not know the white of; those are brought to sRGB before.
ImagePointer flatten(ImagePointer in) {
  if (!vips_image_hasalpha(in.get())) return in;
  const auto format = vips_image_get_format(in.get());
  const auto interpretation = vips_image_get_interpretation(in.get());
  const bool grey_or_rgb =
      interpretation == VIPS_INTERPRETATION_B_W || interpretation == VIPS_INTERPRETATION_GREY16 ||
      interpretation == VIPS_INTERPRETATION_sRGB || interpretation == VIPS_INTERPRETATION_RGB16;
  const bool plain_integers = format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT;
  if (!grey_or_rgb || !plain_integers) {
    in = to_srgb_without_profile(in);
    if (!in || !vips_image_hasalpha(in.get())) return in;
  }
  const double white = vips_image_get_format(in.get()) == VIPS_FORMAT_USHORT ? 65535 : 255;
  return run([&](VipsImage** out) {
    VipsArrayDouble* const background = vips_array_double_new(&white, 1);
    const int status =
        vips_flatten(in.get(), out, "background", background, "max_alpha", white, nullptr);
    vips_area_unref(VIPS_AREA(background));
    return status;
  });
}

// Whatever the decoder has left to do.
ImagePointer shrink_to(ImagePointer in, const Size& stored) {
  const Size now = size_of(in);
  if (now.longer_px() <= stored.longer_px()) return in;
  return run([&](VipsImage** out) {
    return vips_resize(in.get(), out, static_cast<double>(stored.width_px) / now.width_px, "vscale",
                       static_cast<double>(stored.height_px) / now.height_px, "kernel",
                       VIPS_KERNEL_LINEAR, nullptr);
  });
}

ImagePointer to_srgb_by_profile(const ImagePointer& in) {
  return run([&](VipsImage** out) {
    return vips_icc_transform(in.get(), out, "srgb", "embedded", TRUE, "intent",
                              VIPS_INTENT_PERCEPTUAL, "depth", 8, nullptr);
  });
}

// Whether the profile of an RGB8 image is sRGB under one of its many names and versions: applied to
// a cube of colours it changes next to nothing. Most photos have such a one, and applying it to all
// of a photo would take longer than decoding it.
bool profile_is_srgb(const ImagePointer& in) {
  constexpr int kLevels = 9;
  constexpr int kSameWithin = 2;
  if (vips_image_get_bands(in.get()) != kChannels ||
      vips_image_get_format(in.get()) != VIPS_FORMAT_UCHAR) {
    return false;
  }
  const void* profile = nullptr;
  size_t profile_size = 0;
  if (vips_image_get_blob(in.get(), VIPS_META_ICC_NAME, &profile, &profile_size) != 0) return false;
  Image cube = Image::create(kLevels * kLevels, kLevels);
  for (int i = 0; i < kLevels * kLevels * kLevels; ++i) {
    const std::array<int, kChannels> levels{i % kLevels, i / kLevels % kLevels,
                                            i / (kLevels * kLevels)};
    for (size_t c = 0; c < kChannels; ++c) {
      cube.pixels()[static_cast<size_t>(i) * kChannels + c] =
          static_cast<uint8_t>(levels[c] * 255 / (kLevels - 1));
    }
  }
  const ImagePointer probe = internal::view_of(cube);
  if (!probe) return false;
  vips_image_set_blob_copy(probe.get(), VIPS_META_ICC_NAME, profile, profile_size);
  const ImagePointer converted = to_srgb_by_profile(probe);
  const auto result = converted ? copy_out(converted) : std::nullopt;
  return result && std::ranges::equal(cube.pixels(), result->pixels(), [](int left, int right) {
           return std::abs(left - right) <= kSameWithin;
         });
}

bool has_profile(const ImagePointer& in) {
  return vips_image_get_typeof(in.get(), VIPS_META_ICC_NAME) != 0;
}

ImagePointer to_rgb8(ImagePointer in) {
  if (has_profile(in) && !profile_is_srgb(in)) {
    // A profile that does not fit its pixels is worth no more than none.
    if (auto converted = to_srgb_by_profile(in)) return converted;
  }
  auto rgb = to_srgb_without_profile(in);
  if (!rgb) return nullptr;
  return run([&](VipsImage** out) { return vips_cast_uchar(rgb.get(), out, nullptr); });
}

// The library drops the EXIF orientation of every HEIC and AVIF file, because the container's own
// rotation counts. Converters that know EXIF only write files without the latter: there EXIF
// counts.
ImagePointer restore_exif_orientation(ImagePointer in, Bytes file) {
  const void* exif = nullptr;
  size_t exif_size = 0;
  if (internal::container_turns_its_picture(file)) return in;
  if (vips_image_get_typeof(in.get(), VIPS_META_EXIF_NAME) == 0 ||
      vips_image_get_blob(in.get(), VIPS_META_EXIF_NAME, &exif, &exif_size) != 0) {
    return in;
  }
  const int orientation =
      internal::exif_orientation({static_cast<const std::byte*>(exif), exif_size});
  if (orientation == 1) return in;
  // Images of the library are shared: only a copy (of the header) may be changed.
  auto copy = run([&](VipsImage** out) { return vips_copy(in.get(), out, nullptr); });
  if (copy) vips_image_set_int(copy.get(), VIPS_META_ORIENTATION, orientation);
  return copy;
}

ImagePointer turn_upright(ImagePointer in) {
  if (vips_image_get_orientation(in.get()) == 1) return in;
  // Turning visits pixels in another order than the file has them, so they are read first.
  const ImagePointer read_whole(vips_image_copy_memory(in.get()));
  if (!read_whole) return nullptr;
  return run([&](VipsImage** out) { return vips_autorot(read_whole.get(), out, nullptr); });
}

Unexpected damaged(Kind kind) {
  const std::string words = internal::take_codec_words();
  log::debug("decode: {}", words);
  // What the library and the codecs say; libheif's `Memory allocation error` tells of a hostile
  // file.
  constexpr std::array<std::string_view, 3> kNoMemory{"out of memory", "nsufficient memory",
                                                      "unable to create thread"};
  const auto is_said = [&](std::string_view said) { return words.find(said) != words.npos; };
  if (std::ranges::any_of(kNoMemory, is_said)) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory to decode the photo");
  }
  return fail(ErrorCode::InvalidInput, "image_damaged",
              "the {} file is cut short or its contents are damaged", name_of(kind));
}

/// The library's view of an RGB8 image with the colour profile and the orientation of its file.
ImagePointer view_of(const Image& pixels, const ImagePointer& header) {
  auto view = internal::view_of(pixels);
  if (!view) return nullptr;
  vips_image_set_int(view.get(), VIPS_META_ORIENTATION, vips_image_get_orientation(header.get()));
  const void* profile = nullptr;
  size_t profile_size = 0;
  if (has_profile(header) &&
      vips_image_get_blob(header.get(), VIPS_META_ICC_NAME, &profile, &profile_size) == 0) {
    vips_image_set_blob_copy(view.get(), VIPS_META_ICC_NAME, profile, profile_size);
  }
  return view;
}

/// A JPEG made smaller by its decoder on several threads; nothing for one that the library's
/// decoder is for. Of a grey picture the profile is one for grey, before it becomes RGB.
std::optional<Image> decode_smaller(Bytes file, const ImagePointer& header, int divisor,
                                    int thread_count) {
  const bool is_grey_by_profile =
      vips_image_get_bands(header.get()) != kChannels && has_profile(header);
  if (is_grey_by_profile) return std::nullopt;
  try {
    auto smaller = internal::decode_jpeg_smaller(file, divisor, thread_count);
    if (smaller) return std::move(smaller->image);
  } catch (const std::bad_alloc&) {
    // The library's needs less.
  }
  return std::nullopt;
}

/// Whether an RGB8 image needs nothing that is done below.
bool is_finished(const ImagePointer& in, const Size& working) {
  return vips_image_get_orientation(in.get()) == 1 &&
         size_of(in).longer_px() <= working.longer_px() &&
         (!has_profile(in) || profile_is_srgb(in));
}

Result<Photo> decode_kind(Bytes file, Kind kind, const DecodeLimits& limits, int enough_side_px,
                          int thread_count) {
  if (kind == Kind::Jpeg) TRY(check_scans(file));
  std::optional<Image> smaller;  // outlives `loaded`, which may be a view of it
  ImagePointer loaded = open(file, kind);
  if (loaded && kind == Kind::Heif) loaded = restore_exif_orientation(std::move(loaded), file);
  if (!loaded) return damaged(kind);
  const Size stored = size_of(loaded);
  TRY(check_size(stored, limits));
  TRY(check_pixels(loaded, kind, limits));
  if (kind == Kind::Heif) TRY(internal::check_coded_sizes(file, limits.megapixels));
  const bool on_its_side = vips_image_get_orientation_swap(loaded.get());
  const Size working = working_size(stored, limits.working_side_px);
  const LoadShrink shrink = load_shrink(stored, working, enough_side_px);
  const bool decoder_shrinks =
      (kind == Kind::Jpeg && shrink.divisor > 1) || (kind == Kind::Webp && shrink.factor < 1);
  if (kind == Kind::Jpeg && decoder_shrinks) {
    smaller = decode_smaller(file, loaded, shrink.divisor, thread_count);
  }
  if (smaller) {
    loaded = view_of(*smaller, loaded);
    if (loaded && is_finished(loaded, working)) {
      return Photo{
          .image = *std::move(smaller), .width_px = stored.width_px, .height_px = stored.height_px};
    }
  } else if (decoder_shrinks) {
    loaded = open(file, kind, shrink);
  }
  if (loaded) loaded = flatten(std::move(loaded));
  if (loaded) loaded = shrink_to(std::move(loaded), working);
  if (loaded) loaded = to_rgb8(std::move(loaded));
  if (loaded && vips_image_get_bands(loaded.get()) != kChannels) {
    return fail(ErrorCode::Unsupported, "pixels_unsupported",
                "the {} file has pixels of {} channels that are not a picture", name_of(kind),
                vips_image_get_bands(loaded.get()));
  }
  if (loaded) loaded = turn_upright(std::move(loaded));
  if (!loaded) return damaged(kind);
  auto image = copy_out(loaded);
  if (!image) return damaged(kind);
  return Photo{.image = *std::move(image),
               .width_px = on_its_side ? stored.height_px : stored.width_px,
               .height_px = on_its_side ? stored.width_px : stored.height_px};
}

}  // namespace

Result<Photo> decode(Bytes file, const DecodeLimits& limits, int enough_side_px, int thread_count) {
  CHECK(enough_side_px > 0);
  CHECK(thread_count > 0);
  if (file.empty()) {
    return fail(ErrorCode::InvalidInput, "photo_empty", "the photo has 0 bytes");
  }
  if (file.size() > limits.bytes) {
    return fail(ErrorCode::TooLarge, "photo_bytes_too_large", "{} bytes; the limit is {}",
                file.size(), limits.bytes);
  }
  const auto kind = recognize(file);
  if (!kind) {
    return fail(ErrorCode::Unsupported, "not_an_image",
                "not a JPEG, PNG, WebP, GIF, TIFF, HEIC or AVIF file");
  }
  internal::start_codec_library();
  try {
    return decode_kind(file, *kind, limits, enough_side_px, thread_count);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory to decode the photo");
  }
}

}  // namespace faceforge::image
