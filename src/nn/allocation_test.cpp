// What a run allocates. This program has its own `malloc`, which counts while it is asked to, also
// what oneDNN, OpenMP and the standard library take.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/network.h"
#include "nn/noise_test.h"
#include "nn/shape.h"
#include "nn/weight_store.h"
#include "nn/writer.h"
#include "support/test_data.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACEFORGE_COUNTS_ALLOCATIONS 1
#endif

namespace {

std::atomic<bool> is_counting = false;
std::atomic<size_t> allocation_count = 0, allocated_bytes = 0;
std::atomic<size_t> failing_allocation = 0;  ///< the one by this count fails; 0: none

#ifdef FACEFORGE_COUNTS_ALLOCATIONS
/// Whether there is to be memory.
bool note(size_t bytes) {
  if (!is_counting.load(std::memory_order_relaxed)) return true;
  allocated_bytes += bytes;
  return ++allocation_count != failing_allocation;
}
#endif

}  // namespace

#ifdef FACEFORGE_COUNTS_ALLOCATIONS
extern "C" {

void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) noexcept {
  return note(bytes) ? __libc_malloc(bytes) : nullptr;
}
void* calloc(size_t count, size_t bytes) noexcept {
  return note(count * bytes) ? __libc_calloc(count, bytes) : nullptr;
}
void* realloc(void* memory, size_t bytes) noexcept {
  return note(bytes) ? __libc_realloc(memory, bytes) : nullptr;
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return note(bytes) ? __libc_memalign(alignment, bytes) : nullptr;
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  *memory = note(bytes) ? __libc_memalign(alignment, bytes) : nullptr;
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
#endif

namespace faceforge::nn {
namespace {

struct Allocations {
  size_t count = 0;
  size_t bytes = 0;
};

template <typename Work>
Allocations allocations_of(Work&& work) {
  allocation_count = allocated_bytes = 0;
  is_counting = true;
  work();
  is_counting = false;
  return {allocation_count, allocated_bytes};
}

class Allocation : public testing::Test {
 protected:
  void SetUp() override {
#ifndef FACEFORGE_COUNTS_ALLOCATIONS
    GTEST_SKIP() << "the C library or a sanitizer has a malloc that cannot be replaced";
#endif
  }
};

TEST_F(Allocation, ItIsCounted) {
  std::unique_ptr<char[]> kept;
  const auto made = allocations_of([&] { kept = std::make_unique<char[]>(1000); });
  EXPECT_NE(kept, nullptr);
  EXPECT_EQ(made.count, 1U);
  EXPECT_EQ(made.bytes, 1000U);
}

TEST_F(Allocation, WeightsAreNotLostWhereThereIsNoMemoryToKeepTheirForm) {
  const auto weights = std::make_shared<const Constant>(
      Constant{.shape = {1, 2, 1, 3}, .floats = {1, 2, 3, 4, 5, 6}});
  const Layout plain = plain_layout(weights->shape);
  const Layout last = channels_last_layout(weights->shape, dnnl::memory::data_type::f32);
  const auto reordered = [&](WeightStore& store, const ConstantPtr& key) {
    return store.get(key, plain, last);
  };
  const auto derived = [&](WeightStore& store, const ConstantPtr& key) {
    return store
        .derive(key, plain, last, true, 1000,
                [](const float* numbers, std::span<float> to) { std::copy_n(numbers, 6, &to[0]); })
        .value();
  };
  const auto numbers_of = [](const dnnl::memory& memory) {
    const auto* const numbers = static_cast<const float*>(memory.get_data_handle());
    return std::vector<float>(numbers, numbers + 6);
  };
  const auto expect_kept = [&](const auto& form, const std::vector<float>& numbers) {
    // The store's list of forms grows last. The first time oneDNN compiles what it keeps.
    size_t count = 0;
    for (int round = 0; round < 2; ++round) {
      WeightStore store;
      const ConstantPtr key = store.adopt(weights);
      count = allocations_of([&] { (void)form(store, key); }).count;
    }
    WeightStore store;
    const ConstantPtr key = store.adopt(weights);
    failing_allocation = count;
    bool has_failed = false;
    (void)allocations_of([&] {
      try {
        (void)form(store, key);
      } catch (const std::bad_alloc&) {
        has_failed = true;
      }
    });
    failing_allocation = 0;
    EXPECT_TRUE(has_failed);
    EXPECT_EQ(numbers_of(form(store, key)), numbers);
  };
  expect_kept(reordered, {1, 4, 2, 5, 3, 6});
  expect_kept(derived, weights->floats);
}

/// Operators that kernels of ours compute.
GraphBuilder own_operators() {
  GraphBuilder builder("own");
  builder.add_input({"x", {-1, 8, 16, 16}})
      .add_output({"y", {}})
      .add_initializer("slopes", waves({8, 1, 1}))
      .add_initializer("rows", waves({16, 1}))
      .add_node({"PRelu", {"x", "slopes"}, {"a"}})
      .add_node({"Mul", {"a", "rows"}, {"b"}})
      .add_node({"Add", {"a", "b"}, {"c"}})
      .add_node({"Concat", {"a", "c"}, {"d"}, {{"axis", int64_t{1}}}})
      .add_node({"MaxPool",
                 {"d"},
                 {"e"},
                 {{"kernel_shape", std::vector<int64_t>{2, 2}},
                  {"dilations", std::vector<int64_t>{2, 2}}}})
      .add_node({"HardSigmoid", {"e"}, {"f"}})
      .add_node({"ReduceMean", {"f"}, {"g"}, {{"axes", std::vector<int64_t>{2, 3}}}})
      .add_node({"Flatten", {"g"}, {"h"}})
      .add_node({"Softmax", {"h"}, {"y"}});
  return builder;
}

TEST_F(Allocation, OurKernelsAllocateNothingInARunIntoKnownOutputs) {
  const auto network = Network::parse(own_operators().serialize().value()).value();
  const Tensor input = waves({2, 8, 16, 16});
  const auto lines = network.implementations(input.shape).value();
  for (const std::string& line : lines) {
    EXPECT_NE(line.find("faceforge:"), std::string::npos) << line;
  }
  std::vector<Tensor> outputs;
  for (const int thread_count : {1, 2}) {
    const RunOptions options{.thread_count = thread_count};
    ASSERT_TRUE(network.run_into({&input, 1}, outputs, options));
    const auto before = outputs[0].values;
    const auto made = allocations_of([&] {
      (void)network.run_into({&input, 1}, outputs, options);
    });
    EXPECT_EQ(made.count, 0U) << thread_count << " threads";
    EXPECT_EQ(outputs[0].values, before);
  }
}

TEST_F(Allocation, APreparedShapeIsNotCompiledInItsFirstRun) {
  const auto network = Network::parse(own_operators().serialize().value()).value();
  const Tensor prepared = waves({4, 8, 16, 16});
  const Tensor other = waves({3, 8, 16, 16});
  const RunOptions options{.thread_count = 2};
  ASSERT_TRUE(network.prepare(prepared.shape, options));
  const auto first_run_of = [&](const Tensor& input) {
    return allocations_of([&] { (void)network.run(input, options); }).count;
  };
  const size_t prepared_count = first_run_of(prepared);
  EXPECT_LT(2 * prepared_count, first_run_of(other)) << "which is compiled in its first run";
  EXPECT_EQ(network.prepare(Shape{4, 7, 16, 16}).error().reason, "input_shape");
}

TEST_F(Allocation, ARunAllocatesItsOutputsAndOneDnnItsArguments) {
  SKIP_WITHOUT_TEST_DATA(data);
  // oneDNN keeps the arguments of each primitive in a hash table, some 50 bytes each.
  constexpr size_t kBytesAPrimitive = 1024;
  // Its product of matrices takes a buffer of its own in every run, into which it packs operands.
  constexpr size_t kBytesAMatrix = size_t{2} << 20;
  for (const char* file :
       {"packs/scrfd-mbf/w600k_mbf.onnx", "packs/scrfd-mbf/scrfd_2.5g_bnkps.onnx",
        "packs/yunet-mbf/yunet_n.onnx"}) {
    const auto network = Network::load(data / file).value();
    Shape shape = network.inputs()[0].shape;
    for (int64_t& side : shape) side = side < 0 ? 160 : side;
    shape[0] = 1;
    const Tensor input = waves(shape);
    for (const int thread_count : {1, 2}) {
      const RunOptions options{.thread_count = thread_count};
      const auto lines = network.implementations(shape, options).value();
      const size_t steps = lines.size();
      const bool has_matrix = std::ranges::any_of(
          lines, [](const std::string& line) { return line.find("gemm") != std::string::npos; });
      std::vector<Tensor> outputs;
      ASSERT_TRUE(network.run_into({&input, 1}, outputs, options));
      const auto into = allocations_of([&] {
        (void)network.run_into({&input, 1}, outputs, options);
      });
      fmt::print("{}: {} allocations, {} bytes, {} steps\n", file, into.count, into.bytes, steps);
      EXPECT_LE(into.bytes, steps * kBytesAPrimitive + (has_matrix ? kBytesAMatrix : 0)) << file;
      size_t output_bytes = 0;
      for (const Tensor& output : outputs) {
        output_bytes +=
            output.values.size() * sizeof(float) + output.shape.size() * sizeof(int64_t);
      }
      const auto alone = allocations_of([&] { (void)network.run(input, options); });
      EXPECT_EQ(alone.bytes, into.bytes + output_bytes + outputs.size() * sizeof(Tensor)) << file;
    }
  }
}

}  // namespace
}  // namespace faceforge::nn
