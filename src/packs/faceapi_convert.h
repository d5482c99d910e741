#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "packs/npm_weights.h"

namespace faceforge::packs {

/// Each builds one network of the npm package `@vladmandic/face-api` 1.7.15 as ONNX. Batch size is
/// open; normalization of pixels happens outside, as the card says.
///
/// fails: corrupt/weight_missing or weight_shape naming the tensor

/// SSD-MobileNet v1. in: `input` [N,3,512,512]. out: `box_encodings` [N,5118,4] (ty,tx,th,tw),
/// `class_scores` [N,5118] (logits of a face), `priors` [1,5118,4] (ymin,xmin,ymax,xmax).
[[nodiscard]] Result<std::vector<std::byte>> build_ssd_mobilenet(const NpmWeights& weights);

/// 68 landmarks. in: `input` [N,3,112,112]. out: `landmarks` [N,136]: x0,y0,x1,y1,... relative to
/// the square.
[[nodiscard]] Result<std::vector<std::byte>> build_face_landmark_68(const NpmWeights& weights);

/// Descriptor, not normalized. in: `input` [N,3,150,150]. out: `descriptor` [N,128].
[[nodiscard]] Result<std::vector<std::byte>> build_face_recognition(const NpmWeights& weights);

/// TinyFaceDetector, a small YOLO v2, with the outputs of `build_ssd_mobilenet` for 845 boxes. in:
/// `input` [N,3,416,416], red, green and blue minus 117.001, 114.697 and 97.404, over 255. out:
/// `box_encodings` [N,845,4], `class_scores` [N,845], `priors` [1,845,4]: the five anchors at the
/// middle of each of 13 by 13 cells.
[[nodiscard]] Result<std::vector<std::byte>> build_tiny_face_detector(const NpmWeights& weights);

/// Names of the files that the conversions write.
inline constexpr const char* kFaceapiDetectorFile = "ssd_mobilenetv1.onnx";
inline constexpr const char* kFaceapiContourFile = "face_landmark_68.onnx";
inline constexpr const char* kFaceapiEmbedderFile = "face_recognition.onnx";
inline constexpr const char* kFaceapiTinyDetectorFile = "tiny_face_detector.onnx";

}  // namespace faceforge::packs
