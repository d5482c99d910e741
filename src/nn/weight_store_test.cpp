#include "nn/weight_store.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/processor.h"
#include "nn/writer.h"

namespace faceforge::nn {
namespace {

const Shape kShape{32, 32, 3, 3};

ConstantPtr byte_weights() {
  auto weights =
      std::make_shared<Constant>(Constant{.shape = kShape, .kind = ElementKind::Signed8});
  for (int64_t index = 0; index < element_count(kShape); ++index) {
    weights->bytes.push_back(static_cast<int8_t>(index * 37 % 255 - 127));
  }
  return weights;
}

/// The layout that a convolution of signed or unsigned bytes wants its weights in.
Layout layout_for(dnnl::memory::data_type source) {
  const auto any = [](const Shape& shape, dnnl::memory::data_type type) {
    return any_layout(shape, type);
  };
  const dnnl::convolution_forward::desc wanted(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      any({1, 32, 20, 20}, source), any(kShape, dnnl::memory::data_type::s8),
      any({1, 32, 20, 20}, dnnl::memory::data_type::s32), {1, 1}, {1, 1}, {1, 1});
  return dnnl::convolution_forward::primitive_desc(wanted, cpu()).weights_desc();
}

std::vector<int8_t> numbers_in(const dnnl::memory& memory) {
  std::vector<int8_t> numbers(memory.get_desc().get_size());
  std::memcpy(numbers.data(), memory.get_data_handle(), numbers.size());
  return numbers;
}

TEST(WeightStore, NumbersAreHadBackFromALayoutThatHoldsNothingElse) {
  const Layout plain = plain_layout(kShape, dnnl::memory::data_type::s8);
  const Layout pixels_first = channels_last_layout(kShape, dnnl::memory::data_type::s8);
  const Layout compensated = layout_for(dnnl::memory::data_type::s8);
  if (compensated.data.extra.flags == dnnl_memory_extra_flag_none) {
    GTEST_SKIP() << "this processor multiplies signed bytes without a compensation";
  }
  const Layout blocked = layout_for(dnnl::memory::data_type::u8);
  ASSERT_EQ(blocked.data.extra.flags, dnnl_memory_extra_flag_none);
  ASSERT_NE(blocked, plain);

  WeightStore untouched;
  const auto expected =
      numbers_in(untouched.get(untouched.adopt(byte_weights()), plain, pixels_first));
  // The first layout cannot be undone; the second can, and takes the original's place.
  WeightStore store;
  const ConstantPtr weights = store.adopt(byte_weights());
  (void)store.get(weights, plain, compensated);
  (void)store.get(weights, plain, blocked);
  EXPECT_EQ(numbers_in(store.get(weights, plain, pixels_first)), expected);
  EXPECT_EQ(numbers_in(store.get(weights, plain, plain)), byte_weights()->bytes);
}

TEST(WeightStore, DerivedNumbersAreMadeOnceAndTakeThePlaceOfTheirOriginal) {
  const auto weights =
      std::make_shared<const Constant>(Constant{.shape = {2, 2}, .floats = {1, 2, 3, 4}});
  const Layout plain = plain_layout({2, 2}), form = plain_layout({3});
  int made_count = 0;
  const auto make = [&](const float* numbers, std::span<float> to) {
    ++made_count;
    std::copy_n(numbers + 1, 3, to.begin());
  };
  for (const bool is_only_form : {true, false}) {
    WeightStore store;
    const ConstantPtr key = store.adopt(weights);
    for (int round = 0; round < 2; ++round) {
      const dnnl::memory derived = store.derive(key, plain, form, is_only_form, 100, make).value();
      EXPECT_EQ(static_cast<const float*>(derived.get_data_handle())[0], 2);
    }
    EXPECT_EQ(store.adopted_bytes(), (is_only_form ? 3 : 7) * sizeof(float));
  }
  EXPECT_EQ(made_count, 2);
}

TEST(WeightStore, WhatIsDerivedIsWithinTheLimitOfAllThatIsHeld) {
  const auto weights =
      std::make_shared<const Constant>(Constant{.shape = {2, 2}, .floats = {1, 2, 3, 4}});
  const Layout plain = plain_layout({2, 2}), form = plain_layout({3});
  const auto make = [](const float* numbers, std::span<float> to) {
    std::copy_n(numbers, 3, to.begin());
  };
  WeightStore store;
  const ConstantPtr one = store.adopt(weights), two = store.adopt(weights);
  const auto derive = [&](const ConstantPtr& key, size_t limit_bytes) {
    const auto made = store.derive(key, plain, form, true, limit_bytes, make);
    return made ? "" : made.error().reason;
  };
  // Two of four numbers, and three: 11 of 4 bytes. Then four and twice three.
  EXPECT_EQ(derive(one, 43), "weights_too_large");
  EXPECT_EQ(store.adopted_bytes(), 32U) << "nothing was made";
  EXPECT_EQ(derive(one, 44), "");
  EXPECT_EQ(derive(two, 39), "weights_too_large");
  EXPECT_EQ(derive(two, 40), "");
  EXPECT_EQ(derive(two, 0), "") << "it is there already";
}

TEST(WeightStore, ANetworkWhoseDerivedWeightsPassTheLimitIsRefusedWhenItIsCompiled) {
  if (!vector_lanes()) GTEST_SKIP() << "this processor has no kernel that derives weights";
  GraphBuilder builder("one");
  builder.add_input({"x", {1, 64, 8, 8}})
      .add_output({"y", {}})
      .add_initializer("w", {{64, 64, 3, 3}, std::vector<float>(64 * 64 * 9, 0.5F)})
      .add_node({"Conv", {"x", "w"}, {"y"}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}});
  const auto bytes = builder.serialize().value();
  const Tensor input{{1, 64, 8, 8}, std::vector<float>(64 * 64, 1.0F)};
  // Kernels of 9 numbers become 36, beside which the 9 are held.
  constexpr size_t kNeeded_bytes = size_t{64} * 64 * (36 + 9) * sizeof(float);
  const auto reason = [&](size_t limit_bytes) {
    const auto network = Network::parse(bytes, {.weight_bytes = limit_bytes}).value();
    const auto done = network.run(input);
    return done ? "" : done.error().reason;
  };
  EXPECT_EQ(reason(kNeeded_bytes - 1), "weights_too_large");
  EXPECT_EQ(reason(kNeeded_bytes), "");
}

}  // namespace
}  // namespace faceforge::nn
