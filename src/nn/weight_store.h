#pragma once

#include <mutex>
#include <unordered_map>
#include <vector>

#include "nn/graph.h"
#include "nn/layout.h"

namespace faceforge::nn {

/// Weights in the layouts that primitives want, each reordered once and shared by all programs of
/// a network. Thread safe. Keeps the constants it was given alive.
class WeightStore {
 public:
  /// The numbers of `constant`, which lie as `from` says, laid out as `to`. Throws dnnl::error.
  [[nodiscard]] dnnl::memory get(const ConstantPtr& constant, const Layout& from, const Layout& to);

 private:
  struct Kept {
    Layout from, to;
    dnnl::memory memory;
  };
  struct Entry {
    ConstantPtr constant;
    std::vector<Kept> layouts;
  };
  std::mutex mutex_;
  std::unordered_map<const Constant*, Entry> entries_;
};

}  // namespace faceforge::nn
