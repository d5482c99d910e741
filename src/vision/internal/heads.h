#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "vision/internal/detection.h"

namespace faceforge::vision {

/// Heads of the detectors that lay a grid of cells over the picture, as pure functions of their
/// outputs. Common to all three:
///
/// in:     the outputs of one run on one picture of `width_px` x `height_px`, both multiples of 32,
///         in any order, with or without the batch dimension of 1; told apart by how many values a
///         row has and how many rows there are (finer grids have more)
/// out:    boxes and landmarks with a detection score of at least `min_detection_score`, in pixels
///         of that picture; not yet thinned out by non-maximum suppression; what is not finite or
///         has no area is left out
/// fails:  corrupt/network_shape when the outputs are not those of such a head on such a picture;
///         unsupported/detector_without_landmarks when the network only finds boxes
struct GridPicture {
  int width_px = 0;
  int height_px = 0;
  float min_detection_score = 0.5F;
};

/// source: Guo et al. 2022 (SCRFD) and InsightFace's export: strides 8, 16, 32, anchors at
///         (column, row) * stride, distances to the four sides and offsets of the points in strides
[[nodiscard]] Result<std::vector<Detection>> decode_scrfd(std::span<const nn::Tensor> outputs,
                                                          const GridPicture& picture);

/// source: Deng et al. 2020 (RetinaFace) as in Pytorch_Retinaface: priors of (16, 32), (64, 128)
///         and (256, 512) px at strides 8, 16, 32, variances 0.1 and 0.2, scores after the softmax
[[nodiscard]] Result<std::vector<Detection>> decode_retinaface(std::span<const nn::Tensor> outputs,
                                                               const GridPicture& picture);

/// source: Wu et al. 2023 (YuNet): detection score = sqrt(class * objectness), strides 8, 16, 32
[[nodiscard]] Result<std::vector<Detection>> decode_yunet(std::span<const nn::Tensor> outputs,
                                                          const GridPicture& picture);

}  // namespace faceforge::vision
