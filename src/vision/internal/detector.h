#pragma once

#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "nn/network.h"
#include "vision/internal/detection.h"
#include "vision/internal/scale_search.h"
#include "vision/pipeline.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// A detector's network with its head and its scales.
class Detector {
 public:
  /// fails: as `nn::Network::load`; too_large/detector_input_too_large for an input over
  ///        `kMaxDetectorSide_px`; corrupt/network_shape and unsupported/detector_without_landmarks
  ///        as the heads, found by one run on a black picture
  [[nodiscard]] static Result<Detector> load(const DetectorSpec& spec,
                                             const nn::RunOptions& run_options);

  /// Finds faces in an image, in its own pixels.
  ///
  /// fails: as `nn::Network::run` and `DetectOptions::on_detector_input`
  [[nodiscard]] Result<std::vector<Detection>> find(const image::Image& image,
                                                    const DetectOptions& options) const;

  /// From now on runs are made so.
  void run_with(const nn::RunOptions& run_options) { run_options_ = run_options; }

 private:
  Detector(DetectorSpec spec, nn::Network network, DetectorReach reach, nn::RunOptions run_options);

  [[nodiscard]] Result<std::vector<Detection>> look(const nn::Tensor& input,
                                                    float min_detection_score) const;

  /// Makes `input` what a view shows; its memory is used again where the size is the same.
  void fill(nn::Tensor& input, const image::Image& image, const Level& level,
            const View& view) const;

  DetectorSpec spec_;
  nn::Network network_;
  DetectorReach reach_;
  nn::RunOptions run_options_;
};

}  // namespace faceforge::vision
