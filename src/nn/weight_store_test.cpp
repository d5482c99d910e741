#include "nn/weight_store.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

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
      const dnnl::memory derived = store.derive(key, plain, form, is_only_form, make);
      EXPECT_EQ(static_cast<const float*>(derived.get_data_handle())[0], 2);
    }
    EXPECT_EQ(store.adopted_bytes(), (is_only_form ? 3 : 7) * sizeof(float));
  }
  EXPECT_EQ(made_count, 2);
}

}  // namespace
}  // namespace faceforge::nn
