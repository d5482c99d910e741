#pragma once

#include <cstdint>

#include "image/image.h"

namespace faceforge::dataset {

/// Whether each of 8x8 cells of a picture is darker than its neighbour on the right, as 64 bits:
/// the same for copies at another size, of another quality or a little brighter.
///
/// source: Krawetz 2013, "Kind of Like That" (hackerfactor.com), dHash: shrunk to 9x8, grey, bit
///         set where P[x] < P[x + 1], rows from the top, the first cell in the highest bit. Grey is
///         Rec. 601 luma.
[[nodiscard]] uint64_t difference_hash(const image::Image& picture);

/// How many of the 64 bits differ.
[[nodiscard]] int differing_bits(uint64_t a, uint64_t b);

}  // namespace faceforge::dataset
