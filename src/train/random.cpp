#include "train/random.h"

#include <bit>
#include <limits>

#include "base/check.h"

namespace faceforge::train {
namespace {

uint64_t split_mix(uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
  return mixed ^ (mixed >> 31);
}

/// One number of three, every bit of which depends on every bit of them.
uint64_t mixed(uint64_t seed, uint64_t purpose, uint64_t counter) {
  uint64_t state = seed;
  state = split_mix(state) ^ purpose;
  state = split_mix(state) ^ counter;
  return split_mix(state);
}

}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = split_mix(seed);
}

Random::Random(uint64_t seed, RandomPurpose purpose, uint64_t counter)
    : Random(mixed(seed, static_cast<uint64_t>(purpose), counter)) {}

uint64_t Random::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t bound) {
  CHECK(bound >= 1);
  // Numbers of the last, incomplete round of `bound` would make small results more likely.
  const uint64_t end = std::numeric_limits<uint64_t>::max() -
                       (std::numeric_limits<uint64_t>::max() % bound + 1) % bound;
  uint64_t drawn = next();
  while (drawn > end) drawn = next();
  return drawn % bound;
}

float Random::between(float low, float high) {
  const float unit = static_cast<float>(next() >> 40) * 0x1p-24F;  // 24 bits: what a float holds
  return low + (high - low) * unit;
}

}  // namespace faceforge::train
