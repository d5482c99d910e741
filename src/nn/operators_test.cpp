// Every operator against LibTorch, on random tensors. Only this test includes it.

#include "nn/onnx_operators.h"
#include "nn/operators_test_model.h"

namespace faceforge::nn {
namespace {

namespace F = torch::nn::functional;

using test::expect_close;
using test::Model;
using test::noise;
using test::Omitted;
using test::Operand;
using test::run_node;
using test::Weights;

class Operators : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(7); }
};

struct ConvCase {
  int64_t channels, made, groups, kernel, stride, dilation, pad;
  bool has_bias;
};

TEST_F(Operators, ConvolutionsOfEveryKind) {
  const ConvCase cases[] = {
      {3, 16, 1, 3, 2, 1, 1, true},    {3, 10, 1, 3, 1, 1, 1, false},
      {16, 32, 1, 1, 1, 1, 0, true},   {16, 16, 16, 3, 1, 1, 1, true},
      {24, 24, 24, 3, 2, 1, 1, false}, {12, 18, 3, 3, 1, 1, 1, true},
      {16, 32, 1, 3, 1, 2, 2, true},   {20, 7, 1, 5, 1, 1, 2, true},
      {8, 8, 8, 5, 1, 2, 4, true},     {64, 64, 64, 7, 1, 1, 0, false},
      {1, 4, 1, 3, 3, 1, 0, true},     {32, 64, 2, 1, 2, 1, 0, true},
      {32, 32, 16, 3, 1, 1, 1, true},  {48, 48, 12, 3, 2, 1, 1, false},
      {32, 32, 4, 5, 1, 2, 3, true},   {28, 20, 1, 3, 1, 1, 1, true},
  };
  for (const ConvCase& c : cases) {
    for (const int64_t batch : {1, 3}) {
      const auto picture = noise({batch, c.channels, 15, 18});
      const auto weights = noise({c.made, c.channels / c.groups, c.kernel, c.kernel});
      const auto bias = noise({c.made});
      std::vector<Operand> operands{picture, Weights{weights}};
      if (c.has_bias) operands.emplace_back(Weights{bias});
      const auto ours = run_node("Conv", operands,
                                 {{"strides", std::vector<int64_t>{c.stride, c.stride}},
                                  {"dilations", std::vector<int64_t>{c.dilation, c.dilation}},
                                  {"pads", std::vector<int64_t>(4, c.pad)},
                                  {"group", c.groups}});
      expect_close(ours[0], torch::conv2d(picture, weights, c.has_bias ? bias : torch::Tensor(),
                                          c.stride, c.pad, c.dilation, c.groups));
    }
  }
}

TEST_F(Operators, ConvolutionsOfLinesAndVolumes) {
  const auto line = noise({2, 6, 40});
  const auto line_weights = noise({8, 6, 3});
  expect_close(
      run_node("Conv", {line, Weights{line_weights}}, {{"pads", std::vector<int64_t>{1, 1}}})[0],
      torch::conv1d(line, line_weights, {}, 1, 1));
  const auto volume = noise({1, 4, 6, 7, 8});
  const auto volume_weights = noise({5, 4, 2, 3, 3});
  expect_close(run_node("Conv", {volume, Weights{volume_weights}})[0],
               torch::conv3d(volume, volume_weights));
}

TEST_F(Operators, ConvolutionsWithUnevenAndAutomaticBorders) {
  const auto picture = noise({1, 8, 13, 16});
  const auto weights = noise({16, 8, 4, 3});
  const auto padded_by = [&](int64_t left, int64_t right, int64_t top, int64_t bottom) {
    return F::pad(picture, F::PadFuncOptions({left, right, top, bottom}));
  };
  expect_close(run_node("Conv", {picture, Weights{weights}},
                        {{"pads", std::vector<int64_t>{2, 0, 1, 3}}})[0],
               torch::conv2d(padded_by(0, 3, 2, 1), weights));
  // Stride 2: rows (7-1)*2+4-13 = 3 to add, columns (8-1)*2+3-16 = 1.
  const std::vector<int64_t> strides{2, 2};
  expect_close(run_node("Conv", {picture, Weights{weights}},
                        {{"auto_pad", std::string("SAME_UPPER")}, {"strides", strides}})[0],
               torch::conv2d(padded_by(0, 1, 1, 2), weights, {}, 2));
  expect_close(run_node("Conv", {picture, Weights{weights}},
                        {{"auto_pad", std::string("SAME_LOWER")}, {"strides", strides}})[0],
               torch::conv2d(padded_by(1, 0, 2, 1), weights, {}, 2));
  expect_close(run_node("Conv", {picture, Weights{weights}},
                        {{"auto_pad", std::string("VALID")}, {"strides", strides}})[0],
               torch::conv2d(picture, weights, {}, 2));
}

