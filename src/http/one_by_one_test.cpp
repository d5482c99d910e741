#include "http/one_by_one.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::http {
namespace {

/// Takes what `script` has a `t` for, refuses what it has an `r` for, and fails at an `f`.
Result<Outcomes> take(std::string_view script, int& tried) {
  const auto one = [&](size_t index) -> Result<Outcome> {
    ++tried;
    if (script[index] == 'f') return fail(ErrorCode::Busy, "away", "come back");
    const bool is_taken = script[index] == 't';
    return Outcome{.json = {{"outcome", is_taken ? "taken" : "refused"}}, .is_taken = is_taken};
  };
  return take_one_by_one(script.size(), one, [](size_t index, const Error& failure) {
    return json::object{{"index", index}, {"reason", failure.reason}};
  });
}

TEST(TakeOneByOne, WithNothingTakenAFailureIsThatOfTheWhole) {
  int tried = 0;
  const auto outcomes = take("rft", tried);
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().reason, "away");
  EXPECT_EQ(tried, 2);
}

TEST(TakeOneByOne, OnceSomethingIsTakenAFailureStandsBesideAllThatIsNot) {
  int tried = 0;
  const auto outcomes = take("trftt", tried);
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->taken_count, 1);
  EXPECT_EQ(tried, 3) << "nothing more is tried";
  ASSERT_THAT(outcomes->results, testing::SizeIs(5));
  EXPECT_EQ(outcomes->results[1].at("outcome"), "refused");
  for (size_t index = 2; index < 5; ++index) {
    EXPECT_EQ(outcomes->results[index].at("index"), index);
    EXPECT_EQ(outcomes->results[index].at("reason"), "away");
  }
}

}  // namespace
}  // namespace faceforge::http
