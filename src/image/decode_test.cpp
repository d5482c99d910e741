#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <vips/vips.h>

#include "base/file.h"
#include "image/encode.h"
#include "image/image.h"
#include "support/test_data.h"

// The samples in tests/photos were made by other tools (its README says how, and where the expected
// values come from).

namespace faceforge::image {
namespace {

using Rgb = std::array<int, 3>;

constexpr Rgb kRed{255, 0, 0};
constexpr Rgb kGreen{0, 255, 0};
constexpr Rgb kBlue{0, 0, 255};
constexpr Rgb kWhite{255, 255, 255};
constexpr Rgb kBlack{0, 0, 0};
constexpr std::array<Rgb, 4> kUpright{kRed, kGreen, kBlue, kWhite};

std::vector<std::byte> sample(const std::string& name) {
  return read_file(test::source_folder().string() + "/tests/photos/" + name, 1 << 20).value();
}

Result<Photo> decode_sample(const std::string& name) {
  return decode(sample(name), {});
}

Error refusal(std::span<const std::byte> file, const DecodeLimits& limits = {}) {
  const auto photo = decode(file, limits);
  EXPECT_FALSE(photo) << "this should not have been decoded";
  return photo ? Error{} : photo.error();
}

Rgb pixel_at(const Image& image, int x, int y) {
  const auto pixel = image.row(y).subspan(static_cast<size_t>(x) * kChannels, kChannels);
  return {pixel[0], pixel[1], pixel[2]};
}

// The centres of the four quadrants: top left, top right, bottom left, bottom right.
std::array<Rgb, 4> quadrants(const Image& image) {
  const int left = image.width_px() / 4;
  const int right = image.width_px() - 1 - left;
  const int top = image.height_px() / 4;
  const int bottom = image.height_px() - 1 - top;
  return {pixel_at(image, left, top), pixel_at(image, right, top), pixel_at(image, left, bottom),
          pixel_at(image, right, bottom)};
}

void expect_near(const std::array<Rgb, 4>& found, const std::array<Rgb, 4>& expected, int tolerance,
                 const std::string& name) {
  for (size_t q = 0; q < 4; ++q) {
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(found[q][c], expected[q][c], tolerance)
          << name << ", quadrant " << q << ", channel " << c;
    }
  }
}

// Saves with one of the library's own savers, by file suffix and options.
std::vector<std::byte> save_as(const Image& image, const char* suffix) {
  VipsImage* view =
      vips_image_new_from_memory(image.pixels().data(), image.pixels().size(), image.width_px(),
                                 image.height_px(), kChannels, VIPS_FORMAT_UCHAR);
  view->Type = VIPS_INTERPRETATION_sRGB;
  void* buffer = nullptr;
  size_t size = 0;
  EXPECT_EQ(vips_image_write_to_buffer(view, suffix, &buffer, &size, nullptr), 0)
      << vips_error_buffer();
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  g_free(buffer);
  g_object_unref(view);
  return file;
}

// Lossy codecs stay within this of flat colours at the qualities of the samples.
constexpr int kLossy = 4;

void expect_quadrants(const std::string& name, const std::array<Rgb, 4>& expected, int tolerance) {
  const auto photo = decode_sample(name);
  ASSERT_TRUE(photo) << name << ": " << photo.error().reason;
  EXPECT_EQ(photo->scale(), 1.0);
  EXPECT_EQ(photo->width_px, photo->image.width_px()) << name;
  EXPECT_EQ(photo->height_px, photo->image.height_px()) << name;
  expect_near(quadrants(photo->image), expected, tolerance, name);
}

TEST(Decode, EveryKindOfFileBecomesTheSamePicture) {
  for (const char* name :
       {"orientation_1.png", "orientation_1.webp", "orientation_1.tif", "plain.gif", "deflate.tif",
        "palette.png", "palette.tif", "animated.gif", "animated.webp", "pages.tif"}) {
    expect_quadrants(name, kUpright, 0);
  }
  for (const char* name : {"orientation_1.jpg", "progressive.jpg", "jpeg_inside.tif",
                           "container_orientation_1.heic", "plain.avif"}) {
    expect_quadrants(name, kUpright, kLossy);
  }
}

// What a file whose stored quadrants are red, green, blue, white shows with each EXIF orientation
// (TIFF 6.0, tag 274): for 6, row 0 of the file is the right side of the picture, and so on.
constexpr std::array<std::array<Rgb, 4>, 8> kByOrientation{{
    {kRed, kGreen, kBlue, kWhite},
    {kGreen, kRed, kWhite, kBlue},
    {kWhite, kBlue, kGreen, kRed},
    {kBlue, kWhite, kRed, kGreen},
    {kRed, kBlue, kGreen, kWhite},
    {kBlue, kRed, kWhite, kGreen},
    {kWhite, kGreen, kBlue, kRed},
    {kGreen, kWhite, kRed, kBlue},
}};

void expect_upright(const std::string& name, int orientation) {
  const auto photo = decode_sample(name);
  ASSERT_TRUE(photo) << name << ": " << photo.error().reason;
  const bool on_its_side = orientation >= 5;
  EXPECT_EQ(photo->width_px, on_its_side ? 32 : 48) << name;
  EXPECT_EQ(photo->height_px, on_its_side ? 48 : 32) << name;
  EXPECT_EQ(photo->image.width_px(), photo->width_px) << name;
  EXPECT_EQ(photo->image.height_px(), photo->height_px) << name;
  expect_near(quadrants(photo->image), kByOrientation[static_cast<size_t>(orientation - 1)], kLossy,
              name);
}

TEST(Decode, EachOfTheEightExifOrientationsComesOutUprightInEveryKindOfFile) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const char* kind : {".jpg", ".png", ".webp", ".tif"}) {
      expect_upright("orientation_" + std::to_string(orientation) + kind, orientation);
    }
  }
}

