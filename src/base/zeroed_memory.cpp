#include "base/zeroed_memory.h"

#include <cstdint>
#include <cstdlib>
#include <limits>

#include <sys/mman.h>

namespace faceforge {
namespace {

// The sanitizers watch the borders of what comes from calloc.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kFromTheSystem_bytes = std::numeric_limits<size_t>::max();
#else
constexpr size_t kFromTheSystem_bytes = size_t{1} << 20;
#endif
constexpr size_t kLargePage_bytes = size_t{2} << 20;

size_t mapped_bytes(size_t bytes) {
  return (bytes + kLargePage_bytes - 1) / kLargePage_bytes * kLargePage_bytes;
}

}  // namespace

void* allocate_zeroed(size_t bytes) {
  if (bytes < kFromTheSystem_bytes) {
    void* const memory = std::calloc(bytes, 1);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  if (bytes > std::numeric_limits<size_t>::max() / 2) throw std::bad_alloc();
  // A page more, of which what is before and behind the large pages goes back.
  const size_t wanted = mapped_bytes(bytes);
  void* const mapped = mmap(nullptr, wanted + kLargePage_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before =
      (kLargePage_bytes - reinterpret_cast<uintptr_t>(begin) % kLargePage_bytes) % kLargePage_bytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + wanted, kLargePage_bytes - before);
  (void)madvise(begin + before, wanted,
                MADV_HUGEPAGE);  // a system without such pages has small ones
  return begin + before;
}

void free_zeroed(void* memory, size_t bytes) noexcept {
  if (bytes < kFromTheSystem_bytes) {
    std::free(memory);
  } else {
    munmap(memory, mapped_bytes(bytes));
  }
}

}  // namespace faceforge
