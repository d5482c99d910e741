#include "train/settings.h"

#include <cmath>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faceforge::train {
namespace {

RunSettings unusual() {
  RunSettings settings;
  settings.data = "/a/b.ffd";
  settings.people = "/a/p";
  settings.held_out_people = "/a/h";
  settings.network = {.kind = NetworkKind::IResNet34,
                      .embedding_length = 128,
                      .input_side_px = 64,
                      .neck = Neck::BatchNorm};
  settings.loss = {.kind = LossKind::CosFace,
                   .mining = Mining::Hard,
                   .distance = Distance::Euclidean,
                   .margin_kind = MarginKind::Soft,
                   .margin = 0.35,
                   .scale = 30};
  settings.optimizer = {.kind = OptimizerKind::Sgd,
                        .learning_rate = 1.0 / 3,
                        .weight_decay = 5e-4,
                        .momentum = 0.85,
                        .warm_up_steps = 7,
                        .max_gradient_norm = 0,
                        .ema_decay = 0.999};
  settings.augmentation.blur = 0.3F;
  settings.batch = {.people = 5, .photos_per_person = 3};
  settings.step_count = 77;
  settings.seed = 123456789012345;
  settings.evaluate_every = 11;
  settings.checkpoint_every = 13;
  return settings;
}

TEST(Settings, ComeBackFromJsonAsTheyWere) {
  const json::object written = to_json(unusual());
  const auto parsed = json::parse(json::to_pretty_text(written));
  const auto read = settings_from_json(parsed->get_object());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->optimizer.learning_rate, 1.0 / 3) << "to the last bit";
  EXPECT_EQ(read->augmentation.blur, 0.3F);
  EXPECT_EQ(json::to_text(to_json(*read)), json::to_text(written));
}

TEST(Settings, AnUnknownWordIsRefusedWithThoseThereAre) {
  const auto read = from_word<Mining>("soft");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "unknown_word");
  EXPECT_THAT(read.error().message, testing::HasSubstr("all, hard, semi-hard"));
}

TEST(Settings, NumbersOutOfTheirRangesAreRefusedByName) {
  const auto refusal = [](const std::function<void(RunSettings&)>& change) {
    RunSettings settings = unusual();
    change(settings);
    const auto checked = check_settings(settings);
    return checked ? "" : checked.error().message;
  };
  using testing::HasSubstr;
  EXPECT_EQ(refusal([](RunSettings&) {}), "");
  EXPECT_THAT(refusal([](RunSettings& s) { s.network.input_side_px = 8; }),
              HasSubstr("input size is 8"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.network.embedding_length = 1; }),
              HasSubstr("embedding length"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.optimizer.learning_rate = std::nan(""); }),
              HasSubstr("learning rate"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.optimizer.ema_decay = 1; }), HasSubstr("EMA"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.augmentation.flip = 1.1F; }),
              HasSubstr("augmentation"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.step_count = 0; }), HasSubstr("steps"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.checkpoint_every = 0; }), HasSubstr("checkpoint"));
  EXPECT_THAT(refusal([](RunSettings& s) { s.loss.margin = -1; }), HasSubstr("margin"));
}

TEST(LearningRate, RisesLinearlyThenFallsAsHalfACosine) {
  const OptimizerSettings optimizer{.learning_rate = 2, .warm_up_steps = 4};
  const auto rate = [&](uint64_t step) { return learning_rate_at(step, optimizer, 104); };
  EXPECT_DOUBLE_EQ(rate(0), 0.5);
  EXPECT_DOUBLE_EQ(rate(3), 2);
  EXPECT_DOUBLE_EQ(rate(4), 2);
  EXPECT_NEAR(rate(54), 1, 1e-12);  // half way
  EXPECT_NEAR(rate(29), 1 + std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(rate(104), 0, 1e-12);
}

TEST(LearningRate, WithoutWarmUpBeginsAtTheHighest) {
  EXPECT_DOUBLE_EQ(learning_rate_at(0, {.learning_rate = 2, .warm_up_steps = 0}, 10), 2);
}

}  // namespace
}  // namespace faceforge::train
