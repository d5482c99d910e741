#include "nn/network.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nn/noise_test.h"
#include "nn/shape.h"
#include "nn/writer.h"
#include "support/address_room.h"
#include "support/test_data.h"

namespace faceforge::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// Every ONNX file below the packs of the data folder.
std::vector<std::filesystem::path> pack_files(const std::filesystem::path& data) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "packs")) {
    if (entry.path().extension() == ".onnx") files.push_back(entry.path());
  }
  return files;
}

Tensor waves_for(const Network& network, int64_t batch, int64_t open_side_px) {
  Shape shape = network.inputs()[0].shape;
  for (int64_t& dimension : shape) dimension = dimension < 0 ? open_side_px : dimension;
  shape[0] = batch;
  return waves(std::move(shape));
}

/// y = x + 1 for x of shape [?, 2].
GraphBuilder plus_one() {
  GraphBuilder builder("plus_one");
  builder.add_input({"x", {-1, 2}})
      .add_output({"y", {-1, 2}})
      .add_initializer("one", Tensor{{1}, {1}})
      .add_node({"Add", {"x", "one"}, {"y"}});
  return builder;
}

Network parsed(const GraphBuilder& builder) {
  auto network = Network::parse(builder.serialize().value());
  EXPECT_TRUE(network) << network.error().message;
  return std::move(network).value();
}

TEST(Network, EveryNetworkOfThePacksRunsOnBatchesOfOneAndTwo) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const auto& file : pack_files(data)) {
    const auto network = Network::load(file);
    ASSERT_TRUE(network) << file << ": " << network.error().message;
    for (const int64_t batch : {1, 2}) {
      const auto outputs = network->run(waves_for(*network, batch, 96));
      ASSERT_TRUE(outputs) << file << ": " << outputs.error().message;
      EXPECT_EQ(outputs->size(), network->outputs().size());
    }
  }
}

/// One of the pictures of a batch.
Tensor picture_of(const Tensor& batch, size_t picture) {
  const size_t size = batch.values.size() / static_cast<size_t>(batch.shape[0]);
  const auto first = batch.values.begin() + static_cast<std::ptrdiff_t>(picture * size);
  Tensor one{batch.shape, {first, first + static_cast<std::ptrdiff_t>(size)}};
  one.shape[0] = 1;
  return one;
}

TEST(Network, ABatchGivesWhatItsPicturesGiveOneByOne) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const auto& file : pack_files(data)) {
    const auto network = Network::load(file).value();
    // On two threads two pictures each, and one that they share.
    const Tensor batch = waves_for(network, 5, 64);
    for (const int thread_count : {1, 2}) {
      const auto together = network.run(batch, {.thread_count = thread_count}).value();
      for (size_t picture = 0; picture < 5; ++picture) {
        const auto alone = network.run(picture_of(batch, picture)).value();
        for (size_t output = 0; output < alone.size(); ++output) {
          const size_t size = alone[output].values.size();
          ASSERT_EQ(together[output].values.size(), 5 * size) << file;
          for (size_t at = 0; at < size; ++at) {
            // Kernels for other numbers of threads may add in another order.
            ASSERT_NEAR(together[output].values[picture * size + at], alone[output].values[at],
                        2e-4)
                << file << " output " << output;
          }
        }
      }
    }
  }
}

TEST(Network, ABatchWhosePicturesAreMixedStaysTogether) {
  GraphBuilder builder("mean");
  builder.add_input({"x", {-1, 2}})
      .add_output({"y", {}})
      .add_node({"ReduceMean",
                 {"x"},
                 {"mean"},
                 {{"axes", std::vector<int64_t>{0}}, {"keepdims", int64_t{1}}}})
      .add_node({"Sub", {"x", "mean"}, {"y"}, {}});
  for (const int thread_count : {1, 2}) {
    const auto outputs =
        parsed(builder)
            .run({{4, 2}, {0, 8, 2, 8, 4, 8, 6, 8}}, {.thread_count = thread_count})
            .value();
    EXPECT_THAT(outputs.at(0).values, ElementsAre(-3, 0, -1, 0, 1, 0, 3, 0));
  }
}

