#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "image/image.h"

namespace faceforge::bench {

/// What OpenCV found in a photo: an embedding of unit length a face, and where the time went.
struct OpencvFaces {
  std::vector<std::vector<float>> embeddings;
  double decode_ms = 0;
  double detect_ms = 0;
  double align_ms = 0;
  double embed_ms = 0;
};

enum class OpencvReading { Whole, Halved };

/// The rival: a photo to embeddings as one writes it with OpenCV alone. SCRFD at 640 x 640, the
/// photo shrunk into its corner; its boxes thinned out by cv::dnn::NMSBoxes; faces warped upright
/// by cv::warpAffine; all of them embedded in one batch. Throws nothing: OpenCV's errors are
/// failures.
class OpencvPipeline {
 public:
  /// in:    `detector` an SCRFD with a static input of 640 x 640; `thread_count` for all of OpenCV
  /// fails: internal/opencv_failed
  [[nodiscard]] static Result<std::unique_ptr<OpencvPipeline>> load(
      const std::filesystem::path& detector, const std::filesystem::path& embedder,
      int thread_count);
  ~OpencvPipeline();

  /// fails: internal/opencv_failed
  [[nodiscard]] Result<OpencvFaces> run(std::span<const std::byte> file, OpencvReading reading);

  /// Finds the faces of a decoded photo.
  ///
  /// in:    its channels in OpenCV's order, blue first
  /// out:   how many
  /// fails: internal/opencv_failed
  [[nodiscard]] Result<size_t> detect(const image::Image& photo);

  [[nodiscard]] static const char* version();

 private:
  struct Parts;
  explicit OpencvPipeline(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace faceforge::bench
