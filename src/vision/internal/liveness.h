#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "face/bounding_box.h"
#include "image/geometry.h"
#include "image/image.h"
#include "nn/network.h"
#include "vision/spec.h"

namespace faceforge::vision {

/// The part of a photo that a liveness network looks at: the box grown about its centre, by less
/// where the photo is too small for it, then moved inside of the photo.
///
/// in:     sides of the photo, both at least 2; `box` with a positive width and height
/// source: CropImage of minivision's Silent-Face-Anti-Spoofing, whose networks these are
[[nodiscard]] image::PixelRectangle liveness_part(const face::BoundingBox& box, float growth,
                                                  int width_px, int height_px);

/// The box that liveness networks expect: square, as their training detector gave them. Of the same
/// area as the detector's, whose boxes are tall, and 5 % of its height lower, towards the chin.
///
/// source: measured on the three sample photos of Silent-Face-Anti-Spoofing: with YuNet's and
///         SCRFD's boxes turned so, centres and sides are those of the samples' own boxes
[[nodiscard]] face::BoundingBox liveness_box(const face::BoundingBox& box);

/// The ensemble of a pack's `LivenessSpec`s.
class LivenessNetworks {
 public:
  /// fails: as `nn::Network::load`; corrupt/network_shape when a network does not give the classes
  ///        that its card names, found by one run on a black picture
  [[nodiscard]] static Result<LivenessNetworks> load(std::span<const LivenessSpec> specs,
                                                     const nn::RunOptions& run_options);

  [[nodiscard]] bool empty() const { return members_.empty(); }

  /// How probable it is that a face is of a living person: the mean of the members' softmaxes.
  ///
  /// in:     `box` in pixels of `image`, near to a square (see `liveness_box`)
  /// out:    in [0, 1]
  /// fails:  as `nn::Network::run`; internal/liveness_not_finite;
  ///         invalid_input/box_outside_photo when the box has no area or the image no two pixels
  [[nodiscard]] Result<float> probability(const image::Image& image,
                                          const face::BoundingBox& box) const;

  /// From now on runs are made so.
  void run_with(const nn::RunOptions& run_options) { run_options_ = run_options; }

 private:
  struct Member {
    LivenessSpec spec;
    nn::Network network;
  };

  LivenessNetworks(std::vector<Member> members, nn::RunOptions run_options);

  std::vector<Member> members_;
  nn::RunOptions run_options_;
};

}  // namespace faceforge::vision
