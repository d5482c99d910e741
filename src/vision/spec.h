#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "face/calibration.h"
#include "face/embedding.h"
#include "face/landmarks.h"
#include "face/model_id.h"

namespace faceforge::vision {

/// Everything that depends on the weights, as a card states it. `packs` reads cards into these.

enum class ChannelOrder { Rgb, Bgr };

/// x = (v - mean) / scale for a value v in 0..255, channel by channel in the network's own order.
struct InputNormalization {
  ChannelOrder channel_order = ChannelOrder::Rgb;
  std::array<float, 3> mean{};
  std::array<float, 3> scale{1, 1, 1};
};

enum class DetectorHead { Retinaface, Scrfd, Yunet, Ssd, Blazeface };

/// Whether a head finds boxes alone, so that a `ContourSpec` must find the landmarks.
[[nodiscard]] constexpr bool finds_boxes_only(DetectorHead head) {
  return head == DetectorHead::Ssd || head == DetectorHead::Blazeface;
}

/// The largest side that a detector's fixed input may have.
inline constexpr int kMaxDetectorSide_px = 4'096;

struct DetectorSpec {
  std::filesystem::path file;  ///< ONNX
  DetectorHead head = DetectorHead::Scrfd;
  InputNormalization input;
  /// Side of a square input that the network insists on; 0 when any multiple of
  /// `stride_multiple_px` works.
  int fixed_side_px = 0;
  int stride_multiple_px = 32;
  float min_detection_score = 0.5F;
  float overlap_limit = 0.4F;  ///< IoU above which non-maximum suppression drops the weaker box
};

/// Points of the standard face in a crop of `side_px` square.
struct LandmarkTemplate {
  std::string name;  ///< "arcface_112", "dlib_150"
  int side_px = 112;
  /// Five points in the order of `face::Landmark`, or a subset of the 68 named by
  /// `contour_indices`.
  std::vector<face::Point> points;
  std::vector<int> contour_indices;  ///< empty: the five landmarks

  bool operator==(const LandmarkTemplate&) const = default;
};

/// Whether a network also looks at a picture's mirror image, and the mean of both answers counts.
enum class MirrorAveraging { Off, On };

/// Where a contour network looks again: a square turned so that the eyes of its first points are
/// level, in units of the root of width times height of those points' bounds in that direction.
struct SecondLook {
  float side = 1;
  float rise = 0;  ///< of the square's centre above that of the bounds
};

/// A network that finds the 68 points of iBUG 300-W in the detector's box. With one, the five
/// landmarks are derived from those points, whatever the detector says of them.
///
/// Its input is [N, 3, side_px, side_px]: the box, clipped to the photo and rounded down to whole
/// pixels, padded symmetrically with black to a square (the after side gets the larger half of an
/// odd difference). Its output is [N, 136]: x0, y0, x1, y1, ... in [0, 1] of that padded square.
struct ContourSpec {
  std::filesystem::path file;
  InputNormalization input;
  int side_px = 112;
  MirrorAveraging mirror_averaging = MirrorAveraging::Off;
  std::optional<SecondLook> second_look = {};  ///< its points are those that count
};

/// What becomes of an output before it is weighted.
enum class OutputNormalization { None, UnitLength };

/// One network of a pack's embedding: mean over the mirror image, minus `output_mean`, brought to
/// unit length, times `weight`, in this order and as far as the card says so.
struct EmbedderSpec {
  std::filesystem::path file = {};
  InputNormalization input = {};
  LandmarkTemplate landmark_template = {};
  int output_length = 512;
  MirrorAveraging mirror_averaging = MirrorAveraging::Off;
  std::vector<float> output_mean = {};  ///< of `output_length`, or empty
  OutputNormalization normalization = OutputNormalization::UnitLength;
  float weight = 1;
};

/// One network of a liveness ensemble (MiniFASNet style).
struct LivenessSpec {
  std::filesystem::path file;
  InputNormalization input;
  int side_px = 80;
  float box_growth = 2.7F;
  int real_class_index = 1;
};

/// A pack as the pipeline needs it.
struct PipelineSpec {
  std::string pack_id = {};
  face::ModelId model_id = {};
  DetectorSpec detector = {};
  std::optional<ContourSpec> contour = {};
  /// One or more; the embedding is their outputs one after the other, so that with `Metric::L2`
  /// their squared distances add. With `Metric::Cosine` the whole has unit length.
  std::vector<EmbedderSpec> embedders = {};
  face::Metric metric = face::Metric::Cosine;
  std::vector<LivenessSpec> liveness = {};
  std::optional<face::Calibration> calibration = {};
};

/// Numbers in an embedding that these make together.
[[nodiscard]] inline int embedding_length(std::span<const EmbedderSpec> embedders) {
  int length = 0;
  for (const EmbedderSpec& embedder : embedders) length += embedder.output_length;
  return length;
}

}  // namespace faceforge::vision
