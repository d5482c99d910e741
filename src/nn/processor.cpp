#include "nn/processor.h"

#include <algorithm>

#include <dnnl.hpp>
#include <unistd.h>

#include "nn/quantized_fusion.h"

namespace faceforge::nn {

InstructionSet instruction_set() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return InstructionSet::Sse41;
    case dnnl::cpu_isa::avx:
      return InstructionSet::Avx;
    case dnnl::cpu_isa::avx2:
      return InstructionSet::Avx2;
    case dnnl::cpu_isa::avx2_vnni:
      return InstructionSet::Avx2Vnni;
    case dnnl::cpu_isa::avx512_core:
      return InstructionSet::Avx512;
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
      return InstructionSet::Avx512Vnni;
    case dnnl::cpu_isa::avx512_core_amx:
      return InstructionSet::Amx;
    default:
      return InstructionSet::Baseline;
  }
}

std::optional<int64_t> vector_lanes() {
#if defined(__x86_64__)
  const InstructionSet set = instruction_set();
  if (set >= InstructionSet::Avx512) return 16;
  if (set >= InstructionSet::Avx2 && __builtin_cpu_supports("fma")) return 8;
#endif
  return std::nullopt;
}

int64_t second_cache_bytes() {
  static const int64_t bytes = std::max<int64_t>(0, sysconf(_SC_LEVEL2_CACHE_SIZE));
  return bytes;
}

bool bytes_are_faster() {
  return adds_bytes_exactly();
}

std::string_view to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::Baseline:
      return "no vector instructions";
    case InstructionSet::Sse41:
      return "SSE 4.1";
    case InstructionSet::Avx:
      return "AVX";
    case InstructionSet::Avx2:
      return "AVX2";
    case InstructionSet::Avx2Vnni:
      return "AVX2 with VNNI";
    case InstructionSet::Avx512:
      return "AVX-512";
    case InstructionSet::Avx512Vnni:
      return "AVX-512 with VNNI";
    case InstructionSet::Amx:
      return "AVX-512 with AMX";
  }
  return "";
}

}  // namespace faceforge::nn
