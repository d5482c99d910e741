// Measures what this machine can do at most, so that a speed can be given as a share of it:
// multiply-adds of floats and of bytes on numbers that stay in registers, and reading memory that
// no cache holds. The instructions are the widest that the processor has.
//
//   faceforge_roofline THREADS...    one JSON object, a number for each count of threads

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

/// As many sums at once as hide the latency of a multiply-add, and fit the registers of AVX2 beside
/// two operands and what lies between.
constexpr int kSums = 10;
constexpr int kRepeats = 5;
constexpr auto kRepeatLength = std::chrono::milliseconds(100);

/// Works without memory: `steps` times `kSums` instructions of `operations` each, a multiply-add
/// being two.
struct Kernel {
  std::string_view name;
  int64_t operations;
  void (*work)(int64_t steps);
};

/// Keeps the compiler from knowing what a register holds, so that it can neither move nor merge
/// what is computed from it. Costs nothing.
#define OPAQUE(vector) asm volatile("" : "+x"(vector))

// One function an instruction set: the compiler may use each set inside its function only.
#define KERNEL(name, instructions, Vector, zero, step)             \
  __attribute__((target(instructions))) void name(int64_t steps) { \
    Vector sums[kSums];                                            \
    for (Vector & sum : sums) sum = zero();                        \
    Vector a = zero();                                             \
    Vector b = zero();                                             \
    OPAQUE(b);                                                     \
    for (int64_t done = 0; done < steps; ++done) {                 \
      _Pragma("GCC unroll 10") for (Vector & sum : sums) {         \
        OPAQUE(a);                                                 \
        step;                                                      \
      }                                                            \
    }                                                              \
    for (Vector & sum : sums) OPAQUE(sum);                         \
  }

KERNEL(floats_sse, "sse2", __m128, _mm_setzero_ps, sum = _mm_add_ps(sum, _mm_mul_ps(a, b)))
KERNEL(floats_avx2, "avx2,fma", __m256, _mm256_setzero_ps, sum = _mm256_fmadd_ps(a, b, sum))
KERNEL(floats_avx512, "avx512f", __m512, _mm512_setzero_ps, sum = _mm512_fmadd_ps(a, b, sum))

KERNEL(bytes_ssse3, "ssse3", __m128i, _mm_setzero_si128,
       sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_maddubs_epi16(a, b), b)))
KERNEL(bytes_avx2, "avx2", __m256i, _mm256_setzero_si256,
       sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), b)))
KERNEL(bytes_avx512, "avx512bw", __m512i, _mm512_setzero_si512,
       sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), b)))
KERNEL(bytes_avx2_vnni, "avxvnni", __m256i, _mm256_setzero_si256,
       sum = _mm256_dpbusd_avx_epi32(sum, a, b))
KERNEL(bytes_avx512_vnni, "avx512vnni", __m512i, _mm512_setzero_si512,
       sum = _mm512_dpbusd_epi32(sum, a, b))

/// As the other kernels, but a step is four instructions of AMX, which multiply tiles of bytes: two
/// by two tiles of 16 by 16 sums, from two and two tiles of 16 by 64 bytes.
__attribute__((target("amx-tile,amx-int8"))) void bytes_amx(int64_t steps) {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes_of_a_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } shapes;
  asm volatile("" : : "r"(&shapes) : "memory");  // g++ 12 takes it that 8 bytes of them are read
  _tile_loadconfig(&shapes);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (int64_t done = 0; done < steps; ++done) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
}

/// Whether the processor has AMX, and the system lets this process use its registers.
bool has_amx_of_bytes() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // arch_prctl: ARCH_REQ_XCOMP_PERM
  return __builtin_cpu_supports("amx-int8") &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Kernel floats_kernel() {
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", 32, floats_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {"AVX2", 16, floats_avx2};
  }
  return {"SSE2", 8, floats_sse};
}

Kernel bytes_kernel() {
  constexpr int64_t kOperationsOfATile = int64_t{2} * 16 * 16 * 64;
  if (has_amx_of_bytes()) return {"AMX", 4 * kOperationsOfATile / kSums, bytes_amx};
  if (__builtin_cpu_supports("avx512vnni")) return {"AVX-512 VNNI", 128, bytes_avx512_vnni};
  if (__builtin_cpu_supports("avx512bw")) return {"AVX-512, no VNNI", 128, bytes_avx512};
  if (__builtin_cpu_supports("avxvnni")) return {"AVX2 VNNI", 64, bytes_avx2_vnni};
  if (__builtin_cpu_supports("avx2")) return {"AVX2, no VNNI", 64, bytes_avx2};
  return {"SSSE3", 32, bytes_ssse3};
}