TEST_F(Operators, ConvolutionsFollowedByWhatIsFusedIntoThem) {
  for (const int64_t channels : {16, 20}) {
    for (const int64_t groups : {int64_t{1}, channels / 2, channels}) {
      const auto picture = noise({2, channels, 9, 11});
      // Small, so that the clip below cuts some numbers and not nearly all.
      const auto weights = noise({channels, channels / groups, 3, 3}) * 0.1;
      const auto scale = noise({channels}), shift = noise({channels}), mean = noise({channels});
      const auto variance = torch::rand({channels}) + 0.5;
      const auto slope = torch::rand({channels, 1, 1});
      Model model;
      const auto input = model.input(picture);
      const std::map<std::string, AttributeValue> pads{{"pads", std::vector<int64_t>(4, 1)},
                                                       {"group", groups}};
      const auto conv = model.node("Conv", {input, model.weights(weights)}, pads)[0];
      const auto norm = model.node("BatchNormalization",
                                   {conv, model.weights(scale), model.weights(shift),
                                    model.weights(mean), model.weights(variance)},
                                   {{"epsilon", 1e-3F}})[0];
      const auto prelu = model.node("PRelu", {norm, model.weights(slope)})[0];
      const auto second = model.node("Conv", {prelu, model.weights(weights)}, pads)[0];
      const auto sum = model.node("Add", {prelu, second})[0];
      const auto leaky = model.node("LeakyRelu", {sum}, {{"alpha", 0.2F}})[0];
      const auto third = model.node("Conv", {leaky, model.weights(weights)}, pads)[0];
      const auto residual = model.node("Add", {third, input})[0];
      const auto clip = model.node("Clip", {residual, model.weights(torch::tensor(-1.0F)),
                                            model.weights(torch::tensor(6.0F))})[0];
      model.output(clip);
      model.output(leaky);
      const auto ours = model.run();

      const auto convolve = [&](const torch::Tensor& from) {
        return torch::conv2d(from, weights, {}, 1, 1, 1, groups);
      };
      const auto a = torch::prelu(
          torch::batch_norm(convolve(picture), scale, shift, mean, variance, false, 0, 1e-3, false),
          slope.flatten());
      const auto b = torch::leaky_relu(a + convolve(a), 0.2);
      expect_close(ours[1], b);
      expect_close(ours[0], torch::clamp(convolve(b) + picture, -1, 6));
    }
  }
}

TEST_F(Operators, ScalesAfterConvolutionsAndMatrices) {
  const auto picture = noise({2, 5, 6, 6});
  const auto weights = noise({7, 5, 3, 3});
  const auto factors = noise({1, 7, 1, 1}), summands = noise({7, 1, 1});
  Model model;
  auto value = model.node("Conv", {model.input(picture), model.weights(weights)})[0];
  value = model.node("Mul", {value, model.weights(factors)})[0];
  value = model.node("Sub", {model.weights(summands), value})[0];
  value = model.node("Div", {value, model.weights(torch::tensor({3.0F}))})[0];
  model.output(value);
  expect_close(model.run()[0], (summands - torch::conv2d(picture, weights) * factors) / 3);
}

TEST_F(Operators, TheLargestOfWindowsAfterAConvolution) {
  // There channels lie in blocks, the last one filled up.
  for (const int64_t channels : {16, 20}) {
    const auto picture = noise({2, 3, 13, 18});
    const auto weights = noise({channels, 3, 3, 3});
    const auto pooled = [&](const std::map<std::string, AttributeValue>& attributes) {
      Model model;
      const auto value = model.node("Conv", {model.input(picture), model.weights(weights)})[0];
      model.output(model.node("MaxPool", {value}, attributes)[0]);
      return model.run()[0];
    };
    const std::vector<int64_t> two{2, 2}, three{3, 3};
    const auto value = torch::conv2d(picture, weights);
    expect_close(pooled({{"kernel_shape", two}, {"strides", two}}), torch::max_pool2d(value, 2, 2));
    expect_close(pooled({{"kernel_shape", three}, {"pads", std::vector<int64_t>(4, 1)}}),
                 torch::max_pool2d(value, 3, 1, 1));
    expect_close(pooled({{"kernel_shape", three}, {"strides", two}, {"ceil_mode", int64_t{1}}}),
                 torch::max_pool2d(value, 3, 2, 0, 1, true));
  }
}

