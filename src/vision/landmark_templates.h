#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// The standard faces that embedders were trained on. A card names one; its points are here, once.
///
/// `arcface_112`  five landmarks in a 112 px square. source: InsightFace, Deng et al. 2019
/// (ArcFace) `dlib_150`     33 of the 68 points of iBUG 300-W in a 150 px square, padded by a
/// quarter of the
///                face on each side: nose, eyes and upper lip, which expressions move least; no jaw
///                (0-16), no brows (17-26), no lower lip (55-59, 65-67). source: dlib's
///                `get_face_chip_details` (King 2009, dlib/image_transforms/interpolation.h):
///                target = (mean + 0.25) / 1.5 * 150
///
/// fails: unsupported/landmark_template_unknown naming the templates there are
[[nodiscard]] Result<LandmarkTemplate> landmark_template(std::string_view name);

/// The names that `landmark_template` knows.
[[nodiscard]] std::span<const std::string_view> landmark_template_names();

}  // namespace faceforge::vision
