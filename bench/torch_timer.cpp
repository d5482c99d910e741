// Runs an embedder on LibTorch, on request: see timer.h. The ONNX file is told again as
// TorchScript, weight by weight, then frozen and prepared for inference as LibTorch advises: batch
// norms folded into convolutions, weights reordered once, convolutions on its own oneDNN.

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/torch.h>

#include "base/file.h"
#include "nn/byte_budget.h"
#include "nn/onnx_import.h"
#include "timer.h"

namespace {

using namespace faceforge;

/// Tells a graph as a TorchScript function. Constants become buffers of the module.
class Translation {
 public:
  explicit Translation(const nn::Graph& graph) : graph_(graph), module_("network") {}

  Result<torch::jit::Module> translate() {
    for (size_t index = 0; index < graph_.values.size(); ++index) {
      const auto& constant = graph_.values[index].constant;
      if (constant && constant->kind == nn::ElementKind::Float) {
        module_.register_buffer(fmt::format("c{}", index), tensor_of(*constant));
      }
    }
    std::string body = fmt::format("def forward(self, {}):\n", name(graph_.input_values.at(0)));
    for (const nn::Node& node : graph_.nodes) {
      body += fmt::format("  {} = {}\n", name(node.outputs.at(0)), TRY(expression(node)));
    }
    body += fmt::format("  return {}\n", name(graph_.output_values.at(0)));
    module_.define(body);
    return module_;
  }

 private:
  static torch::Tensor tensor_of(const nn::Constant& constant) {
    // A PReLU's slopes are one number a channel here, and (channels, 1, 1) in ONNX.
    const bool per_channel =
        constant.shape.size() == 3 && constant.shape[1] == 1 && constant.shape[2] == 1;
    const auto shape = per_channel ? nn::Shape{constant.shape[0]} : constant.shape;
    return torch::from_blob(const_cast<float*>(constant.floats.data()), shape).clone();
  }

  std::string name(nn::ValueIndex index) const {
    const bool is_constant = graph_.values[static_cast<size_t>(index)].constant != nullptr;
    return fmt::format("{}{}", is_constant ? "self.c" : "v", index);
  }

  std::string operand(const nn::Node& node, size_t position) const {
    return node.has_input(position) ? name(node.inputs[position]) : "None";
  }

  Result<std::string> expression(const nn::Node& node) const {
    const auto in = [&](size_t position) { return operand(node, position); };
    if (const auto* conv = std::get_if<nn::Conv>(&node.operation)) return convolution(node, *conv);
    if (const auto* norm = std::get_if<nn::BatchNorm>(&node.operation)) {
      return fmt::format("torch.batch_norm({}, {}, {}, {}, {}, False, 0.0, {:.9f}, False)", in(0),
                         in(1), in(2), in(3), in(4), norm->epsilon);
    }
    if (const auto* flatten = std::get_if<nn::Flatten>(&node.operation)) {
      return fmt::format("torch.flatten({}, {})", in(0), flatten->axis);
    }
    const auto* gemm = std::get_if<nn::Gemm>(&node.operation);
    if (gemm != nullptr && gemm->alpha == 1 && gemm->beta == 1 && gemm->transpose_b) {
      return fmt::format("torch.linear({}, {}, {})", in(0), in(1), in(2));
    }
    if (const auto* binary = std::get_if<nn::Binary>(&node.operation)) {
      if (binary->kind == nn::BinaryKind::Add) return fmt::format("{} + {}", in(0), in(1));
      if (binary->kind == nn::BinaryKind::PRelu) {
        return fmt::format("torch.prelu({}, {})", in(0), in(1));
      }
    }
    return fail(ErrorCode::Unsupported, "operator_unsupported", "{} has no translation",
                nn::to_string(node));
  }

  Result<std::string> convolution(const nn::Node& node, const nn::Conv& conv) const {
    const nn::Window& window = conv.window;
    const auto list = [](const nn::Shape& numbers, int64_t otherwise) {
      return numbers.empty() ? fmt::format("[{0}, {0}]", otherwise)
                             : fmt::format("[{}]", fmt::join(numbers, ", "));
    };
    if (window.auto_pad != nn::AutoPad::Explicit || window.pads_begin != window.pads_end) {
      return fail(ErrorCode::Unsupported, "border_unsupported", "{} has an uneven border",
                  nn::to_string(node));
    }
    return fmt::format("torch.conv2d({}, {}, {}, {}, {}, {}, {})", operand(node, 0),
                       operand(node, 1), operand(node, 2), list(window.strides, 1),
                       list(window.pads_begin, 0), list(window.dilations, 1), conv.group_count);
  }

  const nn::Graph& graph_;
  torch::jit::Module module_;
};

Result<torch::jit::Module> load(const std::filesystem::path& file) {
  const nn::LoadLimits limits;
  nn::ByteBudget budget(limits.weight_bytes);
  const auto bytes = TRY(read_file(file, limits.file_bytes));
  const nn::Graph graph = TRY(nn::import_onnx(bytes, limits, budget));
  auto module = TRY(Translation(graph).translate());
  module.eval();
  module = torch::jit::freeze(module);
  return torch::jit::optimize_for_inference(module);
}

/// What LibTorch throws, as an error of ours.
template <class Work>
auto without_exceptions(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& error) {
    return fail(ErrorCode::Internal, "libtorch_failed", "LibTorch: {}", error.what());
  }
}

Result<bench::ReadyNetwork> prepare(const bench::TimerRequest& request) {
  at::set_num_threads(request.thread_count);
  const auto module = std::make_shared<torch::jit::Module>(
      TRY(without_exceptions([&] { return load(request.model); })));
  const auto output = std::make_shared<torch::Tensor>();
  const auto input =
      torch::from_blob(const_cast<float*>(request.input.values.data()), request.input.shape);
  const auto run = [module, input, output]() -> Result<void> {
    return without_exceptions([&]() -> Result<void> {
      const c10::InferenceMode no_gradients;
      *output = module->forward({input}).toTensor();
      return {};
    });
  };
  const auto outputs = [output] {
    const auto dense = output->contiguous();
    const float* values = dense.data_ptr<float>();
    return std::vector<std::vector<float>>{{values, values + dense.numel()}};
  };
  return bench::ReadyNetwork{run, outputs};
}

}  // namespace

int main(int argument_count, char** arguments) {
  return bench::time_on_request(argument_count, arguments, prepare);
}
