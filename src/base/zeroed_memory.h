#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace faceforge {

/// Memory that is 0, untouched where it is large. 1 MB and more come straight from the system and
/// go back to it, in pages of 2 MB where it has such: a photo of 12 megapixels that is halved has
/// 2200 of 4 kB, and to be given each of these at its first touch takes up to 2 us, more than
/// filling it.
///
/// in:     at least one byte
/// throws: std::bad_alloc
[[nodiscard]] void* allocate_zeroed(size_t bytes);

/// in: what `allocate_zeroed` gave for so many bytes
void free_zeroed(void* memory, size_t bytes) noexcept;

/// For containers of numbers that are given their size once: their elements are 0 without being
/// written. One that shrinks and grows again finds what it held before.
template <typename Value>
struct ZeroedMemory {
  using value_type = Value;

  ZeroedMemory() = default;
  template <typename Other>
  explicit ZeroedMemory(const ZeroedMemory<Other>&) {}

  [[nodiscard]] Value* allocate(size_t count) {
    return static_cast<Value*>(allocate_zeroed(count * sizeof(Value)));
  }
  void deallocate(Value* values, size_t count) noexcept {
    free_zeroed(values, count * sizeof(Value));
  }
  void construct(Value*) noexcept {}
  void construct(Value* place, const Value& value) noexcept { *place = value; }

  bool operator==(const ZeroedMemory&) const = default;
};

}  // namespace faceforge
