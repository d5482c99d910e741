// Makes the networks of the speed runs: `iresnet50 OUT.onnx` writes an IResNet-50 of the real
// topology (ArcFace: 112x112 to 512 numbers, 12.6 GFLOP) with random, scaled weights; `quantize
// IN.onnx OUT.onnx SIDE` puts a network on bytes with ranges from noise. Their speed is that of
// trained ones; their answers mean nothing. `work IN.onnx SIDE` prints how many multiply-adds a
// network of floats takes for one picture.

#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "network_work.h"
#include "nn/quantizer.h"
#include "nn/shape.h"
#include "nn/writer.h"

namespace {

using namespace faceforge;

/// Writes an IResNet layer by layer.
///
/// source: Duta et al. 2020, "Improved Residual Networks"; Deng et al. 2019, ArcFace (BN, conv, BN,
///         PReLU, conv, BN in every block; 3, 4, 14 and 3 of them)
class IResNet {
 public:
  Result<std::vector<std::byte>> write() {
    builder_.add_input({"input", {-1, 3, 112, 112}});
    std::string at = prelu(norm(conv("input", 3, 64, 3, 1), 64), 64);
    int64_t channels = 64;
    const int64_t widths[] = {64, 128, 256, 512};
    const int counts[] = {3, 4, 14, 3};
    for (size_t stage = 0; stage < 4; ++stage) {
      for (int block = 0; block < counts[stage]; ++block) {
        at = residual_block(at, channels, widths[stage], block == 0 ? 2 : 1);
        channels = widths[stage];
      }
    }
    at = norm(at, 512);
    builder_.add_node({"Flatten", {at}, {"flat"}, {{"axis", int64_t{1}}}});
    const int64_t flat_size = 512 * 7 * 7;
    builder_.add_initializer("fc_weights", noise({512, flat_size}, flat_size));
    builder_.add_initializer("fc_bias", noise({512}, 512));
    builder_.add_node(
        {"Gemm", {"flat", "fc_weights", "fc_bias"}, {"fc"}, {{"transB", int64_t{1}}}});
    norm("fc", 512, "embedding");
    builder_.add_output({"embedding", {-1, 512}});
    return builder_.serialize();
  }

 private:
  std::string residual_block(const std::string& from, int64_t in, int64_t out, int64_t stride) {
    std::string at = norm(from, in);
    at = prelu(norm(conv(at, in, out, 3, 1), out), out);
    at = norm(conv(at, out, out, 3, stride), out);
    const std::string shortcut = stride == 1 ? from : norm(conv(from, in, out, 1, stride), out);
    const std::string sum = next();
    builder_.add_node({"Add", {at, shortcut}, {sum}});
    return sum;
  }

  std::string conv(const std::string& from, int64_t in, int64_t out, int64_t side, int64_t stride) {
    const std::string name = next();
    builder_.add_initializer(name + "_weights", noise({out, in, side, side}, in * side * side));
    const int64_t pad = side / 2;
    builder_.add_node({"Conv",
                       {from, name + "_weights"},
                       {name},
                       {{"kernel_shape", std::vector{side, side}},
                        {"strides", std::vector{stride, stride}},
                        {"pads", std::vector{pad, pad, pad, pad}}}});
    return name;
  }

  std::string norm(const std::string& from, int64_t channels, std::string name = {}) {
    if (name.empty()) name = next();
    builder_.add_initializer(name + "_scale", numbers(channels, 0.5F, 1.0F));
    builder_.add_initializer(name + "_shift", numbers(channels, -0.2F, 0.2F));
    builder_.add_initializer(name + "_mean", numbers(channels, -0.2F, 0.2F));
    builder_.add_initializer(name + "_variance", numbers(channels, 0.7F, 1.3F));
    builder_.add_node({"BatchNormalization",
                       {from, name + "_scale", name + "_shift", name + "_mean", name + "_variance"},
                       {name}});
    return name;
  }

  std::string prelu(const std::string& from, int64_t channels) {
    const std::string name = next();
    nn::Tensor slopes = numbers(channels, 0.1F, 0.4F);
    slopes.shape = {channels, 1, 1};
    builder_.add_initializer(name + "_slopes", slopes);
    builder_.add_node({"PRelu", {from, name + "_slopes"}, {name}});
    return name;
  }

  nn::Tensor noise(std::vector<int64_t> shape, int64_t fan_in) {
    size_t count = 1;
    for (const int64_t size : shape) count *= static_cast<size_t>(size);
    nn::Tensor tensor{std::move(shape), std::vector<float>(count)};
    std::normal_distribution<float> normal(0, std::sqrt(1 / static_cast<float>(fan_in)));
    for (float& value : tensor.values) value = normal(random_);
    return tensor;
  }

  nn::Tensor numbers(int64_t count, float low, float high) {
    nn::Tensor tensor{{count}, std::vector<float>(static_cast<size_t>(count))};
    std::uniform_real_distribution<float> uniform(low, high);
    for (float& value : tensor.values) value = uniform(random_);
    return tensor;
  }

  std::string next() { return "layer" + std::to_string(count_++); }

  nn::GraphBuilder builder_{"iresnet50", 13};
  std::mt19937 random_{50};
  int count_ = 0;
};

Result<std::vector<std::byte>> quantize(const std::string& file, int64_t side_px) {
  auto quantizer = TRY(nn::Quantizer::load(file));
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int example = 0; example < 3; ++example) {
    nn::Tensor input{{1, 3, side_px, side_px},
                     std::vector<float>(static_cast<size_t>(3 * side_px * side_px))};
    for (float& value : input.values) value = uniform(random);
    TRY(quantizer.observe(input));
  }
  return quantizer.write(nn::RangeMethod::MinimumMaximum,
                         std::vector<bool>(quantizer.layers().size(), true));
}

Result<void> run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "iresnet50") {
    return write_file_atomically(arguments[1], TRY(IResNet().write()));
  }
  if (arguments.size() == 4 && arguments[0] == "quantize") {
    const auto bytes = TRY(quantize(arguments[1], std::stoll(arguments[3])));
    return write_file_atomically(arguments[2], bytes);
  }
  if (arguments.size() == 3 && arguments[0] == "work") {
    const int64_t side_px = std::stoll(arguments[2]);
    fmt::print("{}\n", TRY(bench::multiply_adds(arguments[1], nn::Shape{1, 3, side_px, side_px})));
    return {};
  }
  return fail(ErrorCode::InvalidInput, "usage",
              "usage: faceforge_nn_models iresnet50 OUT.onnx | quantize IN.onnx OUT.onnx SIDE | "
              "work IN.onnx SIDE");
}

}  // namespace

int main(int argument_count, char** arguments) {
  const auto done = run({arguments + 1, arguments + argument_count});
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 2;
}