TEST(Decode, AHeicFileThatTurnsItselfIsNotTurnedAgainByItsExif) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    expect_upright("container_orientation_" + std::to_string(orientation) + ".heic", orientation);
  }
  expect_upright("container_orientation_6.avif", 6);
}

TEST(Decode, AHeicOrAvifFileWhoseRotationStandsInItsExifOnlyIsTurnedByIt) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const char* kind : {".heic", ".avif"}) {
      expect_upright("exif_orientation_" + std::to_string(orientation) + kind, orientation);
    }
  }
}

TEST(Decode, GreyBecomesThreeEqualChannelsAtItsOwnLevels) {
  const std::array<Rgb, 4> levels{kBlack, {80, 80, 80}, {160, 160, 160}, kWhite};
  for (const char* name : {"grey.png", "grey_16_bit.png", "grey_16_bit.tif"}) {
    expect_quadrants(name, levels, 0);
  }
  expect_quadrants("grey.jpg", levels, 1);
  expect_quadrants("one_bit.png", {kBlack, kWhite, kWhite, kBlack}, 0);
}

TEST(Decode, TransparentPixelsAreLaidOverWhite) {
  // Green at 128/255 over white: 255 * 127/255 = 127. Black at 64/255: 255 * 191/255 = 191.
  const std::array<Rgb, 4> over_white{kRed, {127, 255, 127}, kWhite, {191, 191, 191}};
  for (const char* name : {"alpha.png", "alpha.webp", "alpha.tif"}) {
    expect_quadrants(name, over_white, 1);
  }
  expect_quadrants("alpha.heic", over_white, kLossy);
  // 80 at 128/255 over white: 80 * 128/255 + 127 = 167.
  expect_quadrants("grey_alpha.png", {kBlack, {167, 167, 167}, kWhite, kWhite}, 1);
  expect_quadrants("hole.gif", {kWhite, kGreen, kBlue, kWhite}, 0);
}

