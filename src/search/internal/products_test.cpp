#include "search/internal/products.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "search/internal/column.h"

namespace faceforge::search::internal {
namespace {

/// The machine's own, and all that are less.
std::vector<Instructions> available_instructions() {
  std::vector<Instructions> available;
  for (const auto instructions :
       {Instructions::Plain, Instructions::Sse41, Instructions::Avx2, Instructions::Avx512}) {
    if (instructions <= best_instructions()) available.push_back(instructions);
  }
  return available;
}

TEST(Products, AreTheSameIntegersWithAllInstructions) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> code(-127, 127);
  std::uniform_int_distribution<int> fine_code(-32'767, 32'767);
  for (const size_t stride : {64U, 128U, 512U}) {
    for (const size_t row_count : {1U, 3U, 4U, 9U}) {
      // On both sides of the four queries that are multiplied at once.
      for (const size_t query_count : {1U, 3U, 4U, 9U}) {
        Column<int8_t> rows;
        Column<int16_t> codes;
        rows.grow(row_count * stride);
        codes.grow(query_count * stride);
        for (size_t index = 0; index < rows.size(); ++index) {
          rows[index] = static_cast<int8_t>(code(random));
        }
        for (size_t index = 0; index < codes.size(); ++index) {
          codes[index] = static_cast<int16_t>(fine_code(random));
        }
        std::vector<const int16_t*> queries;
        std::vector<int32_t> expected;
        for (size_t query = 0; query < query_count; ++query) {
          queries.push_back(codes.data() + query * stride);
          for (size_t row = 0; row < row_count; ++row) {
            int64_t sum = 0;
            for (size_t column = 0; column < stride; ++column) {
              sum += int64_t{rows[row * stride + column]} * queries[query][column];
            }
            expected.push_back(static_cast<int32_t>(sum));
          }
        }
        for (const Instructions instructions : available_instructions()) {
          std::vector<int32_t> found(expected.size());
          products_with(instructions, rows.data(), row_count, stride, queries, found.data());
          EXPECT_EQ(found, expected) << static_cast<int>(instructions) << ", stride " << stride
                                     << ", queries " << query_count;
        }
      }
    }
  }
}

TEST(Products, DoNotOverflowAtTheirLimits) {
  // All codes at their largest, as far as the sum of the query's allows.
  constexpr size_t kStride = 512;
  Column<int8_t> row;
  Column<int16_t> query;
  row.grow(kStride);
  query.grow(kStride);
  for (size_t index = 0; index < kStride; ++index) {
    row[index] = index % 2 == 0 ? 127 : -127;
    query[index] = index % 2 == 0 ? 32'767 : -32'767;
  }
  for (const Instructions instructions : available_instructions()) {
    int32_t found = 0;
    const int16_t* const queries[] = {query.data()};
    products_with(instructions, row.data(), 1, kStride, queries, &found);
    EXPECT_EQ(found, int64_t{512} * 127 * 32'767);
  }
}

}  // namespace
}  // namespace faceforge::search::internal
