#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace faceforge::nn {

/// What all programs of a network together keep between runs.
inline constexpr size_t kIdleLimit_bytes = size_t{256} << 20;

/// Memory for the activations of one run, of any use between two runs.
class Arena {
 public:
  static constexpr size_t kAlignment_bytes = 64;  ///< a cache line, and an AVX-512 register

  Arena() = default;
  /// Throws std::bad_alloc.
  explicit Arena(size_t bytes);

  [[nodiscard]] std::byte* data() const { return memory_.get(); }
  [[nodiscard]] size_t size_bytes() const { return size_bytes_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t{kAlignment_bytes});
    }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  size_t size_bytes_ = 0;
};

/// The arenas that all programs of a network take turns with: there are as many as runs at once,
/// and they are as large as the largest of these, however many shapes of inputs there are. Thread
/// safe.
class ArenaPool {
 public:
  explicit ArenaPool(size_t limit_bytes);

  /// An arena of at least so many bytes: the one at `last` where it is free and large enough, else
  /// the smallest that is large enough. Where all are too small, a new one takes the place of the
  /// largest.
  ///
  /// throws: std::bad_alloc
  [[nodiscard]] Arena borrow(size_t bytes, const std::byte* last = nullptr);

  /// Keeps an arena for runs to come, or frees it where `limit_bytes` or 16 arenas would be passed.
  void give_back(Arena arena);

  /// Bytes that lie idle.
  [[nodiscard]] size_t idle_bytes() const;

 private:
  Arena take(std::vector<Arena>::iterator place);

  const size_t limit_bytes_;
  mutable std::mutex mutex_;
  std::vector<Arena> idle_;
  size_t idle_bytes_ = 0;
};

}  // namespace faceforge::nn
