#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace faceforge::packs {

// Each builds one network of the unpacked npm package `@vladmandic/human` 3.3.6 as ONNX. Batch size
// is open; normalization of pixels happens outside, as the card says.
//
// fails: as read_graph_model and convert_graph_model

/// FaceRes, a MobileNet v1 that tells people apart by the means of its last features. The package's
/// age and gender are left out.
///
/// in: `input` [N,3,224,224]: blue, green and red minus 103.939, 116.779 and 123.68.
/// out: `descriptor` [N,1024], not normalized, not centred.
/// source: the package's src/face/faceres.ts; HSE_FaceRec_tf for the preprocessing
[[nodiscard]] Result<std::vector<std::byte>> build_human_faceres(
    const std::filesystem::path& package_folder);

/// BlazeFace for the back camera. Anchors stand at the middles of cells, two a cell at stride 16,
/// six at stride 32, rows of cells first; a row of boxes is centre x and y from the anchor, width,
/// height, and six points (right eye, left eye, nose, mouth, right ear, left ear) from the anchor,
/// all in pixels of the input.
///
/// in: `input` [N,3,256,256]: red, green and blue as v / 127.5 - 1.
/// out: `scores_16` [N,512,1] and `scores_32` [N,384,1], logits of a face; `boxes_16` [N,512,16]
///      and `boxes_32` [N,384,16].
/// source: the package's src/face/blazeface.ts; Bazarevsky et al. 2019
[[nodiscard]] Result<std::vector<std::byte>> build_human_blazeface(
    const std::filesystem::path& package_folder);

/// Names of the files that the conversions write.
inline constexpr const char* kHumanEmbedderFile = "faceres.onnx";
inline constexpr const char* kHumanDetectorFile = "blazeface.onnx";

}  // namespace faceforge::packs
