#pragma once

// What the tests of this folder need of the data folder: its packs, described by hand (independent
// of the cards in models/), its photos, and pictures composed of them.

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "image/image.h"
#include "vision/landmark_templates.h"
#include "vision/spec.h"

namespace faceforge::vision::test {

inline InputNormalization mean_and_scale(ChannelOrder order, float mean, float scale) {
  return {.channel_order = order, .mean = {mean, mean, mean}, .scale = {scale, scale, scale}};
}

inline EmbedderSpec mobilefacenet(const std::filesystem::path& file) {
  return {.file = file,
          .input = mean_and_scale(ChannelOrder::Rgb, 127.5F, 127.5F),
          .landmark_template = landmark_template("arcface_112").value()};
}

inline DetectorSpec scrfd(const std::filesystem::path& file) {
  return {.file = file,
          .head = DetectorHead::Scrfd,
          .input = mean_and_scale(ChannelOrder::Rgb, 127.5F, 128)};
}

inline DetectorSpec retinaface(const std::filesystem::path& file) {
  return {.file = file,
          .head = DetectorHead::Retinaface,
          .input = {.channel_order = ChannelOrder::Bgr, .mean = {104, 117, 123}}};
}

inline DetectorSpec yunet(const std::filesystem::path& file) {
  return {.file = file,
          .head = DetectorHead::Yunet,
          .input = mean_and_scale(ChannelOrder::Bgr, 0, 1),
          .min_detection_score = 0.6F,
          .overlap_limit = 0.3F};
}

inline LivenessSpec minifasnet(const std::filesystem::path& file, float box_growth) {
  return {.file = file, .input = mean_and_scale(ChannelOrder::Bgr, 0, 1), .box_growth = box_growth};
}

inline constexpr const char* kFaceapiPack = "faceapi";

inline const std::vector<std::string> kPackIds = {"retinaface-mbf", "yunet-mbf", "scrfd-mbf",
                                                  "scrfd500-mbf", kFaceapiPack};

/// Where the pack lies that is converted from npm packages; it is no part of the data folder.
/// Empty when `FACEFORGE_TEST_NPM_PACK` names no folder with it.
inline std::filesystem::path faceapi_folder() {
  const char* named = std::getenv("FACEFORGE_TEST_NPM_PACK");
  if (named == nullptr || !std::filesystem::exists(std::filesystem::path(named) / "card.json")) {
    return {};
  }
  return named;
}

inline PipelineSpec faceapi_spec(const std::filesystem::path& folder) {
  const InputNormalization pixels{.channel_order = ChannelOrder::Rgb,
                                  .mean = {122.782F, 117.001F, 104.298F},
                                  .scale = {255, 255, 255}};
  PipelineSpec spec{.pack_id = kFaceapiPack, .model_id = face::ModelId("test-faceapi")};
  spec.detector = {.file = folder / "blazeface.onnx",
                   .head = DetectorHead::Blazeface,
                   .input = mean_and_scale(ChannelOrder::Rgb, 127.5F, 127.5F),
                   .fixed_side_px = 256,
                   .stride_multiple_px = 256,
                   .min_detection_score = 0.6F,
                   .overlap_limit = 0.3F};
  spec.contour = ContourSpec{.file = folder / "face_landmark_68.onnx", .input = pixels};
  spec.embedders = {{.file = folder / "face_recognition.onnx",
                     .input = pixels,
                     .landmark_template = landmark_template("dlib_150").value(),
                     .output_length = 128,
                     .normalization = OutputNormalization::None,
                     .weight = 1 / 0.6F}};
  spec.metric = face::Metric::L2;
  return spec;
}

/// The packs of the data folder, as its README describes them.
inline PipelineSpec pack_spec(const std::filesystem::path& test_data, const std::string& pack_id) {
  if (pack_id == kFaceapiPack) return faceapi_spec(faceapi_folder());
  const std::filesystem::path folder = test_data / "packs" / pack_id;
  PipelineSpec spec{.pack_id = pack_id, .model_id = face::ModelId("test-" + pack_id)};
  if (pack_id == "retinaface-mbf") spec.detector = retinaface(folder / "retinaface_mnet025.onnx");
  if (pack_id == "yunet-mbf") spec.detector = yunet(folder / "yunet_n.onnx");
  if (pack_id == "scrfd-mbf") spec.detector = scrfd(folder / "scrfd_2.5g_bnkps.onnx");
  if (pack_id == "scrfd500-mbf") spec.detector = scrfd(folder / "det_500m.onnx");
  const bool research = pack_id.starts_with("scrfd");
  spec.embedders = {mobilefacenet(folder / (research ? "w600k_mbf.onnx" : "mbf_512.onnx"))};
  if (pack_id == "yunet-mbf") {
    spec.liveness = {minifasnet(folder / "minifasnet_v2_2.7.onnx", 2.7F),
                     minifasnet(folder / "minifasnet_v1se_4.0.onnx", 4.0F)};
  }
  return spec;
}

inline image::Photo read_photo(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  auto photo = image::decode(std::as_bytes(std::span(text)), {});
  CHECK_MSG(photo.has_value(), file.string());
  return std::move(*photo);
}

inline image::Photo as_photo(image::Image image) {
  const int width_px = image.width_px();
  const int height_px = image.height_px();
  return {std::move(image), width_px, height_px};
}

}  // namespace faceforge::vision::test

/// For tests that run with every pack.
#define SKIP_WITHOUT_PACK(pack_id)                                               \
  if ((pack_id) == ::faceforge::vision::test::kFaceapiPack &&                    \
      ::faceforge::vision::test::faceapi_folder().empty()) {                     \
    GTEST_SKIP() << "FACEFORGE_TEST_NPM_PACK names no folder with the npm pack"; \
  }
