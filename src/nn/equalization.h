#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "nn/graph.h"

namespace faceforge::nn {

/// The greatest magnitude in each channel of values that convolutions read.
using ChannelReaches = std::map<ValueIndex, std::vector<float>>;

/// Rescales channels between convolutions, so that those of a value reach equally far and one scale
/// fits them all: a channel is multiplied where a convolution makes it and divided where others
/// read it. In between may stand what a positive factor passes through: ReLU, leaky ReLU, PReLU,
/// and a maximum or mean over a window. The network computes what it did before, but for rounding.
/// A value that anything else reads or makes stays as it is, and so do weights that two nodes
/// share.
///
/// A depthwise convolution has a scale of its own for each channel's weights, so its channels reach
/// equally far afterwards; to others the channels whose weights are small leave room, and reach and
/// weights are brought half way together. No channel is stretched more than 64 times, none that
/// reached nowhere at all.
///
/// in:    a simplified graph of floats; the reaches of its own values, a number a channel
/// out:   how many values were rescaled
/// source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
///         Correction", equation 11, here with reaches that examples showed
size_t equalize_channels(Graph& graph, const ChannelReaches& reaches);

}  // namespace faceforge::nn
