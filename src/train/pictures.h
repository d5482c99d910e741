#pragma once

#include <cstddef>
#include <span>

#include <torch/types.h>

#include "crops/crop_file.h"
#include "train/random.h"
#include "train/settings.h"

namespace faceforge::train {

/// Crops as a network takes them: floats [N, 3, side, side] in [-1, 1], RGB, channels last in
/// memory, as the file's own bytes are. Bytes travel to the device, and become floats there.
///
/// in: indices of the file's crops; crops larger than `side_px` are averaged down, smaller ones
///     interpolated
[[nodiscard]] torch::Tensor read_pictures(const crops::CropFile& crops,
                                          std::span<const size_t> crop_indices, int64_t side_px,
                                          torch::Device device);

/// Pictures changed as other photos of the same people might be: mirrored; moved, scaled and turned
/// a little; brighter, of other contrast or saturation; blurred; of low resolution; partly hidden.
/// Each change is drawn for each picture by its probability, on the CPU; all pixels are computed on
/// the pictures' device.
///
/// in:  `pictures` [N, 3, side, side] in [-1, 1]
/// out: the same shape and range
[[nodiscard]] torch::Tensor augment(torch::Tensor pictures, const AugmentationSettings& settings,
                                    Random& random);

}  // namespace faceforge::train
