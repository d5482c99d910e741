#include "nn/code_room.h"

#include <cstddef>
#include <new>

#include <sys/mman.h>

namespace faceforge::nn {

void require_room_for_code() {
  // A kernel gets 256 KiB, and an operator has up to some dozens of them.
  constexpr size_t kRoom_bytes = size_t{32} << 20;
  void* const room = ::mmap(nullptr, kRoom_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  ::munmap(room, kRoom_bytes);
}

}  // namespace faceforge::nn