TEST_F(Operators, TheLargestOfFourAfterAConvolutionOfManyChannels) {
  const auto weights = noise({24, 12, 3, 3}), bias = noise({24}), slopes = noise({24, 1, 1});
  const std::vector<int64_t> two{2, 2}, one(4, 1);
  for (const auto& [rows, columns] : {std::pair{12, 18}, std::pair{11, 18}, std::pair{12, 17}}) {
    const auto picture = noise({2, 12, rows, columns});
    const auto convolved = torch::conv2d(picture, weights, bias, 1, 1);
    const auto bent = convolved.clamp_min(0) + slopes * convolved.clamp_max(0);
    Model model;
    auto value =
        model.node("Conv", {model.input(picture), model.weights(weights), model.weights(bias)},
                   {{"pads", one}})[0];
    value = model.node("PRelu", {value, model.weights(slopes)})[0];
    model.output(model.node("MaxPool", {value}, {{"kernel_shape", two}, {"strides", two}})[0]);
    expect_close(model.run()[0], torch::max_pool2d(bent, 2, 2));
    // Not where somebody else wants the picture as it was, or something is added to it.
    Model both;
    value = both.node("Conv", {both.input(picture), both.weights(weights), both.weights(bias)},
                      {{"pads", one}})[0];
    both.output(both.node("MaxPool", {value}, {{"kernel_shape", two}, {"strides", two}})[0]);
    both.output(both.node("Relu", {value})[0]);
    const auto results = both.run();
    expect_close(results[0], torch::max_pool2d(convolved, 2, 2));
    expect_close(results[1], convolved.clamp_min(0));
  }
}

TEST_F(Operators, FunctionsOfOneNumber) {
  const auto x = noise({2, 5, 4, 3}) * 3;
  const auto positive = torch::rand({2, 5, 4, 3}) + 0.1;
  const auto one = [&](const std::string& type, const torch::Tensor& from,
                       const std::map<std::string, AttributeValue>& attributes = {}) {
    return run_node(type, {from}, attributes, 14)[0];
  };
  expect_close(one("Relu", x), torch::relu(x));
  expect_close(one("LeakyRelu", x, {{"alpha", 0.3F}}), torch::leaky_relu(x, 0.3));
  expect_close(one("LeakyRelu", x), torch::leaky_relu(x, 0.01));
  expect_close(one("Sigmoid", x), torch::sigmoid(x));
  expect_close(one("HardSwish", x), torch::hardswish(x));
  expect_close(one("HardSigmoid", x, {{"alpha", 1.0F / 6}}), torch::hardsigmoid(x));
  expect_close(one("HardSigmoid", x), torch::clamp(0.2 * x + 0.5, 0, 1));
  expect_close(one("Exp", x), torch::exp(x));
  expect_close(one("Sqrt", positive), torch::sqrt(positive));
  expect_close(one("Log", positive), torch::log(positive));
  expect_close(one("Tanh", x), torch::tanh(x));
  expect_close(one("Elu", x, {{"alpha", 0.7F}}), torch::elu(x, 0.7));
  expect_close(one("Abs", x), torch::abs(x));
  expect_close(one("Neg", x), -x);
  expect_close(one("Floor", x), torch::floor(x));
  expect_close(one("Ceil", x), torch::ceil(x));
  expect_close(one("Identity", x), x);
  expect_close(one("Dropout", x), x);
  const auto cast = one("Cast", x, {{"to", int64_t{1}}});
  expect_close(cast, x);
}

TEST_F(Operators, ClipInBothItsForms) {
  const auto x = noise({3, 7});
  expect_close(run_node("Clip", {x}, {{"min", -0.5F}, {"max", 1.0F}}, 9)[0],
               torch::clamp(x, -0.5, 1));
  const auto low = torch::tensor(-0.5F), high = torch::tensor(1.0F);
  expect_close(run_node("Clip", {x, Weights{low}, Weights{high}})[0], torch::clamp(x, -0.5, 1));
  expect_close(run_node("Clip", {x, Omitted{}, Weights{high}})[0], torch::clamp_max(x, 1));
  expect_close(run_node("Clip", {x, Weights{low}})[0], torch::clamp_min(x, -0.5));
}

