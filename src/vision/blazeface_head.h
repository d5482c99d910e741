#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "nn/tensor.h"
#include "vision/internal/detection.h"

namespace faceforge::vision {

/// What a BlazeFace detector's ONNX file looks like to the pipeline. Whoever writes such a file
/// (`packs` converts that of `@vladmandic/human`) keeps to this; outputs are found by name, in any
/// order.
///
///     input   `input`       [N, 3, 256, 256]  normalized as the card says, black below and to the
///                                             right of the photo
///     output  `scores_16`   [N, 512, 1]       logit of a face; `scores_32` [N, 384, 1]
///     output  `boxes_16`    [N, 512, 16]      in pixels of the input: centre from the anchor,
///                                             width, height and six points from the anchor;
///                                             `boxes_32` [N, 384, 16]
///
/// The anchors of a stride stand at the middles of its cells, as many a cell as there are rows for
/// (here two and six); cells go row by row.
inline constexpr const char* kBlazefaceScores16 = "scores_16";
inline constexpr const char* kBlazefaceScores32 = "scores_32";
inline constexpr const char* kBlazefaceBoxes16 = "boxes_16";
inline constexpr const char* kBlazefaceBoxes32 = "boxes_32";

/// Turns the outputs of a BlazeFace detector for one picture into boxes; no landmarks: its six
/// points (eyes, nose, mouth, ears) hold no corner of the mouth.
///
/// in:     `ports` and `outputs` of the same run, N = 1; `side_px` of the square input
/// out:    boxes with a detection score of at least `min_detection_score`, in pixels of the input,
///         clipped to it; not yet thinned out by non-maximum suppression
/// fails:  corrupt/network_shape when an output is missing or has another shape
/// source: Bazarevsky et al. 2019 (BlazeFace), sections 3.1 and 3.2; anchors and decoding as in
///         MediaPipe's `face_detection_back` and the package's src/face/blazeface.ts
[[nodiscard]] Result<std::vector<Detection>> decode_blazeface(std::span<const nn::PortInfo> ports,
                                                              std::span<const nn::Tensor> outputs,
                                                              int side_px,
                                                              float min_detection_score);

}  // namespace faceforge::vision
