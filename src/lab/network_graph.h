#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "lab/layer_writer.h"
#include "train/settings.h"

namespace faceforge::lab {

/// Writes a network of `faceforge train` as ONNX: from aligned crops, RGB in [-1, 1], to what is
/// compared by cosine. Crops of another size than the network's are brought to it in the graph, as
/// they were in training.
///
/// in:    `crop_side_px` of the crops that were learnt from; `weights` by the names of the
///        checkpoint's state: `backbone.layer1.0.conv1.weight`
/// out:   input `input` [N, 3, side, side], output `embedding` [N, embedding length]
/// fails: as `weights`; too_large/model_file_too_large
[[nodiscard]] Result<std::vector<std::byte>> write_network(const train::NetworkSettings& settings,
                                                           int64_t crop_side_px,
                                                           const WeightSource& weights);

}  // namespace faceforge::lab
