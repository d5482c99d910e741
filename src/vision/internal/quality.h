#pragma once

#include "face/detected_face.h"
#include "face/landmarks.h"
#include "face/quality.h"
#include "image/image.h"

namespace faceforge::vision {

/// Which way a face looks.
/// units: degrees, with the signs of `face::Quality`
struct Pose {
  float yaw_deg = 0;
  float pitch_deg = 0;
  float roll_deg = 0;
};

/// Reads the pose off five landmarks. All zero when the landmarks are in one place or one line.
///
/// source: DeMenthon and Davis 1995, section 3 (pose from orthography and scaling: an affine camera
///         by least squares on a rigid model, here brought to the nearest rotation). The model is
///         ours: ArcFace's template seen from the front, with the tip of the nose 0.40 and the
///         corners of the mouth 0.05 eye distances before the eyes. A nose longer or shorter than
///         that shifts yaw and pitch by up to a fifth of their value.
[[nodiscard]] Pose pose_of(const face::Landmarks& landmarks);

/// Variance of the Laplacian of the grey picture (its border left out).
///
/// source: Pech-Pacheco et al. 2000 ("variance of Laplacian"); four-neighbour kernel, grey of
///         Rec. 601 in 0..255
/// cost:   O(pixels)
[[nodiscard]] float sharpness_of(const image::Image& picture);

/// Mean grey (Rec. 601) in [0, 1].
[[nodiscard]] float brightness_of(const image::Image& picture);

}  // namespace faceforge::vision
