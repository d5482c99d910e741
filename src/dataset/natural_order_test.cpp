#include "dataset/natural_order.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace faceforge::dataset {
namespace {

// Written down by hand, as a person would sort them.
const std::vector<std::string> kSorted{"",
                                       "0",
                                       "00",
                                       "01",
                                       "1",
                                       "2",
                                       "10",
                                       "99999999999999999999998",
                                       "99999999999999999999999",
                                       "_1",
                                       "a",
                                       "A1",
                                       "a2.jpg",
                                       "A10.jpg",
                                       "a10b1",
                                       "a10b2",
                                       "B1",
                                       "image 9",
                                       "image 010",
                                       "image 11x",
                                       "z",
                                       "\xC3\xA9"};

TEST(NaturalOrder, NumbersCountAndCaseDoesNot) {
  for (size_t i = 0; i < kSorted.size(); ++i) {
    for (size_t j = 0; j < kSorted.size(); ++j) {
      EXPECT_EQ(natural_less(kSorted[i], kSorted[j]), i < j)
          << '`' << kSorted[i] << "` and `" << kSorted[j] << '`';
    }
  }
}

TEST(NaturalOrder, IsAnOrderOfAnyNames) {
  std::mt19937 random(1);
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) {
    std::string name;
    for (size_t length = random() % 5; length > 0; --length) name += "01aAb."[random() % 6];
    names.push_back(name);
  }
  for (const auto& a : names) {
    for (const auto& b : names) {
      EXPECT_EQ(natural_less(a, b) || natural_less(b, a), a != b) << a << ' ' << b;
      for (const auto& c : names) {
        if (natural_less(a, b) && natural_less(b, c)) {
          EXPECT_TRUE(natural_less(a, c)) << a << ' ' << b << ' ' << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace faceforge::dataset
