#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/bounded_queue.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "base/without_throwing.h"

namespace faceforge {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::InvalidInput, "odd", "{} is odd", number);
  return number / 2;
}

Result<int> quarter(int number) {
  const int halved = TRY(half(number));
  return TRY(half(halved));
}

TEST(Result, TryPassesTheFirstErrorOnUnchanged) {
  EXPECT_EQ(quarter(12).value(), 3);
  ASSERT_FALSE(quarter(6).has_value());
  EXPECT_EQ(quarter(6).error().reason, "odd");
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
}

TEST(WithoutThrowing, WhatIsThrownBecomesAnError) {
  EXPECT_EQ(without_throwing([] { return half(4); }).value(), 2);
  EXPECT_EQ(without_throwing([] { return half(3); }).error().reason, "odd");
  const auto memory = without_throwing([]() -> Result<int> { throw std::bad_alloc(); });
  EXPECT_EQ(memory.error().code, ErrorCode::Exhausted);
  EXPECT_EQ(memory.error().reason, "out_of_memory");
  const auto bug = without_throwing([]() -> Result<int> { return std::string().at(7); });
  EXPECT_EQ(bug.error().code, ErrorCode::Internal);
  EXPECT_EQ(bug.error().reason, "unexpected_exception");
  EXPECT_FALSE(bug.error().message.empty());
}

TEST(Check, AFailedCheckStopsTheProgramAndNamesTheCondition) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "1 \\+ 1 == 3");
}

TEST(Clock, TheEpochIsTheFirstOfJanuary1970) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(1'700'000'000'000), "2023-11-14T22:13:20Z");
}

TEST(StrongId, IdsCompareByValue) {
  using Id = StrongId<struct TestTag>;
  EXPECT_EQ(Id(3), Id(3));
  EXPECT_LT(Id(2), Id(3));
}

TEST(BoundedQueue, AFullQueueRefusesAndAClosedOneDrains) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, WhatIsTakenOutMakesRoomAndIsNotHandedOut) {
  BoundedQueue<int> queue(3);
  for (const int item : {1, 2, 3}) EXPECT_TRUE(queue.try_push(item));
  EXPECT_TRUE(queue.remove(2));
  EXPECT_FALSE(queue.remove(2));
  EXPECT_TRUE(queue.try_push(4));
  for (const int item : {1, 3, 4}) EXPECT_EQ(queue.pop(), item);
}

TEST(BoundedQueue, AWaitingReaderIsWokenByAnItemFromAnotherThread) {
  BoundedQueue<int> queue(1);
  std::jthread writer([&queue] { EXPECT_TRUE(queue.try_push(7)); });
  EXPECT_EQ(queue.pop(), 7);
}

TEST(BoundedQueue, APatientReaderGetsAnItemNothingOrTheEnd) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.pop_for(std::chrono::milliseconds(1)), std::nullopt);
  EXPECT_FALSE(queue.is_drained());
  EXPECT_TRUE(queue.try_push(7));
  queue.close();
  EXPECT_FALSE(queue.is_drained());
  EXPECT_EQ(queue.pop_for(std::chrono::hours(1)), 7);
  EXPECT_TRUE(queue.is_drained());
}

TEST(Json, ADocumentSurvivesBothForms) {
  const auto document = json::parse(R"({"a":[1,2],"b":{"c":"d\n"},"e":[],"f":[[1],[2]]})").value();
  EXPECT_EQ(json::parse(json::to_text(document)).value(), document);
  EXPECT_EQ(json::parse(json::to_pretty_text(document)).value(), document);
}

TEST(Json, NumbersAreWrittenAsPeopleWriteThemAndKeepTheirKind) {
  const json::value document = json::array{0.3, -2.0, 1e-5, 7, json::number(0.3F), json::number(1)};
  EXPECT_EQ(json::to_text(document), "[0.3,-2.0,1e-05,7,0.3,1.0]");
  EXPECT_EQ(json::parse(json::to_text(document)).value(), document);
  const float infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(json::to_text(json::array{json::number(infinite), double{infinite}}), "[null,null]");
}

TEST(Json, MalformedDeepOrTrailingTextIsRefused) {
  for (const std::string text : {"", "{", "[1,]", "{} x", "nul", "\"\xff\""}) {
    ASSERT_FALSE(json::parse(text).has_value()) << text;
    EXPECT_EQ(json::parse(text).error().reason, "json_malformed") << text;
  }
  EXPECT_FALSE(json::parse(std::string(40, '[') + std::string(40, ']')).has_value());
  EXPECT_EQ(json::parse("[1,2,3]", 3).error().reason, "json_too_large");
  EXPECT_TRUE(json::parse(" [1] \n").has_value());
}

TEST(Json, AMissingOrMistypedFieldIsNamed) {
  const auto object = json::parse(R"({"name":1,"count":1.5})").value().as_object();
  EXPECT_EQ(json::string_field(object, "name").error().reason, "json_field_type");
  EXPECT_EQ(json::string_field(object, "nothing").error().message,
            "the field `nothing` is missing");
  EXPECT_EQ(json::integer_field(object, "count").error().reason, "json_field_type");
  EXPECT_EQ(json::number_field(object, "count").value(), 1.5);
}

}  // namespace
}  // namespace faceforge
