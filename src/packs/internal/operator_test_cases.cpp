#include "packs/internal/operator_test_cases.h"

#include <algorithm>
#include <random>

namespace faceforge::packs::test_support {
namespace {

using test::flag_attribute;
using test::integer_attribute;
using test::list_attribute;
using test::real_attribute;
using test::TestGraph;
using test::text_attribute;
using test::texts_attribute;
using Sizes = std::vector<int64_t>;

TestGraph of(const Sizes& shape) {
  Sizes open{-1};
  open.insert(open.end(), shape.begin(), shape.end());
  TestGraph graph;
  graph.input("x", open).floats("unused", {1}, {0});  // a manifest of no weights is refused
  return graph;
}

/// Adds a weight of scattered numbers.
void add_weight(TestGraph& graph, const std::string& name, const Sizes& shape, unsigned seed = 7,
                Numbers numbers = Numbers::AnySign) {
  size_t count = 1;
  for (const int64_t length : shape) count *= static_cast<size_t>(length);
  graph.floats(name, shape, scattered(count, seed, numbers));
}

OperatorCase one(const std::string& name, TestGraph graph, const Sizes& shape) {
  return {.name = name, .graph = std::move(graph), .inputs = {{.shape = shape}}};
}

std::string both(const std::string& a, const std::string& b) {
  return a + "," + b;
}

struct WindowSizes {
  const char* padding;
  Sizes sides;  ///< of the picture
  Sizes kernel;
  int64_t stride;
  int64_t dilation;
};

std::string window_name(const std::string& op, const WindowSizes& window) {
  return fmt::format("{}_{}_{}_kernel{}_stride{}_dilation{}", op, window.padding,
                     fmt::join(window.sides, "x"), fmt::join(window.kernel, "x"), window.stride,
                     window.dilation);
}

std::string window_attributes(const WindowSizes& window) {
  return fmt::format("{},{},{}", text_attribute("padding", window.padding),
                     list_attribute("strides", {1, window.stride, window.stride, 1}),
                     list_attribute("dilations", {1, window.dilation, window.dilation, 1}));
}

std::vector<WindowSizes> windows() {
  std::vector<WindowSizes> all;
  for (const char* padding : {"SAME", "VALID"}) {
    for (const Sizes& sides : {Sizes{7, 5}, Sizes{8, 6}}) {
      for (const Sizes& kernel : {Sizes{3, 3}, Sizes{2, 2}, Sizes{1, 1}, Sizes{5, 3}}) {
        for (const int64_t stride : {1, 2, 3}) {
          all.push_back({padding, sides, kernel, stride, 1});
        }
      }
      all.push_back({padding, sides, {3, 2}, 1, 2});
    }
  }
  return all;
}

void add_convolutions(std::vector<OperatorCase>& cases) {
  for (const WindowSizes& window : windows()) {
    const Sizes picture{window.sides[0], window.sides[1], 3};
    auto plain = of(picture);
    add_weight(plain, "w", {window.kernel[0], window.kernel[1], 3, 4});
    plain.node("y", "Conv2D", {"x", "w"}, window_attributes(window));
    cases.push_back(one(window_name("Conv2D", window), plain, picture));
    // Two outputs a channel.
    auto depthwise = of(picture);
    add_weight(depthwise, "w", {window.kernel[0], window.kernel[1], 3, 2});
    depthwise.node("y", "DepthwiseConv2dNative", {"x", "w"}, window_attributes(window));
    cases.push_back(one(window_name("DepthwiseConv2dNative", window), depthwise, picture));
  }
  auto explicit_pads = of({7, 5, 3});
  add_weight(explicit_pads, "w", {3, 3, 3, 4});
  const std::string attributes = window_attributes({"EXPLICIT", {}, {}, 2, 1});
  explicit_pads.node(
      "y", "Conv2D", {"x", "w"},
      both(attributes, list_attribute("explicit_paddings", {0, 0, 1, 2, 0, 3, 0, 0})));
  cases.push_back(one("Conv2D_EXPLICIT", explicit_pads, {7, 5, 3}));
}

/// What is fused behind a convolution or a matrix.
struct FusedParts {
  const char* name;
  std::vector<std::string> parts;
};

std::vector<FusedParts> fused_parts() {
  return {{"Bias", {"BiasAdd"}},
          {"BiasRelu", {"BiasAdd", "Relu"}},
          {"BiasRelu6", {"BiasAdd", "Relu6"}},
          {"BiasElu", {"BiasAdd", "Elu"}},
          {"BiasSigmoid", {"BiasAdd", "Sigmoid"}},
          {"BiasLeakyRelu", {"BiasAdd", "LeakyRelu"}},
          {"BiasPrelu", {"BiasAdd", "Prelu"}}};
}

void add_fused(std::vector<OperatorCase>& cases) {
  for (const FusedParts& fused : fused_parts()) {
    const bool has_slopes = fused.parts.back() == "Prelu";
    for (const std::string op : {"_FusedConv2D", "FusedDepthwiseConv2dNative", "_FusedMatMul"}) {
      const bool is_matrix = op == "_FusedMatMul";
      const bool is_depthwise = op == "FusedDepthwiseConv2dNative";
      // TensorFlow.js does not read the slope there, and answers with no numbers.
      if (is_depthwise && fused.parts.back() == "LeakyRelu") continue;
      const Sizes shape = is_matrix ? Sizes{5} : Sizes{7, 5, 3};
      const Sizes filter = is_matrix      ? Sizes{5, 4}
                           : is_depthwise ? Sizes{3, 3, 3, 1}
                                          : Sizes{3, 3, 3, 4};
      const int64_t channels = is_depthwise ? 3 : 4;
      auto graph = of(shape);
      add_weight(graph, "w", filter);
      add_weight(graph, "b", {channels}, 8);
      std::vector<std::string> inputs{"x", "w", "b"};
      if (has_slopes) {
        add_weight(graph, "slopes", {channels}, 9);
        inputs.emplace_back("slopes");
      }
      std::string attributes = fmt::format("{},{},{}", texts_attribute("fused_ops", fused.parts),
                                           integer_attribute("num_args", has_slopes ? 2 : 1),
                                           real_attribute("leakyrelu_alpha", 0.3));
      if (!is_matrix) attributes += "," + window_attributes({"SAME", {}, {}, 2, 1});
      graph.node("y", op, inputs, attributes);
      const std::string name = (op[0] == '_' ? op.substr(1) : op) + "_" + fused.name;
      cases.push_back(one(name, graph, shape));
    }
  }
}

void add_pools(std::vector<OperatorCase>& cases) {
  for (const WindowSizes& window : windows()) {
    if (window.dilation != 1) continue;
    for (const std::string op : {"MaxPool", "AvgPool"}) {
      const Sizes picture{window.sides[0], window.sides[1], 3};
      auto graph = of(picture);
      graph.node("y", op, {"x"},
                 both(window_attributes(window),
                      list_attribute("ksize", {1, window.kernel[0], window.kernel[1], 1})));
      cases.push_back(one(window_name(op, window), graph, picture));
    }
  }
}

void add_norms(std::vector<OperatorCase>& cases) {
  for (const std::string op : {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) {
    auto graph = of({4, 3, 5});
    add_weight(graph, "scale", {5}, 1);
    add_weight(graph, "offset", {5}, 2);
    add_weight(graph, "mean", {5}, 3);
    add_weight(graph, "variance", {5}, 4, Numbers::Positive);
    graph.node("y", op, {"x", "scale", "offset", "mean", "variance"},
               both(real_attribute("epsilon", 0.01), flag_attribute("is_training", false)));
    cases.push_back(one(op, graph, {4, 3, 5}));
  }
}

void add_matrices(std::vector<OperatorCase>& cases) {
  for (const bool is_transposed : {false, true}) {
    auto graph = of({5});
    add_weight(graph, "w", is_transposed ? Sizes{4, 5} : Sizes{5, 4});
    graph.node(
        "y", "MatMul", {"x", "w"},
        both(flag_attribute("transpose_a", false), flag_attribute("transpose_b", is_transposed)));
    cases.push_back(one(is_transposed ? "MatMul_transposed" : "MatMul", graph, {5}));
  }
  for (const Sizes& shape : {Sizes{4, 3, 5}, Sizes{6, 5}, Sizes{5}}) {
    auto graph = of(shape);
    add_weight(graph, "b", {5});
    graph.node("y", "BiasAdd", {"x", "b"});
    cases.push_back(one(fmt::format("BiasAdd_rank{}", shape.size() + 1), graph, shape));
  }
}

void add_resizes(std::vector<OperatorCase>& cases) {
  struct Corners {
    const char* name;
    bool are_aligned;
    bool are_halves;
  };
  for (const std::string op : {"ResizeBilinear", "ResizeNearestNeighbor"}) {
    for (const Corners& corners :
         {Corners{"asymmetric", false, false}, Corners{"aligned", true, false},
          Corners{"halves", false, true}}) {
      for (const std::vector<int32_t>& sides :
           {std::vector<int32_t>{10, 6}, std::vector<int32_t>{7, 11}, std::vector<int32_t>{3, 2}}) {
        auto graph = of({5, 4, 3});
        graph.integers("sides", {2}, sides)
            .node("y", op, {"x", "sides"},
                  both(flag_attribute("align_corners", corners.are_aligned),
                       flag_attribute("half_pixel_centers", corners.are_halves)));
        cases.push_back(one(fmt::format("{}_{}_to{}", op, corners.name, fmt::join(sides, "x")),
                            graph, {5, 4, 3}));
      }
    }
  }
}

void add_functions(std::vector<OperatorCase>& cases) {
  for (const std::string op : {"Relu", "Relu6", "Elu", "LeakyRelu", "Sigmoid", "Tanh", "Abs", "Neg",
                               "Exp", "Sqrt", "Log", "Floor", "Ceil", "Softmax"}) {
    for (const Sizes& shape : {Sizes{3, 5, 4}, Sizes{6, 5}, Sizes{7}}) {
      auto graph = of(shape);
      graph.node("y", op, {"x"}, op == "LeakyRelu" ? real_attribute("alpha", 0.35) : "");
      auto made = one(fmt::format("{}_rank{}", op, shape.size() + 1), graph, shape);
      if (op == "Sqrt" || op == "Log") made.numbers = Numbers::Positive;
      cases.push_back(std::move(made));
    }
  }
  for (const Sizes& slopes : {Sizes{4}, Sizes{1, 1, 4}, Sizes{3, 5, 4}, Sizes{1}}) {
    auto graph = of({3, 5, 4});
    add_weight(graph, "slopes", slopes);
    graph.node("y", "Prelu", {"x", "slopes"});
    cases.push_back(one(fmt::format("Prelu_{}", fmt::join(slopes, "x")), graph, {3, 5, 4}));
  }
  auto clip = of({3, 5, 4});
  clip.floats("low", {}, {-0.5F}).floats("high", {}, {1.25F});
  clip.node("y", "ClipByValue", {"x", "low", "high"});
  cases.push_back(one("ClipByValue", clip, {3, 5, 4}));
}

void add_arithmetic(std::vector<OperatorCase>& cases) {
  const std::vector<std::string> operators = {"Add",     "AddV2",   "Sub",     "Mul",
                                              "RealDiv", "Maximum", "Minimum", "Pow"};
  for (const std::string& op : operators) {
    for (const Sizes& shape :
         {Sizes{}, Sizes{4}, Sizes{5, 4}, Sizes{3, 1, 1}, Sizes{1, 3, 5, 4}, Sizes{1, 1, 1, 4}}) {
      for (const bool is_first : {false, true}) {
        auto graph = of({3, 5, 4});
        add_weight(graph, "w", shape, 7, Numbers::Positive);
        graph.node(
            "y", op,
            is_first ? std::vector<std::string>{"w", "x"} : std::vector<std::string>{"x", "w"});
        const std::string sizes =
            shape.empty() ? "number" : fmt::format("{}", fmt::join(shape, "x"));
        auto made =
            one(fmt::format("{}_{}_{}", op, is_first ? "of" : "with", sizes), graph, {3, 5, 4});
        made.numbers = Numbers::Positive;
        cases.push_back(std::move(made));
      }
    }
    for (const Sizes& second : {Sizes{3, 5, 4}, Sizes{1, 1, 4}}) {
      auto graph = of({3, 5, 4});
      Sizes open{-1};
      open.insert(open.end(), second.begin(), second.end());
      graph.input("z", open).node("y", op, {"x", "z"});
      auto made = one(fmt::format("{}_inputs_{}", op, fmt::join(second, "x")), graph, {3, 5, 4});
      made.inputs.push_back({.name = "z", .shape = second});
      made.numbers = Numbers::Positive;
      cases.push_back(std::move(made));
    }
  }
  // relu6 as graphs spell it, and the other way about.
  for (const bool is_maximum_first : {false, true}) {
    auto graph = of({3, 5, 4});
    graph.floats("low", {}, {0}).floats("high", {}, {1.5F});
    if (is_maximum_first) {
      graph.node("a", "Maximum", {"x", "low"}).node("y", "Minimum", {"a", "high"});
    } else {
      graph.node("a", "Relu", {"x"}).node("y", "Minimum", {"high", "a"});
    }
    cases.push_back(
        one(is_maximum_first ? "Minimum_of_Maximum" : "Minimum_of_Relu", graph, {3, 5, 4}));
  }
  // Keras' PReLU.
  auto prelu = of({3, 5, 4});
  add_weight(prelu, "slopes", {1, 1, 4});
  prelu.node("relu", "Relu", {"x"})
      .node("minus", "Neg", {"x"})
      .node("negative", "Relu", {"minus"})
      .node("product", "Mul", {"slopes", "negative"})
      .node("y", "Sub", {"relu", "product"});
  cases.push_back(one("Sub_that_is_a_Prelu", prelu, {3, 5, 4}));
  auto sum = of({3, 5, 4});
  sum.node("a", "Relu", {"x"}).node("b", "Exp", {"x"}).node("y", "AddN", {"x", "a", "b"});
  cases.push_back(one("AddN", sum, {3, 5, 4}));
}

void add_reductions(std::vector<OperatorCase>& cases) {
  const std::vector<std::vector<int32_t>> axes = {{1, 2}, {3},       {1},    {2},
                                                  {-1},   {1, 2, 3}, {2, 3}, {1, 3}};
  for (const std::string op : {"Mean", "Max", "Min"}) {
    for (const auto& over : axes) {
      for (const bool keeps : {false, true}) {
        auto graph = of({3, 5, 4});
        graph.integers("axes", {static_cast<int64_t>(over.size())}, over)
            .node("y", op, {"x", "axes"}, flag_attribute("keep_dims", keeps));
        std::string name = fmt::format("{}_{}{}", op, fmt::join(over, "_"), keeps ? "_kept" : "");
        std::ranges::replace(name, '-', 'm');
        cases.push_back(one(name, graph, {3, 5, 4}));
      }
    }
    auto rows = of({6, 5});
    rows.integers("axis", {}, {1}).node("y", op, {"x", "axis"}, flag_attribute("keep_dims", false));
    cases.push_back(one(op + "_rank3", rows, {6, 5}));
  }
}

void add_shapes(std::vector<OperatorCase>& cases) {
  const auto reshaped = [&](const std::string& name, const Sizes& from,
                            const std::vector<int32_t>& to) {
    auto graph = of(from);
    graph.integers("to", {static_cast<int64_t>(to.size())}, to).node("y", "Reshape", {"x", "to"});
    auto made = one("Reshape_" + name, graph, from);
    made.is_picture = false;
    cases.push_back(std::move(made));
  };
  reshaped("picture_to_row", {3, 5, 4}, {-1, 60});
  reshaped("picture_to_places", {3, 5, 4}, {-1, 15, 4});
  reshaped("row_to_picture", {60}, {-1, 3, 5, 4});
  reshaped("row_to_single_place", {4}, {-1, 1, 1, 4});
  reshaped("single_place_to_row", {1, 1, 4}, {-1, 4});
  // The row count of a batch comes from the input's shape, as Keras' Flatten writes it.
  auto computed = of({3, 5, 4});
  computed.integers("zero", {1}, {0})
      .integers("one", {1}, {1})
      .integers("rest", {}, {60})
      .node("shape", "Shape", {"x"})
      .node("batch", "StridedSlice", {"shape", "zero", "one", "one"},
            integer_attribute("shrink_axis_mask", 1))
      .node("to", "Pack", {"batch", "rest"},
            both(integer_attribute("N", 2), integer_attribute("axis", 0)))
      .node("y", "Reshape", {"x", "to"});
  cases.push_back(one("Reshape_to_a_shape_that_is_computed", computed, {3, 5, 4}));

  for (const Sizes& axes : {Sizes{1, 2}, Sizes{1}, Sizes{-3}}) {
    auto graph = of({1, 1, 4});
    graph.node("y", "Squeeze", {"x"}, list_attribute("squeeze_dims", axes));
    std::string name = fmt::format("Squeeze_{}", fmt::join(axes, "_"));
    std::ranges::replace(name, '-', 'm');
    cases.push_back(one(name, graph, {1, 1, 4}));
  }
  auto column = of({3, 5, 1});
  column.node("y", "Squeeze", {"x"}, list_attribute("squeeze_dims", {3}));
  cases.push_back(one("Squeeze_channel", column, {3, 5, 1}));
  for (const int32_t axis : {1, 2, -1}) {
    for (const Sizes& shape : {Sizes{5, 4}, Sizes{6}}) {
      auto graph = of(shape);
      graph.integers("axis", {}, {axis}).node("y", "ExpandDims", {"x", "axis"});
      auto made = one(fmt::format("ExpandDims_{}_rank{}", axis < 0 ? "last" : std::to_string(axis),
                                  shape.size() + 1),
                      graph, shape);
      made.is_picture = false;
      cases.push_back(std::move(made));
    }
  }
  const auto transposed = [&](const Sizes& shape, const std::vector<int32_t>& order) {
    auto graph = of(shape);
    graph.integers("order", {static_cast<int64_t>(order.size())}, order)
        .node("y", "Transpose", {"x", "order"});
    auto made = one(fmt::format("Transpose_{}", fmt::join(order, "")), graph, shape);
    made.is_picture = false;
    cases.push_back(std::move(made));
  };
  transposed({3, 5, 4}, {0, 3, 1, 2});
  transposed({3, 5, 4}, {0, 2, 1, 3});
  transposed({3, 5, 4}, {0, 1, 2, 3});
  transposed({3, 5, 4}, {0, 3, 2, 1});
  transposed({6, 5}, {0, 2, 1});
}

void add_joins(std::vector<OperatorCase>& cases) {
  for (const int32_t axis : {1, 2, 3, -1, -2}) {
    Sizes second{3, 5, 4};
    second[static_cast<size_t>(axis < 0 ? axis + 3 : axis - 1)] += 2;
    auto graph = of({3, 5, 4});
    Sizes open{-1};
    open.insert(open.end(), second.begin(), second.end());
    graph.input("z", open)
        .integers("axis", {}, {axis})
        .node("y", "ConcatV2", {"x", "z", "axis"}, integer_attribute("N", 2));
    auto made = one(fmt::format("ConcatV2_axis{}{}", axis < 0 ? "m" : "", std::abs(axis)), graph,
                    {3, 5, 4});
    made.inputs.push_back({.name = "z", .shape = second});
    cases.push_back(std::move(made));
  }
  // A picture beside what lost its layout on the way.
  auto mixed = of({3, 5, 4});
  mixed.integers("row", {2}, {-1, 60})
      .integers("back", {4}, {-1, 3, 5, 4})
      .integers("axis", {}, {3})
      .node("a", "Reshape", {"x", "row"})
      .node("b", "Reshape", {"a", "back"})
      .node("y", "ConcatV2", {"b", "x", "axis"}, integer_attribute("N", 2));
  cases.push_back(one("ConcatV2_of_two_layouts", mixed, {3, 5, 4}));
  for (const int32_t axis : {1, 2, 3, -1}) {
    auto parts = of({4, 6, 8});
    parts.integers("axis", {}, {axis})
        .node("y", "Split", {"axis", "x"}, integer_attribute("num_split", 2));
    auto made =
        one(fmt::format("Split_axis{}{}", axis < 0 ? "m" : "", std::abs(axis)), parts, {4, 6, 8});
    made.outputs = {"y", "y:1"};
    cases.push_back(std::move(made));
  }
  auto sizes = of({4, 6, 8});
  sizes.integers("axis", {}, {3})
      .integers("sizes", {3}, {1, 5, 2})
      .node("y", "SplitV", {"x", "sizes", "axis"});
  auto made = one("SplitV", sizes, {4, 6, 8});
  made.outputs = {"y", "y:1", "y:2"};
  cases.push_back(std::move(made));
}

void add_borders(std::vector<OperatorCase>& cases) {
  for (const std::string op : {"Pad", "PadV2", "MirrorPad"}) {
    auto graph = of({4, 5, 3});
    graph.integers("borders", {4, 2}, {0, 0, 1, 2, 3, 0, 0, 2});
    std::vector<std::string> inputs{"x", "borders"};
    if (op == "PadV2") {
      graph.floats("fill", {}, {-1.5F});
      inputs.emplace_back("fill");
    }
    graph.node("y", op, inputs, op == "MirrorPad" ? text_attribute("mode", "REFLECT") : "");
    cases.push_back(one(op, graph, {4, 5, 3}));
  }
}

void add_slices(std::vector<OperatorCase>& cases) {
  struct Slice {
    const char* name;
    std::vector<int32_t> starts;
    std::vector<int32_t> ends;
    std::vector<int32_t> steps;
    int64_t begin_mask;
    int64_t end_mask;
    int64_t shrink_mask;
  };
  for (const Slice& slice :
       {Slice{"some_rows", {0, 1}, {0, 4}, {1, 1}, 1, 1, 0},
        Slice{"every_second_column", {0, 0, 1}, {0, 0, 6}, {1, 1, 2}, 3, 3, 0},
        Slice{"some_channels", {0, 0, 0, 1}, {0, 0, 0, 3}, {1, 1, 1, 1}, 7, 7, 0},
        Slice{"one_channel", {0, 0, 0, 2}, {0, 0, 0, 3}, {1, 1, 1, 1}, 7, 7, 8},
        Slice{"one_row", {0, 3}, {0, 4}, {1, 1}, 1, 1, 2},
        Slice{"from_the_end", {0, -3, -2}, {0, -1, 6}, {1, 1, 1}, 1, 1, 0},
        Slice{"beyond_the_end", {0, 2}, {0, 100}, {1, 1}, 1, 1, 0}}) {
    const auto length = static_cast<int64_t>(slice.starts.size());
    auto graph = of({5, 6, 4});
    graph.integers("starts", {length}, slice.starts)
        .integers("ends", {length}, slice.ends)
        .integers("steps", {length}, slice.steps)
        .node("y", "StridedSlice", {"x", "starts", "ends", "steps"},
              fmt::format("{},{},{}", integer_attribute("begin_mask", slice.begin_mask),
                          integer_attribute("end_mask", slice.end_mask),
                          integer_attribute("shrink_axis_mask", slice.shrink_mask)));
    cases.push_back(one(std::string("StridedSlice_") + slice.name, graph, {5, 6, 4}));
  }
}

void add_passing(std::vector<OperatorCase>& cases) {
  auto graph = of({3, 5, 4});
  graph.node("a", "Identity", {"x"})
      .node("b", "StopGradient", {"a"})
      .node("c", "Cast", {"b"}, R"("DstT":{"type":"DT_FLOAT"},"SrcT":{"type":"DT_FLOAT"})")
      .node("y", "Relu", {"c"});
  cases.push_back(one("Identity_StopGradient_Cast", graph, {3, 5, 4}));
}

}  // namespace

std::vector<float> scattered(size_t count, unsigned seed, Numbers numbers) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const auto share = static_cast<float>(random() % 10'000) / 10'000;  // the same on every library
    value = numbers == Numbers::Positive ? 0.1F + 2 * share : 4 * share - 2;
  }
  return values;
}

std::vector<OperatorCase> layer_cases() {
  std::vector<OperatorCase> cases;
  add_convolutions(cases);
  add_fused(cases);
  add_pools(cases);
  add_norms(cases);
  add_matrices(cases);
  add_resizes(cases);
  return cases;
}

std::vector<OperatorCase> elementwise_cases() {
  std::vector<OperatorCase> cases;
  add_functions(cases);
  add_arithmetic(cases);
  add_reductions(cases);
  return cases;
}

std::vector<OperatorCase> movement_cases() {
  std::vector<OperatorCase> cases;
  add_shapes(cases);
  add_joins(cases);
  add_borders(cases);
  add_slices(cases);
  add_passing(cases);
  return cases;
}

}  // namespace faceforge::packs::test_support
