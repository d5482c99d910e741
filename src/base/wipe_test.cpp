#include "base/wipe.h"

#include <new>
#include <string>

#include <gtest/gtest.h>

#include "base/wiped_json.h"

namespace faceforge {
namespace {

bool all_zero(const char* bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

TEST(Wipe, ATextIsEmptyAndAllItsMemoryZero) {
  for (const size_t length : {size_t{5}, size_t{15}, size_t{16}, size_t{1000}}) {
    std::string text(length, 'x');
    text.resize(length / 2);  // what was longer once lies behind the end
    wipe(text);
    EXPECT_TRUE(text.empty());
    text.resize(text.capacity());
    EXPECT_TRUE(all_zero(text.data(), text.size())) << length;
  }
}

TEST(Wipe, AWipedDocumentIsReadAsAnyOtherOrRefusedWhereverItBreaksOff) {
  const std::string text =
      R"({"name": "ann", "a key that is too long for a small text": [1, 2.5, null, "longer than a short one"]})";
  EXPECT_EQ(json::parse_wiped(text, 1000).value(), json::parse(text, 1000).value());
  // Under the sanitizers also: what is given back half built is what was taken.
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(json::parse_wiped(std::string_view(text).substr(0, length), 1000)) << length;
  }
}

TEST(Wipe, AScopesEndWipesHoweverItEnds) {
  std::string text = "a secret of more than fifteen bytes";
  const char* memory = text.data();
  const size_t length = text.size();
  const auto leave = [&] {
    const WipedAtEnd wiped(text);
    throw std::bad_alloc();
  };
  EXPECT_THROW(leave(), std::bad_alloc);
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(all_zero(memory, length));
}

}  // namespace
}  // namespace faceforge
