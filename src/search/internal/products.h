#pragma once

#include <cstddef>
#include <cstdint>

namespace faceforge::search::internal {

/// Codes in one step: rows and queries are padded with zeros to a multiple of it.
inline constexpr size_t kCodeStep = 64;

/// Instructions that the products may use.
enum class Instructions { Plain, Sse41, Avx2, Avx512 };

/// The best that this machine has. All give the same integers.
[[nodiscard]] Instructions best_instructions();

/// Multiplies rows of codes with a query of finer codes.
///
/// in:   `rows` `row_count` times `stride` codes in [-127, 127], `query` `stride` numbers; both
///       begin at a cache line; `stride` a multiple of kCodeStep; the sum of |query| times 127
///       below 2^31
/// out:  `products[row]`, exact
/// cost: one pass over the rows at the speed of memory
void products(const int8_t* rows, size_t row_count, size_t stride, const int16_t* query,
              int32_t* products);

/// The same with instructions that the machine must have.
void products_with(Instructions instructions, const int8_t* rows, size_t row_count, size_t stride,
                   const int16_t* query, int32_t* products);

}  // namespace faceforge::search::internal
