#include "train/run_page.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::train {
namespace {

using testing::HasSubstr;
using testing::Not;

RunRecord record() {
  RunRecord made{.faceforge_version = "<b>1", .steps_done = 100, .person_count = 8};
  made.settings.data = "/home/someone/faces.ffd";
  made.raw_pixels = Separation{.auc = 0.646};
  made.measurements = {{.step = 0, .separation = {.auc = 0.6}},
                       {.step = 100, .separation = {.auc = 0.8125, .tar_at_fmr2 = 0.25}}};
  return made;
}

TEST(RunPage, ShowsWhatCameOfItBesideRawPixels) {
  const std::string page = run_page(record(), {});
  EXPECT_THAT(page, HasSubstr("raw pixels<td>0.6460"));
  EXPECT_THAT(page, HasSubstr("before training<td>0.6000"));
  EXPECT_THAT(page, HasSubstr("after 100 steps<td>0.8125<td>0.0000<td>0.2500"));
}

TEST(RunPage, ACurveRunsFromLeftToRightOnItsAxis) {
  // By hand: loss 1 and 3 at steps 1 and 2, on axes from 1 to 3 in steps of 0.5 over 216 units from
  // 12 on, and from 0 to 2 over 720 units from 72 on.
  const std::vector<StepResult> history{{.loss = 1}, {.loss = 3}};
  const std::string page = run_page(record(), history);
  EXPECT_THAT(page, HasSubstr(R"(<path d="M432.0 228.0L792.0 12.0"/>)"));
  for (const char* tick : {">1<", ">1.5<", ">2<", ">2.5<", ">3<"})
    EXPECT_THAT(page, HasSubstr(tick));
}

TEST(RunPage, ANoisyCurveIsSmoothed) {
  // Of 100 steps of 0 and then one of 1, what is lately is 0.06 of 1.
  std::vector<StepResult> history(101, StepResult{.loss = 0});
  history.back().loss = 1;
  const std::string page = run_page(record(), history);
  EXPECT_THAT(page, HasSubstr("class=\"each\""));
  EXPECT_THAT(page, HasSubstr(fmt::format("L{:.1f} {:.1f}\"/>", 72 + 720 * 101.0 / 120,
                                          12 + 216 * (1 - 0.06))));
}

TEST(RunPage, HoldsTheNetworkAgainstRawPixels) {
  EXPECT_THAT(run_page(record(), {}), HasSubstr("raw pixels 0.646</text>"));
}

TEST(RunPage, MoreStepsThanPointsAreAveraged) {
  const std::vector<StepResult> history(100'000, StepResult{.loss = 2});
  const std::string page = run_page(record(), history);
  EXPECT_LT(page.size(), 100'000u);
  EXPECT_THAT(page, HasSubstr("Loss by step, at the end 2"));
}

TEST(RunPage, ForeignTextIsTextOnlyAndPathsAreNobodysBusiness) {
  const std::string page = run_page(record(), {});
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;1"));
  EXPECT_THAT(page, Not(HasSubstr("someone")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace faceforge::train
