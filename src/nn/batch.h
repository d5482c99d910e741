#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "nn/graph.h"
#include "nn/network.h"

namespace faceforge::nn {

/// Whether a network gives each picture of a batch what it gives it alone, so that a batch may go
/// through it in parts. Where it cannot tell, it says no.
///
/// in:    `picture` the shape of one picture, which begins with 1
/// cost:  follows the shapes through the graph twice; computes nothing
[[nodiscard]] bool keeps_pictures_apart(const Graph& graph, std::span<const int64_t> picture,
                                        const LoadLimits& limits);

/// Bytes of the weights of convolutions and matrices, as the file has them.
[[nodiscard]] size_t bytes_of_weights(const Graph& graph);

/// How a batch is divided: into as many shares as there are threads, of `pictures_each` in
/// `parts_each` parts, each of which a thread computes by itself, whichever is free; what is left
/// over, fewer pictures than threads, they compute together.
struct BatchShares {
  size_t pictures_each = 0;
  size_t parts_each = 0;
  size_t left_over = 0;

  /// The pictures of one part of a share, as their place in the share and their number.
  struct Part {
    size_t first, count;
  };
  [[nodiscard]] Part part(size_t index) const;
};

/// Divides a batch. A thread that computes picture by picture finds activations in its cache, and
/// waits for nobody; where weights are more than a cache holds, a few pictures share each reading
/// of them.
///
/// in:    `thread_count` at least 1
[[nodiscard]] BatchShares share_batch(size_t picture_count, size_t thread_count,
                                      size_t weight_bytes);

}  // namespace faceforge::nn