TEST(Decode, ColourProfilesAreAppliedAsLittleCmsDoes) {
  const std::array<Rgb, 4> expected{{{231, 57, 57}, {0, 181, 83}, {63, 79, 205}, {231, 231, 231}}};
  expect_quadrants("adobe_rgb.png", expected, 3);
  expect_quadrants("adobe_rgb.jpg", expected, 4);
  expect_quadrants("cmyk_profile.jpg",
                   {{{255, 125, 137}, {39, 236, 117}, {107, 137, 244}, {255, 255, 255}}}, 5);
}

TEST(Decode, AProfileThatIsSrgbChangesNoPixelAtAll) {
  Image image = Image::create(64, 64);
  for (size_t i = 0; i < image.pixels().size(); ++i) {
    image.pixels()[i] = static_cast<uint8_t>(i * 7 % 251);
  }
  const auto photo = decode(save_as(image, ".png[profile=srgb]"), {}).value();
  EXPECT_TRUE(std::ranges::equal(photo.image.pixels(), image.pixels()));
}

TEST(Decode, InksWithoutAProfileBecomeTheColoursThatTheyPrint) {
  for (const char* name : {"cmyk.jpg", "cmyk.tif"}) {
    const auto photo = decode_sample(name);
    ASSERT_TRUE(photo) << name;
    const auto [red, green, blue, white] = quadrants(photo->image);
    // There is no right answer to one level without a profile: each is clearly its own colour.
    EXPECT_GT(red[0], std::max(red[1], red[2]) + 40) << name;
    EXPECT_GT(green[1], std::max(green[0], green[2]) + 40) << name;
    EXPECT_GT(blue[2], std::max(blue[0], blue[1]) + 40) << name;
    EXPECT_GT(*std::ranges::min_element(white), 250) << name;
  }
}

// ---- limits, and shrinking while loading

// A picture that is dark in its upper half and light in its lower, so that size can be told from
// sharpness and rows from columns.
Image halves(int width_px, int height_px) {
  Image image = Image::create(width_px, height_px);
  for (int y = height_px / 2; y < height_px; ++y) std::ranges::fill(image.row(y), 200);
  return image;
}

TEST(Decode, ALongerSideIsShrunkToTheWorkingSideAndTheFullSizeIsKept) {
  const Image large = halves(1000, 600);
  for (const auto& file : {encode_jpeg(large).value(), encode_png(large).value()}) {
    for (const int side : {999, 500, 400, 200, 125, 60}) {
      const auto photo = decode(file, {.working_side_px = side}).value();
      EXPECT_EQ(photo.width_px, 1000);
      EXPECT_EQ(photo.height_px, 600);
      EXPECT_EQ(photo.image.width_px(), side);
      EXPECT_NEAR(photo.image.height_px(), side * 0.6, 0.5);
      EXPECT_NEAR(photo.scale(), side / 1000.0, 1e-9);
      expect_near(quadrants(photo.image), {kBlack, kBlack, {200, 200, 200}, {200, 200, 200}}, 2,
                  std::to_string(side));
    }
  }
}

TEST(Decode, AJpegOrWebpIsHalvedAsLongAsEnoughIsLeft) {
  const Image large = halves(1000, 601);
  for (const char* suffix : {".jpg", ".webp[lossless=true]"}) {
    for (const auto& [enough, expected] :
         {std::pair{1000, 1000}, {501, 1000}, {500, 500}, {251, 500}, {250, 250}, {3, 125}}) {
      const auto photo = decode(save_as(large, suffix), {}, enough).value();
      EXPECT_EQ(photo.image.width_px(), expected) << suffix << ' ' << enough;
      EXPECT_NEAR(photo.image.height_px(), expected * 0.601, 1) << suffix << ' ' << enough;
      EXPECT_EQ(photo.width_px, 1000);
      EXPECT_EQ(photo.height_px, 601);
      EXPECT_DOUBLE_EQ(photo.scale(), expected / 1000.0);
      expect_near(quadrants(photo.image), {kBlack, kBlack, {200, 200, 200}, {200, 200, 200}},
                  kLossy, suffix);
    }
  }
}

