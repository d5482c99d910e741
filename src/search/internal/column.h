#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace faceforge::search::internal {

/// Memory of a search begins at a multiple of this: a cache line, or for long columns a huge page.
inline constexpr size_t kLine_bytes = 64;
inline constexpr size_t kHugePage_bytes = size_t{1} << 21;

/// Numbers one after the other that grow at the end.
template <typename T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  /// Shows memory that someone else holds, until it grows.
  explicit Column(std::span<T> shown)
      : start_(shown.data()), size_(shown.size()), capacity_(shown.size()), is_owner_(false) {}
  Column(Column&& other) noexcept { swap(other); }
  Column& operator=(Column&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Column() { release(); }

  [[nodiscard]] T* data() { return start_; }
  [[nodiscard]] const T* data() const { return start_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] T& operator[](size_t index) { return start_[index]; }
  [[nodiscard]] const T& operator[](size_t index) const { return start_[index]; }
  [[nodiscard]] std::span<const T> span() const { return {start_, size_}; }
  /// Bytes that this holds itself.
  [[nodiscard]] size_t memory_bytes() const { return is_owner_ ? capacity_ * sizeof(T) : 0; }

  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    Column larger;
    larger.allocate(capacity);
    larger.size_ = size_;
    if (size_ > 0) {
      std::memcpy(larger.start_, start_, size_ * sizeof(T));
      if (is_owner_) wipe();
    }
    swap(larger);
  }

  /// Makes room for `count` more: so much at a time that many calls of it cost little.
  void make_room(size_t count) {
    if (size_ + count > capacity_) {
      reserve(std::max(size_ + count, capacity_ + capacity_ / 2));
    }
  }

  /// Adds `count` zeros. Allocates nothing after `make_room` for as many.
  void grow(size_t count) {
    make_room(count);
    std::memset(static_cast<void*>(start_ + size_), 0, count * sizeof(T));
    size_ += count;
  }

  /// Leaves the first `size`, at most as many as there are, and wipes the others.
  void shrink(size_t size) {
    std::memset(static_cast<void*>(start_ + size), 0, (size_ - size) * sizeof(T));
    size_ = size;
  }

 private:
  static std::align_val_t alignment(size_t bytes) {
    return std::align_val_t{bytes >= kHugePage_bytes ? kHugePage_bytes : kLine_bytes};
  }

  void allocate(size_t count) {
    const size_t bytes = std::max<size_t>(count, 1) * sizeof(T);
    start_ = static_cast<T*>(::operator new(bytes, alignment(bytes)));
    capacity_ = std::max<size_t>(count, 1);
#if defined(__linux__)
    // A scan meets a page's entry every 2 MiB instead of every 4 KiB. Where that is refused, it is
    // only slower.
    if (bytes >= kHugePage_bytes) (void)madvise(start_, bytes, MADV_HUGEPAGE);
#endif
  }

  /// What was removed from the index stays in no freed memory either.
  void wipe() {
    std::memset(static_cast<void*>(start_), 0, size_ * sizeof(T));
  }

  void release() {
    if (is_owner_ && start_ != nullptr) ::operator delete(start_, alignment(capacity_ * sizeof(T)));
  }

  void swap(Column& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(is_owner_, other.is_owner_);
  }

  T* start_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool is_owner_ = true;
};

}  // namespace faceforge::search::internal
