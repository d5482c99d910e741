#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace faceforge::train {

/// What a generator's numbers are for: the numbers of two purposes have nothing in common.
enum class RandomPurpose : uint64_t { Epoch = 1, Batch = 2, Augmentation = 3 };

/// A generator that is the same on every machine. A run keeps no generator's state: whatever is
/// drawn for a step comes from a generator made of the run's seed, the purpose and the step, so
/// that the seed and the number of steps done are the whole state, and a resumed run draws what the
/// unbroken one draws.
///
/// source: xoshiro256** (Blackman & Vigna 2021, "Scrambled Linear Pseudorandom Number Generators"),
///         filled by SplitMix64 as its authors ask
class Random {
 public:
  explicit Random(uint64_t seed);
  Random(uint64_t seed, RandomPurpose purpose, uint64_t counter);

  [[nodiscard]] uint64_t next();

  /// A whole number below `bound`, all equally likely. in: `bound` 1 or more (a CHECK)
  [[nodiscard]] uint64_t below(uint64_t bound);

  /// A number in [low, high).
  [[nodiscard]] float between(float low, float high);

  /// Whether something of this probability happens.
  [[nodiscard]] bool happens(float probability) { return between(0, 1) < probability; }

  /// Brings the items into a random order. source: Durstenfeld 1964, algorithm 235
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t left = items.size(); left > 1; --left)
      std::swap(items[left - 1], items[below(left)]);
  }

 private:
  std::array<uint64_t, 4> state_{};
};

}  // namespace faceforge::train
