#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace faceforge::nn {

/// What the engine's kernels use of this processor, slowest first.
enum class InstructionSet { Baseline, Sse41, Avx, Avx2, Avx2Vnni, Avx512, Avx512Vnni, Amx };

/// Asks oneDNN, which heeds DNNL_MAX_CPU_ISA.
[[nodiscard]] InstructionSet instruction_set();

/// Floats of a vector of our own convolutions on this processor; nothing where they have no kernel.
[[nodiscard]] std::optional<int64_t> vector_lanes();

/// The second cache of a core, in bytes; 0 where the system does not say.
[[nodiscard]] int64_t second_cache_bytes();

/// Whether networks on bytes run faster here than their parents on floats: with VNNI alone. Without
/// it they run in floats with the same roundings, which costs more than floats alone.
[[nodiscard]] bool bytes_are_faster();

/// For people: `AVX-512 with VNNI`.
[[nodiscard]] std::string_view to_string(InstructionSet set);

}  // namespace faceforge::nn
