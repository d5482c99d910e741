#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace faceforge::fuzz {

using Bytes = std::vector<std::byte>;

/// Damages `original` in one to four ways: flipped bits, foreign bytes, numbers at their limits,
/// cut short, a part removed, repeated, or taken from `donor`. The same generator state gives the
/// same.
inline Bytes mutate(const Bytes& original, const Bytes& donor, std::mt19937_64& random) {
  Bytes mutated = original;
  const auto below = [&random](size_t limit) {
    return limit == 0 ? size_t{0} : std::uniform_int_distribution<size_t>(0, limit - 1)(random);
  };
  // Headers hold most of what a parser believes, so half of all places are among the first bytes.
  const auto place = [&] {
    const size_t size = mutated.size();
    return below(2) == 0 ? below(size < 128 ? size : 128) : below(size);
  };
  const size_t changes = 1 + below(4);
  for (size_t change = 0; change < changes && !mutated.empty(); ++change) {
    const size_t at = place();
    const size_t length = 1 + below(mutated.size() - at < 64 ? mutated.size() - at : 64);
    const auto begin = mutated.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    switch (below(7)) {
      case 0:
        for (size_t flips = 1 + below(16); flips > 0; --flips) {
          mutated[place()] ^= static_cast<std::byte>(1u << below(8));
        }
        break;
      case 1:
        for (auto byte = begin; byte != end; ++byte) *byte = static_cast<std::byte>(below(256));
        break;
      case 2:  // 0, or the largest or smallest number of its width
        for (auto byte = begin; byte != end && byte - begin < 4; ++byte) {
          *byte = at % 2 == 0 ? std::byte{0xFF} : std::byte{0x00};
        }
        break;
      case 3:
        mutated.resize(below(mutated.size()));
        break;
      case 4:
        mutated.erase(begin, end);
        break;
      case 5: {
        const Bytes part(begin, end);
        mutated.insert(begin, part.begin(), part.end());
        break;
      }
      default: {
        const size_t from = below(donor.size());
        const size_t taken = 1 + below(donor.size() - from < 512 ? donor.size() - from : 512);
        const std::span<const std::byte> part(donor.data() + from, donor.empty() ? 0 : taken);
        mutated.insert(begin, part.begin(), part.end());
        break;
      }
    }
  }
  return mutated;
}

}  // namespace faceforge::fuzz