/// Runs `work(thread)` over and over on so many threads at once; what it returns is summed.
///
/// out: the sum a second, the best of several repeats
template <class Work>
double best_rate(int thread_count, Work work) {
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    std::atomic<double> rate = 0;
    std::atomic<int> ready = 0;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < thread_count; ++thread) {
      threads.emplace_back([&, thread] {
        ++ready;
        while (ready < thread_count) std::this_thread::yield();
        const auto start = Clock::now();
        double sum = 0;
        do sum += work(thread);
        while (Clock::now() - start < kRepeatLength);
        rate += sum / std::chrono::duration<double>(Clock::now() - start).count();
      });
    }
    threads.clear();
    best = std::max(best, rate.load());
  }
  return best;
}

double operations_per_second(const Kernel& kernel, int thread_count) {
  constexpr int64_t kSteps = 100'000;
  return best_rate(thread_count, [&](int) {
    kernel.work(kSteps);
    return static_cast<double>(kSteps * kSums * kernel.operations);
  });
}

/// Memory far larger than the caches, in pages as large as the system gives.
class LargeMemory {
 public:
  static constexpr size_t kBytes = size_t{512} << 20;

  LargeMemory() : start_(std::aligned_alloc(size_t{2} << 20, kBytes)) {
    if (start_ == nullptr) return;
    madvise(start_, kBytes, MADV_HUGEPAGE);
    std::fill_n(static_cast<uint64_t*>(start_), kBytes / sizeof(uint64_t), 1);
  }
  ~LargeMemory() { std::free(start_); }
  LargeMemory(const LargeMemory&) = delete;
  LargeMemory& operator=(const LargeMemory&) = delete;

  [[nodiscard]] bool is_there() const { return start_ != nullptr; }
  [[nodiscard]] const __m128i* vectors() const { return static_cast<const __m128i*>(start_); }

 private:
  void* start_;
};

/// Reads a part of the memory once. Two loads a cycle of 16 bytes are far above what memory gives.
double read_part(const LargeMemory& memory, int part, int part_count) {
  constexpr size_t kAtOnce = 8;
  const size_t vectors =
      LargeMemory::kBytes / sizeof(__m128i) / static_cast<size_t>(part_count) / kAtOnce * kAtOnce;
  const __m128i* from = memory.vectors() + vectors * static_cast<size_t>(part);
  __m128i sums[kAtOnce] = {};
  for (size_t index = 0; index < vectors; index += kAtOnce) {
#pragma GCC unroll 8
    for (size_t lane = 0; lane < kAtOnce; ++lane) {
      sums[lane] = _mm_add_epi64(sums[lane], _mm_load_si128(from + index + lane));
    }
  }
  for (__m128i& sum : sums) OPAQUE(sum);
  return static_cast<double>(vectors * sizeof(__m128i));
}

template <class Measure>
std::string by_threads(const std::vector<int>& thread_counts, Measure measure) {
  std::vector<std::string> parts;
  for (const int count : thread_counts) {
    parts.push_back(fmt::format("\"{}\":{:.2f}", count, measure(count) / 1e9));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ","));
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::vector<int> thread_counts;
  for (int index = 1; index < argument_count; ++index) {
    thread_counts.push_back(std::atoi(arguments[index]));
  }
  const bool usable =
      std::ranges::all_of(thread_counts, [](int count) { return count >= 1 && count <= 256; });
  const LargeMemory memory;
  if (thread_counts.empty() || !usable || !memory.is_there()) {
    fmt::print(stderr, "usage: faceforge_roofline THREADS... (1 to 256 each; needs 512 MiB)\n");
    return 3;
  }
  const Kernel floats = floats_kernel();
  const Kernel bytes = bytes_kernel();
  fmt::print(
      "{{\"fp32_gflops\":{},\"int8_gops\":{},\"read_gigabytes_per_second\":{},"
      "\"fp32_instructions\":\"{}\",\"int8_instructions\":\"{}\"}}\n",
      by_threads(thread_counts, [&](int count) { return operations_per_second(floats, count); }),
      by_threads(thread_counts, [&](int count) { return operations_per_second(bytes, count); }),
      by_threads(thread_counts,
                 [&](int count) {
                   return best_rate(count,
                                    [&](int part) { return read_part(memory, part, count); });
                 }),
      floats.name, bytes.name);
}
