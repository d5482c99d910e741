/* Makes the HEIC and AVIF samples (see make.py). With `container` the rotation is a property of the
   file (irot, imir), as cameras write it, and EXIF repeats it; with `exif` only EXIF tells it. */
#include <libheif/heif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 48, H = 32 };

static void check(struct heif_error error) {
  if (error.code != heif_error_Ok) {
    fprintf(stderr, "%s\n", error.message);
    exit(1);
  }
}

static struct heif_image* quadrants(int alpha) {
  static const unsigned char opaque[4][4] = {
      {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}};
  static const unsigned char clear[4][4] = {
      {255, 0, 0, 255}, {0, 255, 0, 128}, {0, 0, 255, 0}, {0, 0, 0, 64}};
  const int channels = alpha ? 4 : 3;
  struct heif_image* image;
  check(heif_image_create(W, H, heif_colorspace_RGB,
                          alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, &image));
  check(heif_image_add_plane(image, heif_channel_interleaved, W, H, 8));
  int stride;
  unsigned char* pixels = heif_image_get_plane(image, heif_channel_interleaved, &stride);
  for (int y = 0; y < H; ++y)
    for (int x = 0; x < W; ++x)
      memcpy(pixels + y * stride + x * channels,
             (alpha ? clear : opaque)[(x >= W / 2) + 2 * (y >= H / 2)], channels);
  return image;
}

static void save(const char* name, enum heif_compression_format format, int container, int exif,
                 int alpha) {
  struct heif_context* context = heif_context_alloc();
  struct heif_encoder* encoder;
  check(heif_context_get_encoder_for_format(context, format, &encoder));
  check(heif_encoder_set_lossy_quality(encoder, 90));
  check(heif_encoder_set_parameter(encoder, "chroma", "444"));
  struct heif_encoding_options* options = heif_encoding_options_alloc();
  options->image_orientation = (enum heif_orientation)container;
  struct heif_image* image = quadrants(alpha);
  struct heif_image_handle* handle;
  check(heif_context_encode_image(context, image, encoder, options, &handle));
  if (exif > 1) {
    unsigned char block[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0,
                             0,   0,   1, 0,  0, 0, 0, 0, 0, 0, 0,    0,    0};
    block[19] = (unsigned char)exif;
    check(heif_context_add_exif_metadata(context, handle, block, sizeof block));
  }
  check(heif_context_write_to_file(context, name));
  heif_image_handle_release(handle);
  heif_image_release(image);
  heif_encoding_options_free(options);
  heif_encoder_release(encoder);
  heif_context_free(context);
}

int main(void) {
  char name[64];
  for (int orientation = 1; orientation <= 8; ++orientation) {
    snprintf(name, sizeof name, "container_orientation_%d.heic", orientation);
    save(name, heif_compression_HEVC, orientation, orientation, 0);
    snprintf(name, sizeof name, "exif_orientation_%d.heic", orientation);
    save(name, heif_compression_HEVC, 1, orientation, 0);
    snprintf(name, sizeof name, "exif_orientation_%d.avif", orientation);
    save(name, heif_compression_AV1, 1, orientation, 0);
  }
  save("container_orientation_6.avif", heif_compression_AV1, 6, 6, 0);
  save("plain.avif", heif_compression_AV1, 1, 1, 0);
  save("alpha.heic", heif_compression_HEVC, 1, 1, 1);
  return 0;
}
