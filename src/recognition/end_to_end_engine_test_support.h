#pragma once

#include <array>
#include <cmath>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>

#include "recognition/face_engine.h"
#include "vision/landmark_templates.h"
#include "vision/pipeline.h"

namespace faceforge::recognition {

/// The pack `scrfd-mbf` of the data folder, described by hand after its README, with thresholds at
/// FMR 1e-2 and 1e-3 from the README's table and a tail through both.
inline std::shared_ptr<const vision::Pipeline> real_pipeline(const std::filesystem::path& data) {
  const std::filesystem::path folder = data / "packs" / "scrfd-mbf";
  std::filesystem::path detector;
  std::filesystem::path embedder;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".onnx") continue;
    const bool is_embedder = file.path().filename().string().find("mbf") != std::string::npos;
    (is_embedder ? embedder : detector) = file.path();
  }
  vision::PipelineSpec spec{.pack_id = "scrfd-mbf", .model_id = face::ModelId("w600k-mbf")};
  const std::array<float, 3> mean{127.5F, 127.5F, 127.5F};
  spec.detector = {.file = detector,
                   .head = vision::DetectorHead::Scrfd,
                   .input = {.mean = mean, .scale = {128, 128, 128}}};
  spec.embedders = {{.file = embedder,
                     .input = {.mean = mean, .scale = mean},
                     .landmark_template = *vision::landmark_template("arcface_112")}};
  face::Calibration table;
  table.model_id = spec.model_id;
  table.points = {{1e-2, 0.180F}, {1e-3, 0.245F}};
  table.tail_slope = std::log(0.1) / (0.245 - 0.180);
  table.tail_intercept = std::log(1e-2) - 0.180 * table.tail_slope;
  table.ambiguity_margin = 0.1F;
  spec.calibration = table;
  auto pipeline = vision::Pipeline::load(spec);
  EXPECT_TRUE(pipeline) << pipeline.error().message;
  return pipeline ? *pipeline : nullptr;
}

inline std::shared_ptr<const FaceEngine> real_engine(const std::filesystem::path& data) {
  auto pipeline = real_pipeline(data);
  return pipeline ? make_face_engine(std::move(pipeline)) : nullptr;
}

}  // namespace faceforge::recognition
