#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image/internal/jpeg_frame.h"

namespace faceforge::image::internal {

/// Whether this processor has what the functions below are written for: AVX2, BMI and MOVBE.
[[nodiscard]] bool has_jpeg_instructions();

/// The samples of a block in so many pixels a side instead of eight: the inverse discrete cosine
/// transform of Loeffler, Ligtenberg and Moschytz in integers, for fewer samples as libjpeg reduces
/// it. The same numbers as libjpeg-turbo's, bit by bit, for what encoders write.
///
/// in:     `side_px` 1, 2, 4 or 8; `coefficients` and `quantization` row by row; room for 8 bytes
///         in each of the `side_px` rows of `samples`, which lie `stride` apart
/// source: libjpeg's jidctint.c and jidctred.c; ICASSP 1989, pp. 988-991
void inverse_transform(int side_px, const int16_t* coefficients, const uint16_t* quantization,
                       uint8_t* samples, size_t stride);

/// The same for a block that has a DC coefficient alone.
void fill_block(int side_px, int dc, int quantization, uint8_t* samples, size_t stride);

/// A row of twice as many samples: each of `count` becomes two, a quarter of the way to its
/// neighbours, as libjpeg places them; or the same twice, unless `is_smooth`.
void widen(const uint8_t* samples, int count, bool is_smooth, uint8_t* twice);

/// A row of RGB8 from its samples (JFIF 1.02, in the integers of libjpeg's jdcolor.c).
///
/// in: each of the three a multiple of 16 samples long that holds `width_px`
void ycbcr_to_rgb(const uint8_t* luma, const uint8_t* blue, const uint8_t* red, int width_px,
                  uint8_t* rgb);
void grey_to_rgb(const uint8_t* luma, int width_px, uint8_t* rgb);

}  // namespace faceforge::image::internal
