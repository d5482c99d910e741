#pragma once

#include <cstddef>
#include <filesystem>
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

/// Names of the files that `convert_faceapi` writes.
inline constexpr const char* kFaceapiDetectorFile = "ssd_mobilenetv1.onnx";
inline constexpr const char* kFaceapiContourFile = "face_landmark_68.onnx";
inline constexpr const char* kFaceapiEmbedderFile = "face_recognition.onnx";

/// Converts the three networks of an unpacked npm package into the existing folder `destination`.
/// The same package gives the same bytes.
///
/// fails: not_found/npm_package_missing; invalid_input/npm_package_differs when its package.json
///        has another name or version than `package` and `version`; as read_npm_weights and the
///        builders; as write_file_atomically
[[nodiscard]] Result<void> convert_faceapi(const std::filesystem::path& package_folder,
                                           const std::string& package, const std::string& version,
                                           const std::filesystem::path& destination);

}  // namespace faceforge::packs