TEST_F(Operators, FunctionsOfTwoNumbersWithBroadcasting) {
  const std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> shapes = {
      {{2, 20, 5, 6}, {2, 20, 5, 6}},
      {{2, 20, 5, 6}, {1, 20, 1, 1}},
      {{2, 20, 5, 6}, {20, 1, 1}},
      {{2, 20, 5, 6}, {2, 20, 1, 1}},
      {{2, 20, 5, 6}, {6}},
      {{2, 20, 5, 6}, {5, 1}},
      {{2, 20, 5, 6}, {}},
      {{20, 1, 1}, {2, 20, 5, 6}},
      {{2, 1, 5, 1}, {1, 20, 1, 6}},
      {{4, 9}, {9}},
      {{4, 9}, {4, 1}},
      {{7}, {7}},
      {{3, 4, 5}, {4, 1}},
      {{}, {3, 4}},
  };
  for (const auto& [left, right] : shapes) {
    const auto a = torch::rand(left) + 0.5, b = torch::rand(right) + 0.5;
    const std::vector<std::pair<std::string, torch::Tensor>> expected = {
        {"Add", a + b},
        {"Sub", a - b},
        {"Mul", a * b},
        {"Div", a / b},
        {"Pow", torch::pow(a, b)},
        {"Min", torch::minimum(a, b)},
        {"Max", torch::maximum(a, b)}};
    for (const auto& [type, result] : expected) {
      expect_close(run_node(type, {a, b})[0], result);
      expect_close(run_node(type, {a, Weights{b}})[0], result);
      expect_close(run_node(type, {Weights{a}, b})[0], result);
    }
  }
}

TEST_F(Operators, FunctionsOfTwoNumbersOnWhatAConvolutionLeaves) {
  // Twenty channels: what a convolution leaves may be padded to blocks, whose zeros must survive.
  const auto picture = noise({2, 3, 8, 8});
  const auto weights = noise({20, 3, 3, 3});
  const auto next_weights = noise({4, 20, 1, 1});
  const auto made = torch::conv2d(picture, weights);
  const auto channel = torch::rand({20, 1, 1}) + 0.5;
  for (const std::string type : {"Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Max", "Min"}) {
    Model model;
    auto value = model.node("Conv", {model.input(picture), model.weights(weights)})[0];
    model.output(value);  // so that the scale is not folded away
    value = model.node("Abs", {value})[0];
    value = model.node(type, {value, model.weights(channel)})[0];
    const auto pooled = model.node("GlobalAveragePool", {value})[0];
    value = model.node("Mul", {value, pooled})[0];
    value = model.node("Conv", {value, model.weights(next_weights)})[0];
    model.output(value);
    const auto x = made.abs();
    auto expected = type == "Add"   ? x + channel
                    : type == "Sub" ? x - channel
                    : type == "Mul" ? x * channel
                    : type == "Div" ? x / channel
                    : type == "Pow" ? torch::pow(x, channel)
                    : type == "Max" ? torch::maximum(x, channel)
                    : type == "Min" ? torch::minimum(x, channel)
                                    : x;
    expected = expected * expected.mean({2, 3}, true);
    expect_close(model.run()[1], torch::conv2d(expected, next_weights));
  }
}

TEST_F(Operators, PReluWithOneSlopeOrOneAChannel) {
  const auto x = noise({2, 6, 5, 4});
  const auto slopes = torch::rand({6});
  expect_close(run_node("PRelu", {x, Weights{slopes.view({6, 1, 1})}})[0], torch::prelu(x, slopes));
  expect_close(run_node("PRelu", {x, slopes.view({1, 6, 1, 1})})[0], torch::prelu(x, slopes));
  const auto single = torch::tensor({0.25F});
  expect_close(run_node("PRelu", {x, Weights{single}})[0], torch::prelu(x, single));
  const auto rows = noise({3, 6});
  expect_close(run_node("PRelu", {rows, Weights{slopes}})[0], torch::prelu(rows, slopes));
}

TEST_F(Operators, BatchNormalizationOnItsOwn) {
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{2, 6, 5, 4}, {3, 6}, {2, 6, 9}}) {
    const auto x = noise(shape);
    const auto scale = noise({6}), shift = noise({6}), mean = noise({6});
    const auto variance = torch::rand({6}) + 0.1;
    expect_close(run_node("BatchNormalization",
                          {x, Weights{scale}, Weights{shift}, Weights{mean}, Weights{variance}})[0],
                 torch::batch_norm(x, scale, shift, mean, variance, false, 0, 1e-5, false));
  }
}

