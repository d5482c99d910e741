#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/calibration.h"
#include "face/detected_face.h"
#include "face/embedding.h"
#include "face/model_id.h"
#include "face/quality.h"
#include "image/image.h"
#include "vision/photo_look.h"
#include "vision/pipeline.h"

namespace faceforge::recognition {

/// Most faces of one frame of a stream: the highest detection scores are kept.
inline constexpr int kMaxFrameFaces = 32;

/// The faces of one frame of a stream, each list by falling area.
struct FrameFaces {
  std::vector<face::DetectedFace> sure{};      ///< what `detect` would call a face
  std::vector<face::DetectedFace> doubtful{};  ///< of half its detection score: a face only where
                                               ///< a tracker expects one
};

/// The steps from bytes to embeddings, as the use cases call them: a loaded pack, or in tests a
/// fake that needs no networks. Immutable and usable from many threads at once.
class FaceEngine {
 public:
  virtual ~FaceEngine() = default;

  [[nodiscard]] virtual const face::ModelId& model_id() const = 0;
  [[nodiscard]] virtual const std::string& pack_id() const = 0;
  [[nodiscard]] virtual face::Metric metric() const = 0;
  [[nodiscard]] virtual int embedding_length() const = 0;
  [[nodiscard]] virtual const std::optional<face::Calibration>& calibration() const = 0;

  /// As `vision::look_at`; by default `decode`, then `detect`.
  [[nodiscard]] virtual Result<vision::PhotoLook> look_at(
      std::span<const std::byte> file, std::span<const face::DetectedFace> known_faces = {}) const;

  /// As `image::decode` and the functions of `vision::Pipeline`.
  [[nodiscard]] virtual Result<image::Photo> decode(std::span<const std::byte> file) const = 0;
  [[nodiscard]] virtual Result<std::vector<face::DetectedFace>> detect(
      const image::Photo& photo) const = 0;

  /// The same for a frame of a stream, where the next one comes soon and faces are near: smaller
  /// limits, the picture at some scales only, and what a tracker may make of faint faces.
  [[nodiscard]] virtual Result<image::Photo> decode_frame(
      std::span<const std::byte> file) const = 0;
  [[nodiscard]] virtual Result<FrameFaces> detect_in_frame(
      const image::Photo& frame, std::span<const vision::FrameScale> scales) const = 0;

  [[nodiscard]] virtual Result<face::AlignedFace> align(const image::Photo& photo,
                                                        const face::DetectedFace& face) const = 0;
  [[nodiscard]] virtual Result<std::vector<face::Embedding>> embed(
      std::span<const face::AlignedFace> faces) const = 0;
  /// As `vision::Pipeline::prepare_batch`; by default there is nothing to prepare.
  [[nodiscard]] virtual Result<void> prepare_batch(size_t face_count) const;

  [[nodiscard]] virtual face::Quality quality(const image::Photo& photo,
                                              const face::DetectedFace& face,
                                              const face::AlignedFace& aligned) const = 0;
};

/// The largest frame of a stream that is looked at.
inline constexpr image::DecodeLimits kFrameLimits{
    .bytes = 2'000'000, .megapixels = 2.5, .working_side_px = 1'920};

/// The engine of a loaded pack.
[[nodiscard]] std::shared_ptr<const FaceEngine> make_face_engine(
    std::shared_ptr<const vision::Pipeline> pipeline, const image::DecodeLimits& limits = {});

/// A pack's engine twice: as one core runs its networks, and as all of them run them together. Both
/// give the same results.
struct Engines {
  /// An engine that is the same on any number of cores.
  template <std::convertible_to<std::shared_ptr<const FaceEngine>> Pointer>
  Engines(const Pointer& any)  // NOLINT(google-explicit-constructor): it is both engines
      : one_core(any), all_cores(any) {}
  Engines(std::shared_ptr<const FaceEngine> one, std::shared_ptr<const FaceEngine> all)
      : one_core(std::move(one)), all_cores(std::move(all)) {}

  std::shared_ptr<const FaceEngine> one_core;
  std::shared_ptr<const FaceEngine> all_cores;
};

/// Loads the engines of a model from the packs of this machine, of several that make it those of
/// the pack that is named; nothing where none makes that model. It is called by one thread at a
/// time, which may be another each time.
using LoadEngines =
    std::function<Result<std::optional<Engines>>(const face::ModelId&, const std::string& pack_id)>;

/// The engines of a loaded pack, over the same weights.
[[nodiscard]] Engines make_engines(const std::shared_ptr<const vision::Pipeline>& pipeline,
                                   int core_count, const image::DecodeLimits& limits = {});

}  // namespace faceforge::recognition
