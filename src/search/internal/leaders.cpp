#include "search/internal/leaders.h"

#include <algorithm>

namespace faceforge::search::internal {
namespace {

constexpr size_t kBits = 256;

template <typename Code>
Sketch sketch(std::span<const Code> codes) {
  Sketch made{};
  const size_t count = codes.size();
  for (size_t bit = 0; bit < kBits; ++bit) {
    const size_t round = bit / count;
    const int first = codes[bit % count];
    const int second = codes[(bit + 1 + round + count / 2) % count];
    const bool is_positive = (round % 2 == 0 ? first + second : first - second) > 0;
    made[bit / 64] |= static_cast<uint64_t>(is_positive) << bit % 64;
  }
  return made;
}

using Difference = uint16_t;
using Histogram = std::array<uint32_t, kBits + 1>;

[[gnu::always_inline]] inline void compare(std::span<const Sketch> all, const Sketch& one,
                                           Difference* differences, Histogram& histogram) {
  for (size_t index = 0; index < all.size(); ++index) {
    int different = 0;
    for (size_t word = 0; word < one.size(); ++word) {
      different += __builtin_popcountll(all[index][word] ^ one[word]);
    }
    differences[index] = static_cast<Difference>(different);
    ++histogram[static_cast<size_t>(different)];
  }
}

void compare_plainly(std::span<const Sketch> all, const Sketch& one, Difference* differences,
                     Histogram& histogram) {
  compare(all, one, differences, histogram);
}

#if defined(__x86_64__)
/// Bits are counted by an instruction, and not by a table.
[[gnu::target("popcnt")]] void compare_with_popcnt(std::span<const Sketch> all, const Sketch& one,
                                                   Difference* differences, Histogram& histogram) {
  compare(all, one, differences, histogram);
}
#endif

using Compare = void (*)(std::span<const Sketch>, const Sketch&, Difference*, Histogram&);

Compare fastest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("popcnt")) return compare_with_popcnt;
#endif
  return compare_plainly;
}

}  // namespace

Sketch sketch_of(std::span<const int8_t> codes) {
  return sketch(codes);
}
Sketch sketch_of(std::span<const int16_t> codes) {
  return sketch(codes);
}

void Leaders::add(uint32_t row, const Sketch& sketch) {
  if (is_full()) return;
  rows_.make_room(1);
  sketches_.make_room(1);
  rows_.grow(1);
  sketches_.grow(1);
  rows_[rows_.size() - 1] = row;
  sketches_[rows_.size() - 1] = sketch;
}

bool Leaders::remove(uint32_t row) {
  const size_t count = rows_.size();
  remove_if([row](uint32_t leader) { return leader == row; });
  return rows_.size() < count;
}

bool Leaders::contains(uint32_t row) const {
  return std::ranges::count(rows_.span(), row) > 0;
}

std::vector<uint32_t> Leaders::near(const Sketch& sketch, size_t count) const {
  static const Compare kCompare = fastest();
  const auto all = sketches_.span();
  std::vector<Difference> differences(all.size());
  Histogram histogram{};
  kCompare(all, sketch, differences.data(), histogram);
  size_t limit = 0;
  for (size_t met = histogram[0]; met < count && limit < kBits; met += histogram[limit]) ++limit;
  // Fewer than `count` are nearer than the limit, wherever they stand in the list.
  std::vector<uint32_t> found;
  size_t at_limit = 0;
  for (size_t index = 0; index < all.size(); ++index) {
    const bool is_taken =
        differences[index] < limit || (differences[index] == limit && at_limit++ < count);
    if (is_taken) found.push_back(rows_[index]);
  }
  return found;
}

}  // namespace faceforge::search::internal