TEST_F(Operators, PoolingOfEveryKind) {
  struct PoolCase {
    int64_t kernel, stride, pad;
    bool ceil;
  };
  for (const PoolCase c : {PoolCase{2, 2, 0, false},
                           {3, 2, 1, false},
                           {3, 2, 1, true},
                           {2, 2, 0, true},
                           {3, 1, 1, false},
                           {5, 3, 2, true}}) {
    for (const int64_t channels : {5, 16}) {
      const auto x = noise({2, channels, 13, 16});
      const std::map<std::string, AttributeValue> attributes{
          {"kernel_shape", std::vector<int64_t>{c.kernel, c.kernel}},
          {"strides", std::vector<int64_t>{c.stride, c.stride}},
          {"pads", std::vector<int64_t>(4, c.pad)},
          {"ceil_mode", int64_t{c.ceil}}};
      expect_close(run_node("MaxPool", {x}, attributes)[0],
                   torch::max_pool2d(x, c.kernel, c.stride, c.pad, 1, c.ceil));
      expect_close(run_node("AveragePool", {x}, attributes)[0],
                   torch::avg_pool2d(x, c.kernel, c.stride, c.pad, c.ceil, false));
      auto including = attributes;
      including["count_include_pad"] = int64_t{1};
      expect_close(run_node("AveragePool", {x}, including)[0],
                   torch::avg_pool2d(x, c.kernel, c.stride, c.pad, c.ceil, true));
    }
  }
  const auto x = noise({1, 4, 12, 12});
  expect_close(run_node("MaxPool", {x},
                        {{"kernel_shape", std::vector<int64_t>{3, 3}},
                         {"dilations", std::vector<int64_t>{2, 2}}})[0],
               torch::max_pool2d(x, 3, 1, 0, 2));
  expect_close(run_node("MaxPool", {x},
                        {{"kernel_shape", std::vector<int64_t>{3, 3}},
                         {"strides", std::vector<int64_t>{2, 2}},
                         {"auto_pad", std::string("SAME_UPPER")}})[0],
               torch::max_pool2d(F::pad(x, F::PadFuncOptions({0, 1, 0, 1}).value(-100)), 3, 2));
  expect_close(run_node("GlobalAveragePool", {x})[0], x.mean({2, 3}, true));
  expect_close(run_node("GlobalMaxPool", {x})[0], x.amax({2, 3}, true));
}

TEST_F(Operators, Matrices) {
  const auto a = noise({3, 20}), b = noise({20, 7});
  const auto row = noise({7}), full = noise({3, 7});
  expect_close(run_node("Gemm", {a, Weights{b}, Weights{row}})[0], a.mm(b) + row);
  expect_close(run_node("Gemm", {a, Weights{b.t().contiguous()}, Weights{row}},
                        {{"transB", int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}})[0],
               0.5 * a.mm(b) + 2 * row);
  expect_close(run_node("Gemm", {a.t().contiguous(), b, full},
                        {{"transA", int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}})[0],
               0.5 * a.mm(b) + 2 * full);
  expect_close(run_node("Gemm", {a, b.t().contiguous()}, {{"transB", int64_t{1}}})[0], a.mm(b));
  expect_close(run_node("MatMul", {a, Weights{b}})[0], a.mm(b));
  expect_close(run_node("MatMul", {a, b})[0], a.mm(b));
  const auto stack = noise({2, 3, 4, 5}), other = noise({3, 5, 6}), vector = noise({5});
  expect_close(run_node("MatMul", {stack, other})[0], torch::matmul(stack, other));
  expect_close(run_node("MatMul", {stack, Weights{other}})[0], torch::matmul(stack, other));
  expect_close(run_node("MatMul", {stack, vector})[0], torch::matmul(stack, vector));
  expect_close(run_node("MatMul", {vector, other})[0], torch::matmul(vector, other));
}

TEST_F(Operators, SoftmaxBeforeAndSinceOpset13) {
  const auto x = noise({2, 3, 4, 5});
  for (const int64_t axis : {-1, 1, 0, 3}) {
    expect_close(run_node("Softmax", {x}, {{"axis", axis}})[0], torch::softmax(x, axis));
  }
  expect_close(run_node("Softmax", {x}, {{"axis", int64_t{2}}}, 11)[0],
               torch::softmax(x.reshape({6, 20}), 1).view({2, 3, 4, 5}));
  expect_close(run_node("Softmax", {x}, {}, 11)[0],
               torch::softmax(x.reshape({2, 60}), 1).view({2, 3, 4, 5}));
}