TEST(Decode, AHalvedJpegIsTurnedAndHasTheColoursOfItsProfile) {
  constexpr int kHalf_px = 24;
  for (const int thread_count : {1, 3}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const std::string name = "orientation_" + std::to_string(orientation) + ".jpg";
      const auto photo = decode(sample(name), {}, kHalf_px, thread_count).value();
      EXPECT_EQ(std::max(photo.image.width_px(), photo.image.height_px()), kHalf_px) << name;
      EXPECT_EQ(photo.width_px, orientation >= 5 ? 32 : 48) << name;
      expect_near(quadrants(photo.image), kByOrientation[static_cast<size_t>(orientation - 1)],
                  kLossy, name);
    }
    // Expected as when they are decoded whole.
    const auto wide = decode(sample("adobe_rgb.jpg"), {}, kHalf_px, thread_count).value();
    expect_near(quadrants(wide.image),
                {{{231, 57, 57}, {0, 181, 83}, {63, 79, 205}, {231, 231, 231}}}, kLossy,
                "adobe_rgb.jpg");
    const auto grey = decode(sample("grey.jpg"), {}, kHalf_px, thread_count).value();
    expect_near(quadrants(grey.image), {kBlack, {80, 80, 80}, {160, 160, 160}, kWhite}, 1,
                "grey.jpg");
  }
}

TEST(Decode, EnoughPixelsAreMetFirstAndTheWorkingSideStillHolds) {
  const auto file = encode_jpeg(halves(1000, 600)).value();
  EXPECT_EQ(decode(file, {.working_side_px = 400}, 500).value().image.width_px(), 400);
  EXPECT_EQ(decode(file, {.working_side_px = 400}, 250).value().image.width_px(), 250);
  const auto turned = decode(sample("orientation_6.jpg"), {}, 24).value();
  EXPECT_EQ(turned.image.width_px(), 16);
  EXPECT_EQ(turned.image.height_px(), 24);
}

TEST(Decode, OtherKindsOfFileKeepTheirSizeHoweverLittleIsEnough) {
  const Image large = halves(300, 200);
  for (const char* suffix : {".png", ".gif", ".tif"}) {
    EXPECT_EQ(decode(save_as(large, suffix), {}, 1).value().image.width_px(), 300) << suffix;
  }
}

TEST(Decode, EveryKindOfFileCanBeShrunk) {
  const Image large = halves(300, 200);
  for (const char* suffix : {".jpg", ".png", ".png[interlace=true]", ".webp[lossless=true]", ".gif",
                             ".tif", ".tif[tile=true]", ".heic", ".avif[speed=9]"}) {
    const auto photo = decode(save_as(large, suffix), {.working_side_px = 90});
    ASSERT_TRUE(photo) << suffix << ": " << photo.error().message;
    EXPECT_EQ(photo->width_px, 300) << suffix;
    EXPECT_EQ(photo->image.width_px(), 90) << suffix;
    EXPECT_EQ(photo->image.height_px(), 60) << suffix;
    expect_near(quadrants(photo->image), {kBlack, kBlack, {200, 200, 200}, {200, 200, 200}}, kLossy,
                suffix);
  }
}

// Overwrites the size that the container of a HEIC or AVIF file says (`ispe`).
void state_size(std::vector<std::byte>& file, uint32_t width_px, uint32_t height_px) {
  constexpr std::string_view kName = "ispe";
  const auto name = std::ranges::search(
      file, kName, [](std::byte byte, char c) { return std::to_integer<char>(byte) == c; });
  ASSERT_FALSE(name.empty());
  auto field = name.begin() + 8;  // the name, version and flags
  for (const uint32_t size_px : {width_px, height_px}) {
    for (int shift = 24; shift >= 0; shift -= 8) *field++ = std::byte(size_px >> shift & 0xFF);
  }
}

