#pragma once

#include <cstdint>

#include "face/quality.h"

namespace faceforge::gallery {

inline constexpr int64_t kMaxPortraitQuality = 1000;

/// How well a photo's face can stand for its person where they are shown: large, sharp, frontal and
/// well lit. It orders photos and promises nothing about how they embed.
///
/// out:    0 to kMaxPortraitQuality; one fault that is bad enough cannot be made up for
/// source: the capture-related measures of ISO/IEC 29794-5 (size, sharpness, pose, illumination);
///         the weights are ours
[[nodiscard]] int64_t portrait_quality(const face::Quality& quality);

}  // namespace faceforge::gallery