TEST_F(Operators, Reductions) {
  const auto x = torch::rand({2, 3, 4, 5}) + 0.5;
  const std::vector<int64_t> axes{1, -1};
  expect_close(run_node("ReduceMean", {x}, {{"axes", axes}})[0], x.mean({1, 3}, true));
  expect_close(run_node("ReduceMean", {x}, {{"axes", axes}, {"keepdims", int64_t{0}}})[0],
               x.mean({1, 3}, false));
  expect_close(run_node("ReduceMean", {x}, {{"axes", std::vector<int64_t>{2, 3}}})[0],
               x.mean({2, 3}, true));
  expect_close(run_node("ReduceMean", {x})[0], x.mean().view({1, 1, 1, 1}));
  expect_close(run_node("ReduceSum", {x, axes})[0], x.sum({1, 3}, true));
  expect_close(run_node("ReduceMax", {x}, {{"axes", axes}})[0], x.amax({1, 3}, true));
  expect_close(run_node("ReduceMin", {x}, {{"axes", axes}})[0], x.amin({1, 3}, true));
  expect_close(run_node("ReduceL2", {x}, {{"axes", axes}})[0], x.pow(2).sum({1, 3}, true).sqrt());
  expect_close(run_node("ReduceSumSquare", {x}, {{"axes", axes}})[0], x.pow(2).sum({1, 3}, true));
  expect_close(run_node("ReduceProd", {x}, {{"axes", std::vector<int64_t>{2}}})[0],
               x.prod(2, true));
}

TEST_F(Operators, ShapesOfTheSameNumbers) {
  const auto x = noise({2, 3, 4, 5});
  using Integers = std::vector<int64_t>;
  expect_close(run_node("Reshape", {x, Integers{0, -1, 5}})[0], x.reshape({2, 12, 5}));
  expect_close(run_node("Flatten", {x})[0], x.reshape({2, 60}));
  expect_close(run_node("Flatten", {x}, {{"axis", int64_t{0}}})[0], x.reshape({1, 120}));
  expect_close(run_node("Flatten", {x}, {{"axis", int64_t{-1}}})[0], x.reshape({24, 5}));
  const auto thin = noise({2, 1, 4, 1});
  expect_close(run_node("Squeeze", {thin, Integers{1}})[0], thin.squeeze(1));
  expect_close(run_node("Squeeze", {thin})[0], thin.squeeze());
  expect_close(run_node("Squeeze", {thin}, {{"axes", Integers{-1}}}, 11)[0], thin.squeeze(3));
  expect_close(run_node("Unsqueeze", {x, Integers{0, -1}})[0], x.unsqueeze(0).unsqueeze(-1));
  expect_close(run_node("Unsqueeze", {x}, {{"axes", Integers{2}}}, 11)[0], x.unsqueeze(2));
}

TEST_F(Operators, MovedNumbers) {
  const auto x = noise({2, 3, 4, 5});
  using Integers = std::vector<int64_t>;
  expect_close(run_node("Transpose", {x}, {{"perm", Integers{0, 2, 3, 1}}})[0],
               x.permute({0, 2, 3, 1}));
  expect_close(run_node("Transpose", {x}, {{"perm", Integers{2, 3, 0, 1}}})[0],
               x.permute({2, 3, 0, 1}));
  expect_close(run_node("Transpose", {x})[0], x.permute({3, 2, 1, 0}));
  const auto y = noise({2, 2, 4, 5});
  expect_close(run_node("Concat", {x, y, Weights{y}}, {{"axis", int64_t{1}}})[0],
               torch::cat({x, y, y}, 1));
  expect_close(run_node("Concat", {x, x}, {{"axis", int64_t{-1}}})[0], torch::cat({x, x}, 3));
  expect_close(run_node("Slice", {x, Integers{1, -3}, Integers{3, 1000}, Integers{2, -1}})[0],
               x.slice(2, 1, 3).slice(3, 2, 5));
  expect_close(run_node("Slice", {x, Integers{0}, Integers{5}, Integers{3}, Integers{2}})[0],
               x.slice(3, 0, 5, 2));
  expect_close(
      run_node("Slice", {x, Integers{-1}, Integers{INT64_MIN}, Integers{3}, Integers{-1}})[0],
      x.flip(3));
  expect_close(
      run_node("Slice", {x},
               {{"starts", Integers{1}}, {"ends", Integers{INT64_MAX}}, {"axes", Integers{1}}},
               9)[0],
      x.slice(1, 1, 3));
  const auto halves = run_node("Split", {x}, {{"axis", int64_t{2}}}, 13, 2);
  expect_close(halves[0], x.slice(2, 0, 2));
  expect_close(halves[1], x.slice(2, 2, 4));
  const auto parts = run_node("Split", {x, Integers{1, 4}}, {{"axis", int64_t{3}}}, 13, 2);
  expect_close(parts[1], x.slice(3, 1, 5));
  const auto old = run_node("Split", {x}, {{"axis", int64_t{1}}, {"split", Integers{2, 1}}}, 11, 2);
  expect_close(old[1], x.slice(1, 2, 3));
  expect_close(run_node("Gather", {x, Integers{2, 0, -1}}, {{"axis", int64_t{1}}})[0],
               x.index_select(1, torch::tensor({2, 0, 2})));
  expect_close(run_node("Expand", {noise({1, 3, 1}) * 0 + 1, Integers{2, 1, 4}})[0],
               torch::ones({2, 3, 4}));
}

