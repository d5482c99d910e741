#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/parallel_work.h"
#include "base/result.h"
#include "nn/quantizer.h"

namespace faceforge::evaluate {

/// How far a network with layers on bytes is from the one of floats.
struct Judgement {
  double loss = 0;  ///< 0 for the network of floats
  bool is_within_bounds = true;
};

/// Judges a network, as ONNX.
using JudgeNetwork = std::function<Result<Judgement>(std::span<const std::byte> onnx)>;
/// What a network loses that has one layer on bytes.
struct LayerLoss {
  double loss = 0;      ///< as a judgement's
  double variance = 0;  ///< what adds up where several layers are on bytes
};
/// Measures a network that has one layer on bytes, as ONNX.
using MeasureLayer = std::function<Result<LayerLoss>(std::span<const std::byte> onnx)>;

struct JudgedMethod {
  nn::RangeMethod method = nn::RangeMethod::MinimumMaximum;
  Judgement all_on_bytes;
};

struct ScannedLayer {
  nn::QuantizableLayer layer;
  double loss = 0;  ///< of the network with this layer alone on bytes; infinite if it has no number
  bool is_on_bytes = true;
  double variance = 0;  ///< as `loss`
};

/// Which layers of a network run on bytes, by ranges of which method, and why.
struct LayerChoice {
  std::vector<JudgedMethod> methods;  ///< in the order of `nn::RangeMethod`
  nn::RangeMethod method = nn::RangeMethod::MinimumMaximum;
  std::vector<ScannedLayer> layers;  ///< in running order
  Judgement judgement;               ///< of what was chosen
  std::vector<std::byte> onnx;       ///< empty where no layer is on bytes
};

/// Chooses what of a network runs on bytes.
///
/// The range method is the one that loses least with all layers on bytes. A scan then measures each
/// layer alone on bytes. While the whole is not within bounds, of the layers on bytes the one goes
/// back to floats that adds most variance for its work, its multiplications and the numbers it
/// reads and writes: at worst all do, and the network stays what it was.
///
/// in:    a quantizer that has observed
/// fails: as `judge`, `measure_layer` and `nn::Quantizer::write`; cancelled/cancelled
/// cost:  four judgements, a measurement a layer, and a judgement a layer that goes back
[[nodiscard]] Result<LayerChoice> choose_layers(const nn::Quantizer& quantizer,
                                                const JudgeNetwork& judge,
                                                const MeasureLayer& measure_layer,
                                                const Supervision& supervision);

}  // namespace faceforge::evaluate
