#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "vision/internal/detection.h"

namespace faceforge::vision {

/// What an SSD detector's ONNX file looks like to the pipeline. Whoever writes such a file (`packs`
/// converts face-api's `ssd_mobilenetv1`) keeps to this; outputs are found by name, in any order.
///
///     input   `input`          [N, 3, 512, 512]  normalized as the card says, black below and to
///                                                the right of the photo
///     output  `box_encodings`  [N, 5118, 4]      ty, tx, th, tw against the prior of that row
///     output  `class_scores`   [N, 5118]         logit of the class face, before the sigmoid
///                                                (a trailing dimension of 1 is accepted)
///     output  `priors`         [1, 5118, 4]      ymin, xmin, ymax, xmax in [0, 1] of the input's
///                                                side; a constant of the graph
///
/// Sides and the number of rows (512, 5118) are those of the file; nothing here depends on them.
inline constexpr const char* kSsdBoxEncodings = "box_encodings";
inline constexpr const char* kSsdClassScores = "class_scores";
inline constexpr const char* kSsdPriors = "priors";

/// Turns the outputs of an SSD detector for one picture into boxes; no landmarks.
///
/// in:     `ports` and `outputs` of the same run, N = 1; `side_px` of the square input
/// out:    boxes with a detection score of at least `min_detection_score`, in pixels of the input,
///         clipped to it; not yet thinned out by non-maximum suppression
/// fails:  corrupt/network_shape when an output is missing or has another shape
/// source: Liu et al. 2016 (SSD), with the variances 0.1 and 0.2 of its reference code
[[nodiscard]] Result<std::vector<Detection>> decode_ssd(std::span<const nn::PortInfo> ports,
                                                        std::span<const nn::Tensor> outputs,
                                                        int side_px, float min_detection_score);

}  // namespace faceforge::vision