TEST_F(Operators, Borders) {
  const auto x = noise({2, 3, 4, 5});
  const std::vector<int64_t> pads{0, 0, 1, 2, 0, 0, 3, 1};
  const auto options = F::PadFuncOptions({2, 1, 1, 3});
  expect_close(run_node("Pad", {x, pads})[0], F::pad(x, options));
  expect_close(run_node("Pad", {x, pads, Weights{torch::tensor(1.5F)}})[0],
               F::pad(x, F::PadFuncOptions({2, 1, 1, 3}).value(1.5)));
  expect_close(run_node("Pad", {x}, {{"pads", pads}, {"value", 2.0F}}, 9)[0],
               F::pad(x, F::PadFuncOptions({2, 1, 1, 3}).value(2)));
  expect_close(run_node("Pad", {x, pads}, {{"mode", std::string("reflect")}})[0],
               F::pad(x, F::PadFuncOptions({2, 1, 1, 3}).mode(torch::kReflect)));
  expect_close(run_node("Pad", {x, pads}, {{"mode", std::string("edge")}})[0],
               F::pad(x, F::PadFuncOptions({2, 1, 1, 3}).mode(torch::kReplicate)));
  expect_close(run_node("Pad", {x, std::vector<int64_t>{0, 0, -1, 0, 0, 0, 0, -2}})[0],
               x.slice(2, 1, 4).slice(3, 0, 3));
}

TEST_F(Operators, Resizing) {
  for (const int64_t channels : {3, 16}) {
    const auto x = noise({2, channels, 5, 6});
    const auto scales = torch::tensor({1.0F, 1.0F, 2.0F, 3.0F});
    const auto nearest = F::interpolate(
        x, F::InterpolateFuncOptions().size(std::vector<int64_t>{10, 18}).mode(torch::kNearest));
    expect_close(run_node("Upsample", {x, Weights{scales}}, {}, 9)[0], nearest);
    expect_close(run_node("Resize", {x, Weights{scales}}, {}, 10)[0], nearest);
    expect_close(run_node("Resize", {x, Omitted{}, Weights{scales}},
                          {{"coordinate_transformation_mode", std::string("asymmetric")},
                           {"nearest_mode", std::string("floor")}})[0],
                 nearest);
    const std::vector<int64_t> sizes{2, channels, 8, 4};
    const auto bilinear = [&](bool corners) {
      return F::interpolate(x, F::InterpolateFuncOptions()
                                   .size(std::vector<int64_t>{8, 4})
                                   .mode(torch::kBilinear)
                                   .align_corners(corners));
    };
    const std::map<std::string, AttributeValue> linear{{"mode", std::string("linear")}};
    expect_close(run_node("Resize", {x, Omitted{}, Omitted{}, sizes}, linear)[0], bilinear(false));
    auto corners = linear;
    corners["coordinate_transformation_mode"] = std::string("align_corners");
    expect_close(run_node("Resize", {x, Omitted{}, Omitted{}, sizes}, corners)[0], bilinear(true));
  }
  // In blocks of channels, between convolutions.
  const auto picture = noise({1, 3, 8, 8});
  const auto weights = noise({32, 3, 3, 3}), point = noise({8, 32, 1, 1});
  Model model;
  auto value = model.node("Conv", {model.input(picture), model.weights(weights)})[0];
  value = model.node("Resize", {value, "", model.weights(torch::tensor({1.0F, 1.0F, 2.0F, 2.0F}))},
                     {{"coordinate_transformation_mode", std::string("asymmetric")},
                      {"nearest_mode", std::string("floor")}})[0];
  model.output(model.node("Conv", {value, model.weights(point)})[0]);
  const auto large =
      torch::conv2d(picture, weights).repeat_interleave(2, 2).repeat_interleave(2, 3);
  expect_close(model.run()[0], torch::conv2d(large, point));
}