TEST(Network, TheWeightsOfAPackAreInMemoryOnceHoweverManyProgramsUseThem) {
  SKIP_WITHOUT_TEST_DATA(data);
  for (const auto& file : pack_files(data)) {
    const auto network = Network::load(file).value();
    const size_t as_in_file = network.weight_bytes();
    EXPECT_LE(as_in_file, std::filesystem::file_size(file));
    ASSERT_TRUE(network.run(waves_for(network, 1, 64)));
    const size_t of_one_program = network.weight_bytes();
    // Blocks of 8 or 16 channels round up what a layer has fewer of; the form for Winograd's tiles
    // of 4 has 36 numbers for the 9 of a kernel.
    const auto steps = network.implementations(waves_for(network, 1, 64).shape).value();
    const bool has_tiles = std::ranges::any_of(
        steps, [](const std::string& step) { return step.ends_with("faceforge:winograd"); });
    EXPECT_LE(of_one_program, as_in_file * (has_tiles ? 4 : 1) + as_in_file / 4) << file;
    for (const int64_t batch : {2, 4, 8}) {
      for (const int thread_count : {1, 2}) {
        ASSERT_TRUE(network.run(waves_for(network, batch, 64), {.thread_count = thread_count}));
      }
    }
    EXPECT_EQ(network.weight_bytes(), of_one_program) << file;
  }
}

TEST(Network, OutputsOfARunBeforeAreWrittenOver) {
  const Network network = parsed(plus_one());
  std::vector<Tensor> outputs;
  const Tensor first{{2, 2}, {1, 2, 3, 4}}, second{{1, 2}, {5, 6}};
  ASSERT_TRUE(network.run_into({&first, 1}, outputs));
  EXPECT_THAT(outputs[0].values, ElementsAre(2, 3, 4, 5));
  const float* const memory = outputs[0].values.data();
  ASSERT_TRUE(network.run_into({&second, 1}, outputs));
  EXPECT_THAT(outputs[0].values, ElementsAre(6, 7));
  EXPECT_THAT(outputs[0].shape, ElementsAre(1, 2));
  EXPECT_EQ(outputs[0].values.data(), memory);
}

TEST(Network, QuantizedOperatorsAreRefusedByName) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto network = Network::load(data / "odd/w600k_mbf_dynamic_int8.onnx");
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(network.error().reason, "operator_unsupported");
  EXPECT_THAT(network.error().message, HasSubstr("'DynamicQuantizeLinear'"));
  EXPECT_THAT(network.error().message, HasSubstr("'input.1_QuantizeLinear'"));
}

TEST(Network, AModelWithAFixedSizeRefusesAnotherOne) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto network = Network::load(data / "odd/scrfd_2.5g_static640.onnx").value();
  EXPECT_THAT(network.inputs()[0].shape, ElementsAre(1, 3, 640, 640));
  const auto outputs = network.run(waves({1, 3, 320, 320}));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().reason, "input_shape");
  EXPECT_THAT(outputs.error().message, HasSubstr("[1, 3, 640, 640]"));
}

