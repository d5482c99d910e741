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
  EXPECT_THAT(page, HasSubstr("<span>AUC on held-out people</span><b>0.812</b>"
                              "<span>before training 0.600, raw pixels 0.646</span>"));
}

TEST(RunPage, OfARunThatMeasuresNobodyShowsTheRest) {
  RunRecord made = record();
  made.measurements.clear();
  made.raw_pixels.reset();
  const std::string page = run_page(made, std::vector<StepResult>(3, StepResult{.loss = 1}));
  EXPECT_THAT(page, Not(HasSubstr("held-out")));
  EXPECT_THAT(page, HasSubstr("<h2>Loss</h2>"));
}

TEST(RunPage, NamesTheWeightsThatItBeganWithByTheirHash) {
  RunRecord made = record();
  made.initial_weights_sha256 = "<abc";
  EXPECT_THAT(run_page(made, {}), HasSubstr("Begun with weights: SHA-256 &lt;abc"));
  EXPECT_THAT(run_page(record(), {}), Not(HasSubstr("Begun with weights")));
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
  EXPECT_THAT(page, HasSubstr("FaceForge &lt;b&gt;1"));
  EXPECT_THAT(page, Not(HasSubstr("someone")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace faceforge::train