TEST_F(Operators, SizesComputedFromTheInputsShape) {
  const auto x = noise({2, 3, 4, 6});
  Model model;
  const auto input = model.input(x);
  const auto shape = model.node("Shape", {input})[0];
  const auto rows = model.node("Gather", {shape, model.integers({2})})[0];
  const auto as_float = model.node("Cast", {rows}, {{"to", int64_t{1}}})[0];
  const auto half = model.node("Mul", {as_float, model.weights(torch::tensor({0.5F}))})[0];
  const auto floored = model.node("Floor", {half})[0];
  const auto back = model.node("Cast", {floored}, {{"to", int64_t{7}}})[0];
  const auto doubled = model.node("Add", {back, back})[0];
  const auto tail = model.node("Slice", {shape, model.integers({0}), model.integers({1})})[0];
  const auto wanted =
      model.node("Concat", {tail, doubled, model.integers({-1})}, {{"axis", int64_t{0}}})[0];
  model.output(model.node("Reshape", {input, wanted})[0]);
  const auto filled = model.node("ConstantOfShape", {shape}, {{"value", Tensor{{1}, {2.5F}}}})[0];
  model.output(model.node("Add", {input, filled})[0]);
  const auto ours = model.run();
  expect_close(ours[0], x.reshape({2, 4, 18}));
  expect_close(ours[1], x + 2.5);
}

TEST_F(Operators, BlocksOfChannelsJoined) {
  const auto picture = noise({2, 3, 6, 6});
  const auto wide = noise({32, 3, 3, 3}), narrow = noise({16, 3, 3, 3}), odd = noise({5, 3, 3, 3});
  for (const auto& second : {narrow, odd}) {
    const auto point = noise({4, 32 + second.size(0), 1, 1});
    Model model;
    const auto input = model.input(picture);
    const auto left = model.node("Conv", {input, model.weights(wide)})[0];
    const auto right = model.node("Conv", {input, model.weights(second)})[0];
    const auto both = model.node("Concat", {left, right}, {{"axis", int64_t{1}}})[0];
    model.output(model.node("Conv", {both, model.weights(point)})[0]);
    const auto joined =
        torch::cat({torch::conv2d(picture, wide), torch::conv2d(picture, second)}, 1);
    expect_close(model.run()[0], torch::conv2d(joined, point));
  }
}

TEST_F(Operators, ConstantsInEveryForm) {
  const auto x = noise({2, 3, 4});
  const auto whole = noise({2, 3, 4});
  Model model;
  const auto constant = [&](const std::string& attribute, const AttributeValue& value) {
    return model.node("Constant", {}, {{attribute, value}})[0];
  };
  auto value = model.node("Add", {model.input(x), constant("value", test::to_tensor(whole))})[0];
  value =
      model.node("Mul", {value, constant("value_floats", std::vector{1.0F, -2.0F, 3.0F, 0.5F})})[0];
  value = model.node("Sub", {value, constant("value_float", 0.25F)})[0];
  value = model.node("Reshape", {value, constant("value_ints", std::vector<int64_t>{2, 12})})[0];
  model.output(value);
  const auto picked =
      model.node("Gather", {value, constant("value_int", int64_t{5})}, {{"axis", int64_t{1}}})[0];
  model.output(picked);
  const auto shape = constant("value", IntegerTensor{{3}, {4, 3, 2}});
  model.output(model.node("Reshape", {value, shape})[0]);
  const auto ours = model.run();
  const auto expected = (x + whole) * torch::tensor({1.0F, -2.0F, 3.0F, 0.5F}) - 0.25F;
  expect_close(ours[0], expected.reshape({2, 12}));
  expect_close(ours[1], expected.reshape({2, 12}).select(1, 5));
  expect_close(ours[2], expected.reshape({4, 3, 2}));
}

TEST_F(Operators, BytesAndBack) {
  // Up to 6 to both sides, of which the bytes below reach from -3.1 to 4.8. The scale is a power of
  // two, by which both divide without rounding: no number falls to another byte.
  const auto x = noise({2, 3, 5, 4}) * 3;
  Model model;
  const auto scale = model.weights(torch::tensor(1.0F / 32));
  const auto zero = model.byte(100);
  const auto bytes = model.node("QuantizeLinear", {model.input(x), scale, zero})[0];
  model.output(model.node("DequantizeLinear", {bytes, scale, zero})[0]);
  expect_close(model.run()[0], torch::fake_quantize_per_tensor_affine(x, 1.0 / 32, 100, 0, 255));
}

// The last test: it looks at what those above have run.
TEST(OperatorCases, ThereIsOneForEveryOperatorThatIsImported) {
  if (GTEST_FLAG_GET(filter) != "*" || GTEST_FLAG_GET(shuffle)) {
    GTEST_SKIP() << "not all of the tests have run before this one";
  }
  auto types = operator_types();
  types.emplace_back("Constant");
  for (const std::string& type : types) EXPECT_TRUE(test::tested_types().contains(type)) << type;
}

}  // namespace
}  // namespace faceforge::nn
