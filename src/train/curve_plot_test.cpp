#include "train/curve_plot.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::train {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(CurvePlot, RunsFromLeftToRightBetweenItsAxes) {
  // By hand: 1 and 3 at steps 1 and 2, on axes from 1 to 3 in steps of 0.5 over 170 px, and from 0
  // to 2 over 1000 units.
  const std::string html = curve_section({.title = "Loss", .points = {{1, 1}, {2, 3}}});
  EXPECT_THAT(html, HasSubstr(R"(<path d="M500.0 170.0L1000.0 0.0"/>)"));
  for (const char* tick : {">1.5<", ">2.5<", ">3<"}) EXPECT_EQ(count_of(html, tick), 1U) << tick;
  EXPECT_THAT(html, HasSubstr("Loss by step, at the end 3"));
}

TEST(CurvePlot, CountsWholeStepsAndSaysThatTheyAreSteps) {
  const std::string html = curve_section({.title = "Loss", .points = {{1, 0.5}, {2, 0.7}}});
  for (const char* tick : {">0<", ">1<", ">2<", ">steps<"}) {
    EXPECT_EQ(count_of(html, tick), 1U) << tick;
  }
}

TEST(CurvePlot, ANoisyOneIsDrawnWithTheMeanOfNeighbours) {
  // 100 steps of 0 and then one of 1: the last of the means is over it and the ten before.
  CurvePlot plot{.title = "Loss"};
  for (int step = 1; step <= 101; ++step) {
    plot.points.push_back({.step = static_cast<double>(step), .value = step == 101 ? 1.0 : 0.0});
  }
  const std::string end = fmt::format("L{:.1f} {:.1f}\"/>", 1000 * 101 / 120.0, 170 * (10 / 11.0));
  EXPECT_THAT(curve_section(plot), HasSubstr(end));
  EXPECT_THAT(curve_section(plot), HasSubstr("class=\"each\""));
  plot.is_noisy = false;
  EXPECT_THAT(curve_section(plot), Not(HasSubstr("class=\"each\"")));
  EXPECT_THAT(curve_section(plot), Not(HasSubstr(end)));
}

TEST(CurvePlot, WhatItIsHeldAgainstIsNamedAndWithinItsAxis) {
  const std::string html = curve_section({.title = "AUC",
                                          .points = {{0, 0.7}, {10, 0.9}},
                                          .beside_name = "raw pixels",
                                          .beside = 0.6461});
  EXPECT_THAT(html, HasSubstr("raw pixels 0.646</text>"));
  // From 0.6 to 0.9 in steps of 0.05, over 170 px from 14 on.
  EXPECT_THAT(html, HasSubstr(fmt::format("y1=\"{:.1f}\"", 14 + 170 * (0.9 - 0.6461) / 0.3)));
}

TEST(CurvePlot, OfNoPointsThereIsNone) {
  EXPECT_EQ(curve_section({.title = "AUC", .points = {}}), "");
}

}  // namespace
}  // namespace faceforge::train
