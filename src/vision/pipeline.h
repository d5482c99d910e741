#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/quality.h"
#include "image/image.h"
#include "nn/tensor.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// Which scales of the photo the detector looks at.
enum class ScaleSearch {
  Full,    ///< several scales joined by non-maximum suppression, from coarse to fine as far as
           ///< there are hints (docs/decisions/0021): faces of 16 px and faces that fill the photo
  Single,  ///< the photo as it is, not enlarged or shrunk beyond the detector's input; for golden
           ///< values
};

/// A scale at which one frame of a stream is looked at, where the next frame comes soon.
enum class FrameScale {
  Half,      ///< 320 px long in the detector's input: faces from a twentieth of the frame on
  Whole,     ///< 640 px long, as ScaleSearch::Single, in four times the time: half as large ones
  Shrunken,  ///< small in the middle of black: faces that fill the frame
};

/// Is shown exactly what a network is about to be given: by whoever wants the range of its numbers.
/// Its failure ends the call that shows.
///
/// in: `network_index` among the pack's networks of that kind; `input` [pictures, 3, height, width]
using InputObserver = std::function<Result<void>(size_t network_index, const nn::Tensor& input)>;

struct DetectOptions {
  std::optional<float> min_detection_score = {};  ///< the card's when absent
  ScaleSearch scale_search = ScaleSearch::Full;
  std::vector<FrameScale> frame_scales = {};  ///< where there are any: these, and no search
  int face_limit = 1000;                      ///< the highest detection scores are kept
  InputObserver on_detector_input = {};       ///< every picture of the scale search
};

/// Most faces that are embedded in one run of a network.
inline constexpr size_t kMaxBatch = 32;

struct LoadOptions {
  /// Threads that share each run of a network, and the decoding of a photo that `look_at` halves;
  /// the caller's among them. 1 is best where many photos are looked at side by side.
  int thread_count = 1;
};

/// A loaded pack: detect, align, embed, quality, liveness. Immutable and usable from many threads
/// at once.
class Pipeline {
 public:
  /// Loads the networks of a pack and runs each once on black, to see that it is what the card
  /// says.
  ///
  /// fails: not_found/model_file_missing; corrupt/... and unsupported/... as `nn::Network::load`;
  ///        corrupt/network_shape when a network's inputs or outputs are not what the card says;
  ///        unsupported/detector_without_landmarks for a detector that only finds boxes;
  ///        corrupt/card_inconsistent when the parts of the card do not fit each other
  [[nodiscard]] static Result<std::shared_ptr<const Pipeline>> load(
      const PipelineSpec& spec, const LoadOptions& options = {});

  /// The same pack over the same weights, whose networks are run by so many threads together.
  [[nodiscard]] std::shared_ptr<const Pipeline> with_threads(int thread_count) const;

  /// The same pack over the same weights but for its detector, which is another network of the same
  /// kind. The networks are run as `options` say.
  ///
  /// fails: as `load` for a detector
  [[nodiscard]] Result<std::shared_ptr<const Pipeline>> with_detector(
      const std::filesystem::path& file, const LoadOptions& options = {}) const;

  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  [[nodiscard]] const PipelineSpec& spec() const;
  [[nodiscard]] int thread_count() const;  ///< as `LoadOptions::thread_count`
  [[nodiscard]] const face::ModelId& model_id() const;

  /// Finds faces.
  ///
  /// out:   faces by falling area of the box, in pixels of the full-size photo; no face is an empty
  ///        list
  /// fails: as `DetectOptions::on_detector_input`
  [[nodiscard]] Result<std::vector<face::DetectedFace>> detect(
      const image::Photo& photo, const DetectOptions& options = {}) const;

  /// Warps a face upright as this pack's embedders expect, once a template.
  ///
  /// fails: invalid_input/degenerate_landmarks
  [[nodiscard]] Result<face::AlignedFace> align(const image::Photo& photo,
                                                const face::DetectedFace& face) const;

  /// Whether the photo was shrunk so much that a crop of this face has to be enlarged from it,
  /// where the photo at full size would give a sharper one.
  [[nodiscard]] bool is_short_of_pixels(const image::Photo& photo,
                                        const face::DetectedFace& face) const;

  /// Embeds faces in one batch or several.
  ///
  /// in:    faces as this pack's `align` made them (a CHECK); `on_input` is shown the batch of
  ///        every embedder, and its mirror image where the card asks for one
  /// out:   one embedding a face, in order; of unit length with `Metric::Cosine`
  /// fails: internal/embedding_not_finite; as `on_input`
  [[nodiscard]] Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces, const InputObserver& on_input = {}) const;

  /// Compiles what `embed` runs for so many faces, so that its first run need not.
  ///
  /// in:    `face_count` a power of two, at most kMaxBatch: larger numbers are run in such parts
  ///        (a CHECK)
  /// fails: as `nn::Network::prepare`
  /// cost:  some 10 to 100 ms
  [[nodiscard]] Result<void> prepare_batch(size_t face_count) const;

  /// Measures how usable a face is.
  ///
  /// in: `aligned` of this face, as `align` made it
  [[nodiscard]] face::Quality quality(const image::Photo& photo, const face::DetectedFace& face,
                                      const face::AlignedFace& aligned) const;

  /// out:   probability in [0, 1] that the face is of a living person; nothing when the pack has no
  /// liveness network
  [[nodiscard]] Result<std::optional<float>> liveness(const image::Photo& photo,
                                                      const face::DetectedFace& face) const;

 private:
  struct Parts;
  explicit Pipeline(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

/// Which face of a photo is meant when one is wanted: that with the largest
/// area - 2 * (distance of its centre from the photo's centre)^2, the field's rule for LFW.
///
/// in:  `faces` not empty (a CHECK)
/// out: an index into `faces`
[[nodiscard]] size_t central_face_index(std::span<const face::DetectedFace> faces, int width_px,
                                        int height_px);

}  // namespace faceforge::vision