TEST(Decode, AHeicOrAvifThatSaysLessThanItsPictureHasIsRefusedWithoutDecodingIt) {
  const Image large = halves(2000, 1500);
  const std::array<std::pair<const char*, const char*>, 2> cases{{
      {".heic", "says 64 x 48 pixels, and its picture is coded as 2000 x 150"},  // 0 or 4
      {".avif[speed=9]", "says 64 x 48 pixels, and its picture is coded as 2000 x 1500"},
  }};
  for (const auto& [suffix, said] : cases) {
    auto file = save_as(large, suffix);
    ASSERT_TRUE(decode(file, {})) << suffix;
    state_size(file, 64, 48);
    const Error error = refusal(file);
    EXPECT_EQ(error.reason, "image_damaged") << suffix;
    EXPECT_NE(error.message.find(said), std::string::npos) << suffix << ": " << error.message;
  }
}

TEST(Decode, APhotoStoredOnItsSideIsShrunkToo) {
  const auto photo = decode(sample("orientation_6.jpg"), {.working_side_px = 24}).value();
  EXPECT_EQ(photo.width_px, 32);
  EXPECT_EQ(photo.height_px, 48);
  EXPECT_EQ(photo.image.width_px(), 16);
  EXPECT_EQ(photo.image.height_px(), 24);
  EXPECT_DOUBLE_EQ(photo.scale(), 0.5);
  expect_near(quadrants(photo.image), kByOrientation[5], kLossy, "orientation_6.jpg");
}

TEST(Decode, AStripOnePixelHighIsShrunkAlongItsLengthOnly) {
  const auto photo = decode(encode_png(Image::create(5000, 1)).value(), {}).value();
  EXPECT_EQ(photo.image.width_px(), 4096);
  EXPECT_EQ(photo.image.height_px(), 1);
}

TEST(Decode, TooManyMegapixelsAreRefusedWithTheirNumberAndTheLimit) {
  const auto file = encode_png(Image::create(1000, 201)).value();
  const auto error = refusal(file, {.megapixels = 0.2});
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "photo_too_large");
  EXPECT_EQ(error.message, "0.3 megapixels; the limit is 0.2");
  EXPECT_TRUE(decode(file, {.megapixels = 0.201}));
}

void append_big_endian(std::vector<std::byte>& to, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) to.push_back(static_cast<std::byte>(value >> shift));
}

void append_chunk(std::vector<std::byte>& to, const std::string& type_and_contents) {
  append_big_endian(to, static_cast<uint32_t>(type_and_contents.size() - 4));
  uint32_t crc = 0xFFFFFFFF;  // ISO 3309, as PNG wants it
  for (const char c : type_and_contents) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    to.push_back(static_cast<std::byte>(c));
  }
  append_big_endian(to, ~crc);
}

// A PNG that says it is large, with 3 kB of contents.
std::vector<std::byte> png_bomb(uint32_t width_px, uint32_t height_px) {
  std::vector<std::byte> file;
  for (const char c : std::string("\x89PNG\r\n\x1A\n")) file.push_back(static_cast<std::byte>(c));
  std::vector<std::byte> sides;
  append_big_endian(sides, width_px);
  append_big_endian(sides, height_px);
  std::string header = "IHDR" + std::string(reinterpret_cast<const char*>(sides.data()), 8);
  header += std::string("\x08\x02\x00\x00\x00", 5);
  append_chunk(file, header);
  append_chunk(file, "IDAT" + std::string(3000, '\0'));
  append_chunk(file, "IEND");
  return file;
}

TEST(Decode, AThreeKilobytePngOf50000By50000PixelsIsRefusedAtOnce) {
  const auto file = png_bomb(50'000, 50'000);
  EXPECT_LT(file.size(), 3200u);
  const auto start = std::chrono::steady_clock::now();
  const auto error = refusal(file);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  EXPECT_EQ(error.reason, "photo_too_large");
  EXPECT_EQ(error.message, "2500 megapixels; the limit is 100");
}

