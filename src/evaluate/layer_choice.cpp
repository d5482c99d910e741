#include "evaluate/layer_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace faceforge::evaluate {
namespace {

constexpr std::array kMethods{nn::RangeMethod::MinimumMaximum, nn::RangeMethod::Percentile,
                              nn::RangeMethod::Entropy, nn::RangeMethod::SquaredError};

/// Counts steps, and ends the work between two.
class Steps {
 public:
  Steps(const Supervision& supervision, size_t expected_count)
      : supervision_(supervision), expected_count_(expected_count) {}

  Result<void> next() {
    if (supervision_.stop.stop_requested()) {
      return fail(ErrorCode::Cancelled, "cancelled", "stopped after {} of {} steps", done_count_,
                  expected_count_);
    }
    if (supervision_.report) {
      supervision_.report(done_count_, std::max(expected_count_, done_count_ + 1));
    }
    ++done_count_;
    return {};
  }

 private:
  const Supervision& supervision_;
  size_t expected_count_;
  size_t done_count_ = 0;
};

std::vector<bool> flags_of(const std::vector<ScannedLayer>& layers) {
  std::vector<bool> flags;
  for (const ScannedLayer& layer : layers) flags.push_back(layer.is_on_bytes);
  return flags;
}

/// A loss that is no number, for answers that are none, is the greatest of all.
double comparable(double loss) {
  return std::isfinite(loss) ? loss : std::numeric_limits<double>::infinity();
}

/// A core multiplies so often while it fetches or stores a number.
constexpr int64_t kMultiplicationsPerNumber = 16;

/// What a layer costs on bytes for the work that is faster there.
double price_of(const ScannedLayer& layer) {
  const int64_t work =
      layer.layer.multiplication_count + kMultiplicationsPerNumber * layer.layer.number_count;
  return layer.variance / static_cast<double>(std::max<int64_t>(1, work));
}

/// Of the layers on bytes the one of the highest price; nothing when all are floats.
ScannedLayer* worst_on_bytes(std::vector<ScannedLayer>& layers) {
  ScannedLayer* worst = nullptr;
  for (ScannedLayer& layer : layers) {
    if (layer.is_on_bytes && (worst == nullptr || price_of(layer) > price_of(*worst)))
      worst = &layer;
  }
  return worst;
}

}  // namespace

Result<LayerChoice> choose_layers(const nn::Quantizer& quantizer, const JudgeNetwork& judge,
                                  const MeasureLayer& measure_layer,
                                  const Supervision& supervision) {
  LayerChoice choice;
  for (const nn::QuantizableLayer& layer : quantizer.layers()) choice.layers.push_back({layer});
  if (choice.layers.empty()) return choice;
  Steps steps(supervision, kMethods.size() + choice.layers.size());
  for (const nn::RangeMethod method : kMethods) {
    TRY(steps.next());
    auto onnx = TRY(quantizer.write(method, flags_of(choice.layers)));
    Judgement judgement = TRY(judge(onnx));
    judgement.loss = comparable(judgement.loss);
    choice.methods.push_back({method, judgement});
    if (method == kMethods.front() || judgement.loss < choice.judgement.loss) {
      choice.method = method;
      choice.judgement = judgement;
      choice.onnx = std::move(onnx);
    }
  }
  for (size_t index = 0; index < choice.layers.size(); ++index) {
    TRY(steps.next());
    std::vector<bool> alone(choice.layers.size(), false);
    alone[index] = true;
    const auto onnx = TRY(quantizer.write(choice.method, alone));
    const LayerLoss measured = TRY(measure_layer(onnx));
    choice.layers[index].loss = comparable(measured.loss);
    choice.layers[index].variance = comparable(measured.variance);
  }
  while (!choice.judgement.is_within_bounds) {
    TRY(steps.next());
    worst_on_bytes(choice.layers)->is_on_bytes = false;
    if (worst_on_bytes(choice.layers) == nullptr) {
      choice.judgement = {};
      choice.onnx.clear();
      break;
    }
    choice.onnx = TRY(quantizer.write(choice.method, flags_of(choice.layers)));
    choice.judgement = TRY(judge(choice.onnx));
  }
  return choice;
}

}  // namespace faceforge::evaluate
