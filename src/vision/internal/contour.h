#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "face/bounding_box.h"
#include "face/landmarks.h"
#include "image/geometry.h"
#include "image/image.h"
#include "nn/network.h"
#include "vision/spec.h"

namespace faceforge::vision {

inline constexpr size_t kContourPointCount = 68;

/// The five landmarks of 68 points: the means of either eye's outline, the tip of the nose, the
/// corners of the mouth.
///
/// in:     68 points in the order of iBUG 300-W (a CHECK)
/// source: Sagonas et al. 2013 (300 Faces in-the-Wild): eyes 36-41 and 42-47, nose 30, mouth 48, 54
[[nodiscard]] face::Landmarks landmarks_of(std::span<const face::Point> contour);

/// Which point of a face a point of its mirror image is: the left corner of the mouth is the right
/// one there.
///
/// in:     0 to 67 (a CHECK)
/// source: Sagonas et al. 2013, figure 1
[[nodiscard]] size_t mirrored_contour_index(size_t index);

/// Where a `SecondLook` looks, as the transform from the image into a square of `side_px`.
///
/// in:     68 points (a CHECK)
/// out:    nothing where the points span less than a pixel, are not finite, or lie so far apart
///         that they are no face
[[nodiscard]] std::optional<image::SimilarityTransform> second_look_square(
    std::span<const face::Point> contour, const SecondLook& second_look, int side_px);

/// The network of a `ContourSpec`.
class ContourNetwork {
 public:
  /// fails: as `nn::Network::load`; corrupt/network_shape when it does not give 68 points, found by
  ///        one run on a black picture
  [[nodiscard]] static Result<ContourNetwork> load(const ContourSpec& spec,
                                                   const nn::RunOptions& run_options);

  /// Finds the 68 points of every box, and looks a second time where the spec says so.
  ///
  /// in:     boxes in pixels of `image`
  /// out:    one list a box, in order, in pixels of `image`; empty where the box, clipped to the
  ///         image, has no whole pixel
  /// fails:  as `nn::Network::run`; internal/landmarks_not_finite
  [[nodiscard]] Result<std::vector<std::vector<face::Point>>> find(
      const image::Image& image, std::span<const face::BoundingBox> boxes) const;

  /// From now on runs are made so.
  void run_with(const nn::RunOptions& run_options) { run_options_ = run_options; }

 private:
  ContourNetwork(ContourSpec spec, nn::Network network, nn::RunOptions run_options);

  /// One picture for the network, and where its pixels lie in the image.
  struct Look {
    size_t face_index = 0;
    image::Image picture;
    image::SimilarityTransform picture_to_image;
  };

  [[nodiscard]] Result<std::vector<float>> run(const nn::Tensor& input) const;

  /// Finds the points of every picture of one batch.
  [[nodiscard]] Result<std::vector<std::vector<face::Point>>> points_of(
      std::span<const Look> looks) const;

  ContourSpec spec_;
  nn::Network network_;
  nn::RunOptions run_options_;
};

}  // namespace faceforge::vision
