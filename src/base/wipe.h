#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace faceforge {

/// Overwrites bytes with zeros, in a way that no compiler leaves out: for passwords and keys in
/// memory that will be given back.
void wipe(std::span<std::byte> bytes);

/// Overwrites all of a text's memory, also past its end, and leaves it empty.
void wipe(std::string& text);

/// Overwrites what calls that have returned left on this thread's stack: short texts live there.
///
/// cost: 64 KiB written
void wipe_used_stack();

/// Wipes a text when the scope ends, however it ends.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string& text) : text_(text) {}
  ~WipedAtEnd() { wipe(text_); }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string& text_;
};

/// Memory that is wiped before it is given back, also when a container grows out of it.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename Other>
  explicit(false) WipingAllocator(const WipingAllocator<Other>&) {}

  [[nodiscard]] T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, size_t count) {
    wipe(std::as_writable_bytes(std::span(memory, count)));
    std::allocator<T>().deallocate(memory, count);
  }
  bool operator==(const WipingAllocator&) const { return true; }
};

template <typename T>
using WipedVector = std::vector<T, WipingAllocator<T>>;

}  // namespace faceforge