TEST(Decode, ASideBeyondWhatAnImageCanHaveIsRefused) {
  const auto error = refusal(png_bomb(70'000, 10));
  EXPECT_EQ(error.reason, "photo_too_large");
  EXPECT_EQ(error.message, "70000 x 10 pixels; the limit is 65535 pixels a side");
}

TEST(Decode, AJpegThatGoesOverItsPictureHundredsOfTimesIsRefused) {
  const auto file = sample("progressive.jpg");
  const std::array start_of_scan{std::byte{0xFF}, std::byte{0xDA}};
  const auto last_scan = std::ranges::find_end(file, start_of_scan);
  const std::span scan(last_scan.begin(), file.end() - 2);  // without the end-of-image mark
  auto bomb = std::vector(file.begin(), file.end() - 2);
  for (int i = 0; i < 300; ++i) bomb.insert(bomb.end(), scan.begin(), scan.end());
  bomb.insert(bomb.end(), file.end() - 2, file.end());
  const auto error = refusal(bomb);
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "photo_too_many_scans");
  // The ten of a progressive file, as Pillow writes it, and 300.
  EXPECT_EQ(error.message, "the JPEG file has 310 scans; the limit is 100");
}

TEST(Decode, TooManyBytesAreRefusedBeforeTheyAreLookedAt) {
  const auto error = refusal(std::vector<std::byte>(1001), {.bytes = 1000});
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "photo_bytes_too_large");
  EXPECT_EQ(error.message, "1001 bytes; the limit is 1000");
}

// ---- what is not a photo, or no longer one

TEST(Decode, ZeroBytesAreNoPhoto) {
  EXPECT_EQ(refusal({}).reason, "photo_empty");
  EXPECT_EQ(refusal({}).code, ErrorCode::InvalidInput);
}

TEST(Decode, OtherKindsOfFileAreRefusedWhateverTheLibraryCouldReadThemWith) {
  for (const std::string_view text :
       {"hello, I am not an image", "%PDF-1.4\n", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "P6 1 1 255\nabc", "x", "#?RADIANCE\n", "BM______", "....ftypisom....",
        "push graphic-context"}) {
    const auto error = refusal(std::as_bytes(std::span(text)));
    EXPECT_EQ(error.reason, "not_an_image") << text;
    EXPECT_EQ(error.code, ErrorCode::Unsupported) << text;
  }
}

TEST(Decode, AFileCutShortIsDamagedAtWhicheverByteItEnds) {
  for (const char* name : {"orientation_1.jpg", "progressive.jpg", "orientation_1.png",
                           "animated.webp", "plain.gif", "orientation_1.webp", "deflate.tif",
                           "grey_16_bit.tif", "container_orientation_1.heic", "plain.avif"}) {
    const auto file = sample(name);
    // Of a file with one frame, the last bytes may be an end mark without which all is there.
    for (const double part : {0.2, 0.5, 0.8, 0.9}) {
      const auto length = static_cast<size_t>(static_cast<double>(file.size()) * part);
      const auto photo = decode(std::span(file).first(length), {});
      if (photo && std::string_view(name) == "animated.webp")
        continue;  // its first frame can be whole
      ASSERT_FALSE(photo) << name << " at " << length << " of " << file.size();
      EXPECT_EQ(photo.error().reason, "image_damaged") << name << " at " << length;
      EXPECT_EQ(photo.error().code, ErrorCode::InvalidInput);
    }
  }
}

TEST(Decode, ALargeJpegCutInItsLastRowsIsDamagedNotHalfGrey) {
  const auto file = encode_jpeg(halves(1200, 900)).value();
  for (const size_t cut : {file.size() / 2, file.size() - 200, file.size() - 20}) {
    EXPECT_EQ(refusal(std::span(file).first(cut)).reason, "image_damaged") << cut;
    EXPECT_EQ(refusal(std::span(file).first(cut), {.working_side_px = 300}).reason,
              "image_damaged");
  }
}

