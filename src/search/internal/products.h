#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faceforge::search::internal {

/// Codes in one step: rows and queries are padded with zeros to a multiple of it.
inline constexpr size_t kCodeStep = 64;

/// Instructions that the products may use.
enum class Instructions { Plain, Sse41, Avx2, Avx512 };

/// The best that this machine has. All give the same integers.
[[nodiscard]] Instructions best_instructions();

/// Multiplies rows of codes with queries of finer codes.
///
/// in:   `rows` `row_count` times `stride` codes in [-127, 127], every query `stride` numbers; all
///       begin at a cache line; `stride` a multiple of kCodeStep; the sum of |query| times 127
///       below 2^31
/// out:  `products[query * row_count + row]`, exact
/// cost: one pass over the rows, at the speed of memory for one query; rows that stay in a cache
///       are best multiplied with many at once
void products(const int8_t* rows, size_t row_count, size_t stride,
              std::span<const int16_t* const> queries, int32_t* products);

/// The same with instructions that the machine must have.
void products_with(Instructions instructions, const int8_t* rows, size_t row_count, size_t stride,
                   std::span<const int16_t* const> queries, int32_t* products);

}  // namespace faceforge::search::internal
