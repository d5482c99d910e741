#pragma once

/// For the parts of a function that is compiled for an instruction set of its own: what is not
/// inlined into it is compiled for that of the program.
#define FACEFORGE_INLINE __attribute__((always_inline)) inline
