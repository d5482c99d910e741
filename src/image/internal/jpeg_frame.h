#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace faceforge::image::internal {

/// Coefficients of a block, and its samples, eight by eight.
inline constexpr int kBlockSide = 8;
inline constexpr int kBlockSize = kBlockSide * kBlockSide;

/// Where the coefficients of a block stand, row by row, in the order in which they are coded.
inline constexpr std::array<uint8_t, kBlockSize> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/// The lengths of Huffman codes and what they stand for (ITU-T T.81, section C).
struct JpegCodes {
  std::array<uint8_t, 16> counts{};  ///< of codes of 1 to 16 bits
  std::array<uint8_t, 256> symbols{};
};

struct JpegComponent {
  int across = 1;  ///< blocks of it in a minimum coded unit
  int down = 1;
  std::array<uint16_t, kBlockSize> quantization{};  ///< row by row
  JpegCodes dc_codes;
  JpegCodes ac_codes;
};

/// A JPEG of the kind that cameras and telephones write: baseline, grey or YCbCr with the colours
/// of 4:4:4, 4:2:2 or 4:2:0, in one scan.
struct JpegFrame {
  int width_px = 0;
  int height_px = 0;
  int restart_interval = 0;               ///< in minimum coded units; 0: none
  std::vector<JpegComponent> components;  ///< one or three
  std::span<const std::byte> scan;        ///< from its first coded byte to the end of the file
};

/// Reads the markers up to the scan.
///
/// out:    nothing for a file of any other kind, or one in which anything is odd: that is left to
///         the codec library
/// source: ITU-T T.81, section B; JFIF 1.02 and Adobe's APP14 for what the components are
[[nodiscard]] std::optional<JpegFrame> read_jpeg_frame(std::span<const std::byte> file);

}  // namespace faceforge::image::internal
