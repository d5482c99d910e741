#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "nn/graph.h"
#include "nn/layout.h"

namespace faceforge::nn {

/// Weights in the layouts that primitives want, each reordered once and shared by all programs of
/// a network. What is adopted lies in memory once a layout: its numbers as the file has them go
/// with the first reorder, and are computed back from there for a layout that comes later. Thread
/// safe. Keeps the constants it was given alive.
class WeightStore {
 public:
  /// Takes over the numbers of a constant that nobody else reads.
  ///
  /// out: a constant of the same shape and kind without numbers, by which `get` knows them
  [[nodiscard]] ConstantPtr adopt(ConstantPtr constant);

  /// The numbers of `constant`, which lie as `from` says, laid out as `to`. Throws dnnl::error.
  [[nodiscard]] dnnl::memory get(const ConstantPtr& constant, const Layout& from, const Layout& to);

  /// Numbers computed from those of `constant`, which lie as `from` says, once: `make` reads these
  /// and fills `to`. Where `constant` is wanted in no other form, its own numbers go, for they
  /// cannot be had back. Throws dnnl::error.
  ///
  /// in:    `limit_bytes` of all that the store holds, `to` and for a moment `from` among it
  /// fails: too_large/weights_too_large, before anything is allocated
  [[nodiscard]] Result<dnnl::memory> derive(
      const ConstantPtr& constant, const Layout& from, const Layout& to, bool is_only_form,
      size_t limit_bytes,
      const std::function<void(const float* numbers, std::span<float> to)>& make);

  /// Memory that what was adopted takes, in all its layouts.
  [[nodiscard]] size_t adopted_bytes() const;

 private:
  struct Kept {
    Layout from, to;
    dnnl::memory memory;
    dnnl::memory holder;  ///< of the numbers that `memory` is a view of, where it has none itself
    bool is_derived = false;
  };
  struct Entry {
    ConstantPtr key;
    ConstantPtr original;  ///< its numbers; null once they lie in a layout alone
    bool is_adopted = false;
    bool is_lent = false;  ///< a layout is the original itself
    std::vector<Kept> layouts;
    [[nodiscard]] size_t held_bytes() const;
  };
  Entry& entry_of(const ConstantPtr& constant);
  static Kept source(const Entry& entry, const Layout& from);

  mutable std::mutex mutex_;
  std::unordered_map<const Constant*, Entry> entries_;
};

}  // namespace faceforge::nn
