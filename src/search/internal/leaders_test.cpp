#include "search/internal/leaders.h"

#include <bit>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/internal/row_store.h"
#include "support/face_like.h"

namespace faceforge::search::internal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Sketch sketch_of_low_bits(uint64_t bits) {
  return {bits, 0, 0, 0};
}

int difference(const Sketch& a, const Sketch& b) {
  int count = 0;
  for (size_t word = 0; word < a.size(); ++word) count += std::popcount(a[word] ^ b[word]);
  return count;
}

TEST(Leaders, AreFoundByTheBitsInWhichTheyDiffer) {
  Leaders leaders(9);
  EXPECT_THAT(leaders.near({}, 3), IsEmpty());
  leaders.add(7, sketch_of_low_bits(0b1111));
  leaders.add(3, sketch_of_low_bits(0b0001));
  leaders.add(9, sketch_of_low_bits(0b0111));
  EXPECT_THAT(leaders.near(sketch_of_low_bits(0), 1), ElementsAre(3));
  EXPECT_THAT(leaders.near(sketch_of_low_bits(0b1111), 2), UnorderedElementsAre(7, 9));
  EXPECT_THAT(leaders.near(sketch_of_low_bits(0), 10), UnorderedElementsAre(7, 3, 9));
  EXPECT_TRUE(leaders.remove(3));
  EXPECT_FALSE(leaders.remove(3));
  EXPECT_FALSE(leaders.contains(3));
  EXPECT_TRUE(leaders.contains(9));
  EXPECT_THAT(leaders.near(sketch_of_low_bits(0), 1), ElementsAre(9));
}

TEST(Leaders, ANearOneIsFoundHoweverManyEquallyFarOnesStandBeforeIt) {
  Leaders leaders(10);
  for (uint32_t row = 0; row < 9; ++row) leaders.add(row, sketch_of_low_bits(0b1));
  leaders.add(9, sketch_of_low_bits(0));
  EXPECT_THAT(leaders.near(sketch_of_low_bits(0), 2), UnorderedElementsAre(0, 1, 9));
}

TEST(Leaders, AreNoMoreThanTheLimitHoweverManyLookAlike) {
  Leaders leaders(1'000);
  for (uint32_t row = 0; row < 1'005; ++row) leaders.add(row, {});
  EXPECT_EQ(leaders.rows().size(), 1'000U);
  EXPECT_TRUE(leaders.is_full());
  EXPECT_EQ(leaders.near({}, 4).size(), 4U);
}

TEST(Sketch, DiffersInAShareOfBitsThatIsTheAngle) {
  // Charikar: two vectors at an angle of a differ in a / pi of the bits; at a cosine of 0.6, 0.295.
  constexpr size_t kLength = 512;
  const test::FaceLike faces(kLength, 3);
  RowStore rows(kLength, face::Metric::Cosine, 1'000);
  double same = 0, other = 0;
  constexpr int kPeople = 100;
  for (uint64_t person = 0; person < kPeople; ++person) {
    for (const uint64_t photo : {0U, 1U}) ASSERT_TRUE(rows.add(faces.photo(person, photo)));
  }
  const auto sketch = [&](size_t row) {
    return sketch_of(std::span(rows.codes(row), rows.length()));
  };
  for (size_t person = 0; person < kPeople; ++person) {
    same += difference(sketch(2 * person), sketch(2 * person + 1)) / 256.0 / kPeople;
    other +=
        difference(sketch(2 * person), sketch((2 * person + 3) % (2 * kPeople))) / 256.0 / kPeople;
  }
  EXPECT_NEAR(same, 0.295, 0.015);
  EXPECT_NEAR(other, 0.5, 0.015);
}

TEST(Sketch, IsMadeOfAnyNumberOfValues) {
  for (const size_t length : {1U, 2U, 3U, 128U, 200U, 2'048U}) {
    std::vector<int8_t> codes(length, 1);
    const Sketch all = sketch_of(std::span<const int8_t>(codes));
    for (int8_t& code : codes) code = -1;
    EXPECT_NE(sketch_of(std::span<const int8_t>(codes)), all) << length;
  }
}

}  // namespace
}  // namespace faceforge::search::internal
