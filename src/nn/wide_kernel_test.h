// Includes the file that FACEFORGE_KERNEL names for AVX-512 as the compiler makes it of two AVX2
// vectors, in a namespace `wide`, so that its way through blocks of 16 channels is tested
// everywhere.

#include "nn/always_inline.h"

#if defined(__x86_64__)
#pragma GCC diagnostic ignored "-Wpsabi"  // no such vector is handed over: all is inlined
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace wide {
using Vector = float __attribute__((vector_size(64)));
constexpr int kLanes = 16;
#include FACEFORGE_KERNEL
}  // namespace wide
#pragma GCC pop_options
#endif

#undef FACEFORGE_KERNEL
