#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/result.h"
#include "face/aligned_crop.h"
#include "face/detected_face.h"
#include "image/image.h"
#include "vision/photo_look.h"
#include "vision/pipeline.h"

namespace faceforge::vision {

/// At which a photo without a face is looked at once more: whoever collected it saw one.
inline constexpr float kSecondDetectionScore = 0.1F;

/// As look_at; none found: once more at a detection score of `kSecondDetectionScore`.
///
/// in:    `on_detector_input` is shown the pictures of the first search
/// fails: as look_at
[[nodiscard]] Result<PhotoLook> look_again_if_faceless(const Pipeline& pipeline,
                                                       std::span<const std::byte> file,
                                                       const image::DecodeLimits& limits = {},
                                                       const InputObserver& on_detector_input = {});

/// The face that a photo of one person is of.
struct CentralFace {
  image::Photo photo;
  face::DetectedFace face;
  face::AlignedFace aligned;
};

/// Finds and aligns the central face of a photo of one person with others in the background, as
/// LFW's protocol needs it. Training and evaluation look at photos through this alone.
///
/// out:    nothing when look_again_if_faceless finds no face, or the face's landmarks are
///         degenerate
/// fails:  as look_again_if_faceless
/// source: the choice of the face: central_face_index
[[nodiscard]] Result<std::optional<CentralFace>> find_central_face(
    const Pipeline& pipeline, std::span<const std::byte> file,
    const image::DecodeLimits& limits = {}, const InputObserver& on_detector_input = {});

}  // namespace faceforge::vision