TEST(Decode, AHeaderWithoutContentsIsDamaged) {
  const auto error = refusal(png_bomb(100, 100));
  EXPECT_EQ(error.reason, "image_damaged");
  EXPECT_EQ(error.message, "the PNG file is cut short or its contents are damaged");
}

// A grey TIFF of `bands` channels (a satellite's layers, say), all zero, deflated.
std::vector<std::byte> layered_tiff(int side_px, int bands, VipsBandFormat format,
                                    int orientation) {
  VipsImage* black = nullptr;
  VipsImage* stack = nullptr;
  EXPECT_EQ(vips_black(&black, side_px, side_px, "bands", bands, nullptr), 0);
  EXPECT_EQ(vips_cast(black, &stack, format, nullptr), 0);
  vips_image_set_int(stack, VIPS_META_ORIENTATION, orientation);
  void* buffer = nullptr;
  size_t size = 0;
  EXPECT_EQ(vips_tiffsave_buffer(stack, &buffer, &size, "compression",
                                 VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, nullptr),
            0)
      << vips_error_buffer();
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  g_free(buffer);
  g_object_unref(stack);
  g_object_unref(black);
  return file;
}

TEST(Decode, PixelsThatAreNoPictureAreUnsupported) {
  const auto error = refusal(layered_tiff(8, 5, VIPS_FORMAT_UCHAR, 1));
  EXPECT_EQ(error.reason, "pixels_unsupported");
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
}

TEST(Decode, ATurnedTiffOfManyChannelsIsRefusedBeforeItsPixelsAreRead) {
  const auto file = layered_tiff(1000, 300, VIPS_FORMAT_UCHAR, 6);  // 300 MB unpacked
  const auto before = vips_tracked_get_mem_highwater();
  const auto error = refusal(file);
  EXPECT_EQ(error.reason, "pixels_unsupported");
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_EQ(error.message, "the TIFF file has pixels of 300 channels; the limit is 5");
  EXPECT_LT(vips_tracked_get_mem_highwater(), before + 1'000'000);
}

TEST(Decode, APhotoOfManyBytesAPixelIsBoundedByItsBytesToo) {
  // 0.25 megapixels of 5 channels of 4 bytes: 5 megabytes.
  const auto file = layered_tiff(500, 5, VIPS_FORMAT_FLOAT, 6);
  const auto error = refusal(file, {.megapixels = 0.25});
  EXPECT_EQ(error.reason, "photo_too_large");
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.message, "5 megabytes, 20 a pixel; the limit is 2 megabytes");
  EXPECT_EQ(refusal(file, {.megapixels = 1}).reason, "pixels_unsupported");
}

TEST(Decode, AColourProfileThatIsNoneIsPassedOver) {
  const auto file = sample("adobe_rgb.jpg");
  auto broken = file;
  // The profile follows its name; its first bytes are its size and signature.
  const std::string name("ICC_PROFILE\0\1\1", 14);
  const auto at = std::ranges::search(broken, std::as_bytes(std::span(name)));
  ASSERT_FALSE(at.empty());
  std::fill_n(at.end(), 100, std::byte{0x5A});
  const auto photo = decode(broken, {});
  ASSERT_TRUE(photo) << photo.error().message;
  expect_near(quadrants(photo->image),
              {{{200, 60, 60}, {60, 180, 90}, {70, 80, 200}, {230, 230, 230}}}, kLossy,
              "broken profile");
}

TEST(Decode, PhotosAreDecodedInManyThreadsAtOnce) {
  const auto file = sample("orientation_6.jpg");
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&file] {
      for (int i = 0; i < 5; ++i) EXPECT_TRUE(decode(file, {}));
    });
  }
}

TEST(Decode, APhotoOfTheDataFolderHasItsSize) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto file = read_file(data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg", 1 << 20).value();
  const auto photo = decode(file, {}).value();
  EXPECT_EQ(photo.width_px, 250);
  EXPECT_EQ(photo.height_px, 250);
}

}  // namespace
}  // namespace faceforge::image
