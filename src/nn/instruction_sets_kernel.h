// Includes the file that FACEFORGE_KERNEL names once for each instruction set that convolutions of
// our own are made for: within the compiler's target for it, and a namespace with `Vector`, a GCC
// vector of floats, and `kLanes` of it.

#include "nn/always_inline.h"

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
using Vector = float __attribute__((vector_size(32)));
constexpr int kLanes = 8;
#include FACEFORGE_KERNEL
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,fma")
namespace avx512 {
using Vector = float __attribute__((vector_size(64)));
constexpr int kLanes = 16;
#include FACEFORGE_KERNEL
}  // namespace avx512
#pragma GCC pop_options
#endif

#undef FACEFORGE_KERNEL