TEST(Network, ManyThreadsMayRunItAtOnceOnManyShapes) {
  SKIP_WITHOUT_TEST_DATA(data);
  const auto network = Network::load(data / "packs/yunet-mbf/yunet_n.onnx").value();
  const std::vector<int64_t> sides{64, 96, 128};
  std::vector<std::vector<Tensor>> expected;
  for (const int64_t side : sides)
    expected.push_back(network.run(waves({1, 3, side, side})).value());
  const auto fresh = Network::load(data / "packs/yunet-mbf/yunet_n.onnx").value();
  std::vector<std::thread> threads;
  std::atomic<int> differing = 0;
  for (size_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t run = 0; run < 6; ++run) {
        const size_t which = (thread + run) % sides.size();
        const auto outputs = fresh.run(waves({1, 3, sides[which], sides[which]}));
        if (!outputs) {
          ++differing;
          continue;
        }
        for (size_t index = 0; index < outputs->size(); ++index) {
          if ((*outputs)[index].values != expected[which][index].values) ++differing;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(differing, 0);
}

TEST(Network, MoreShapesThanProgramsAreKeptStillRun) {
  const Network network = parsed(plus_one());
  for (int64_t batch = 1; batch <= 80; ++batch) {
    const auto outputs = network.run(waves({batch % 40 + 1, 2}));
    ASSERT_TRUE(outputs);
    EXPECT_EQ((*outputs)[0].shape[0], batch % 40 + 1);
  }
}

TEST(Network, AnInputMayBeAnOutputAndAnOutputAConstant) {
  GraphBuilder builder("odd");
  builder.add_input({"x", {2}})
      .add_output({"x", {2}})
      .add_output({"c", {3}})
      .add_initializer("c", Tensor{{3}, {1, 2, 3}});
  const auto outputs = parsed(builder).run(Tensor{{2}, {5, 6}});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT((*outputs)[0].values, ElementsAre(5, 6));
  EXPECT_THAT((*outputs)[1].values, ElementsAre(1, 2, 3));
}

TEST(Network, WrongInputsAreNamedWithWhatIsWanted) {
  const Network network = parsed(plus_one());
  const auto reason = [&](const Tensor& input) {
    const auto outputs = network.run(input);
    return outputs ? "ran" : outputs.error().reason;
  };
  EXPECT_EQ(reason({{3, 2}, std::vector<float>(6)}), "ran");
  EXPECT_EQ(reason({{3, 2}, std::vector<float>(5)}), "input_shape");
  EXPECT_EQ(reason({{3, 3}, std::vector<float>(9)}), "input_shape");
  EXPECT_EQ(reason({{6}, std::vector<float>(6)}), "input_shape");
  EXPECT_EQ(reason({{0, 2}, {}}), "input_shape");
  EXPECT_EQ(reason({{-1, 2}, {}}), "input_shape");
  EXPECT_EQ(reason({{INT64_MAX, 2}, {}}), "input_shape");
  const std::vector<Tensor> two(2, Tensor{{1, 2}, {0, 0}});
  EXPECT_EQ(network.run(two).error().reason, "input_count");
  for (const int count : {0, -1, 257}) {
    EXPECT_EQ(network.run(two[0], {.thread_count = count}).error().reason, "thread_count");
  }
  EXPECT_EQ(network.implementations(Shape{3, 3}).error().reason, "input_shape");
}

TEST(Network, OperandsThatDoNotFitAreNamedWithTheirNode) {
  GraphBuilder builder("misfit");
  builder.add_input({"x", {-1, -1}})
      .add_output({"y", {}})
      .add_initializer("w", Tensor{{4, 5}, std::vector<float>(20)})
      .add_node({"MatMul", {"x", "w"}, {"y"}, {}, "the_product"});
  const auto outputs = parsed(builder).run(waves({2, 3}));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(outputs.error().reason, "shape_mismatch");
  EXPECT_THAT(outputs.error().message, HasSubstr("MatMul 'the_product'"));
}

TEST(Network, ActivationsBeyondTheLimitAreRefusedBeforeTheyAreMade) {
  GraphBuilder builder("functions");
  builder.add_input({"x", {-1, -1}}).add_output({"y", {}}).add_node({"Relu", {"x"}, {"y"}, {}});
  const auto bytes = builder.serialize().value();
  const auto network = Network::parse(bytes, {.activation_bytes = 1000}).value();
  EXPECT_TRUE(network.run(waves({1, 120})));
  const auto outputs = network.run(waves({1, 140}));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(outputs.error().reason, "activations_too_large");
}

Error refusal_of(const GraphBuilder& builder, const Tensor& input) {
  const auto network = Network::parse(builder.serialize().value());
  if (!network) return network.error();
  const auto outputs = network->run(input);
  EXPECT_FALSE(outputs) << "this should not have run";
  return outputs ? Error{} : outputs.error();
}

TEST(Network, AClipWhoseLowerBoundIsAboveItsUpperIsAMistakeOfTheModel) {
  for (const int64_t opset : {9, 13}) {  // bounds as attributes, then as operands
    GraphBuilder builder("bad", opset);
    builder.add_input({"x", {1, 2}})
        .add_output({"y", {1, 2}})
        .add_initializer("low", Tensor{{}, {5}})
        .add_initializer("high", Tensor{{}, {-5}});
    if (opset == 9) {
      builder.add_node({"Clip", {"x"}, {"y"}, {{"min", 5.0F}, {"max", -5.0F}}});
    } else {
      builder.add_node({"Clip", {"x", "low", "high"}, {"y"}});
    }
    const auto error = refusal_of(builder, Tensor{{1, 2}, {1, 2}});
    EXPECT_EQ(error.code, ErrorCode::InvalidInput);
    EXPECT_EQ(error.reason, "shape_mismatch");
    EXPECT_EQ(error.message, "node Clip 'y': it clips to 5 to -5");
  }
}

TEST(Network, AConvolutionWithoutAKernelOrOfTooManyGroupsIsAMistakeOfTheModel) {
  const Tensor picture{{1, 1, 2, 2}, {1, 2, 3, 4}};
  GraphBuilder no_kernel("bad");
  no_kernel.add_input({"x", {1, 1, 2, 2}})
      .add_output({"y", {}})
      .add_initializer("w", Tensor{{1, 1, 0, 0}, {}})
      .add_node({"Conv", {"x", "w"}, {"y"}});
  const auto error = refusal_of(no_kernel, picture);
  EXPECT_EQ(error.code, ErrorCode::InvalidInput);
  EXPECT_EQ(error.reason, "shape_mismatch");
  EXPECT_EQ(error.message, "node Conv 'y': weights [1, 1, 0, 0] have no kernel");
  GraphBuilder many_groups("bad");
  many_groups.add_input({"x", {1, 1, 2, 2}})
      .add_output({"y", {}})
      .add_initializer("w", Tensor{{1, 4, 1, 1}, {1, 2, 3, 4}})
      .add_node({"Conv", {"x", "w"}, {"y"}, {{"group", int64_t{1} << 62}}});
  EXPECT_EQ(refusal_of(many_groups, picture).reason, "model_malformed");
}

TEST(Network, CompilingWithTooFewAddressesIsOutOfMemoryAndNoCrash) {
  GraphBuilder convolutions("convolutions");
  convolutions.add_input({"x0", {1, 16, -1, -1}})
      .add_output({"x8", {}})
      .add_initializer("w", waves({16, 16, 3, 3}));
  for (int layer = 0; layer < 8; ++layer) {
    convolutions.add_node(
        {"Conv", {fmt::format("x{}", layer), "w"}, {fmt::format("x{}", layer + 1)}});
  }
  const Network network = parsed(convolutions);
  const Tensor picture = waves({1, 16, 64, 64});
  int refusal_count = 0;
  for (size_t room_bytes = 0; room_bytes <= size_t{96} << 20; room_bytes += size_t{4} << 20) {
    const pid_t child = ::fork();
    if (child == 0) {
      test::leave_room(room_bytes);
      const auto outputs = network.run(picture);
      const bool is_told = !outputs && outputs.error().code == ErrorCode::Exhausted &&
                           outputs.error().reason == "out_of_memory";
      ::_exit(outputs ? 0 : is_told ? 1 : 2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status) << " with " << room_bytes;
    ASSERT_LE(WEXITSTATUS(status), 1) << room_bytes;
    refusal_count += WEXITSTATUS(status);
  }
  EXPECT_GE(refusal_count, 4);
  EXPECT_LT(refusal_count, 25) << "the most room is enough";
}

TEST(Network, AModelFileThatIsMissingOrTooLargeIsSaidSo) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(Network::load(folder.path() / "none.onnx").error().reason, "model_file_missing");
  EXPECT_EQ(Network::load(folder.path()).error().reason, "model_file_missing");
  const auto file = folder.path() / "large.onnx";
  std::ofstream(file) << std::string(2000, 'x');
  EXPECT_EQ(Network::load(file, {.file_bytes = 1999}).error().reason, "model_file_too_large");
  EXPECT_EQ(Network::load(file).error().reason, "model_malformed");
}

TEST(Network, FailuresOfALoadedModelNameItsFile) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "detector.onnx";
  std::ofstream(file) << "no model";
  EXPECT_THAT(Network::load(file).error().message, StartsWith("detector.onnx: not a usable ONNX"));
  const auto bytes = plus_one().serialize().value();
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  EXPECT_THAT(Network::load(file, {.weight_bytes = 1}).error().message,
              StartsWith("detector.onnx: the weights"));
  const auto network = Network::load(file).value();
  EXPECT_THAT(network.run(Tensor{{3}, {1, 2, 3}}).error().message,
              StartsWith("detector.onnx: input 'x' has shape [3]"));
}

TEST(Writer, TheSameCallsGiveTheSameBytes) {
  EXPECT_EQ(plus_one().serialize().value(), plus_one().serialize().value());
}

TEST(Writer, ATensorWhoseValuesDoNotFillItsShapeIsRefused) {
  GraphBuilder builder("bad");
  builder.add_initializer("w", Tensor{{2, 2}, {1, 2, 3}});
  EXPECT_EQ(builder.serialize().error().reason, "tensor_shape");
}

}  // namespace
}  // namespace faceforge::nn
