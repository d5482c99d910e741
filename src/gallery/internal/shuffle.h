#pragma once

#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace faceforge::gallery::internal {

/// Brings the items into a random order, the same with every standard library.
///
/// source: Durstenfeld 1964, algorithm 235; std::shuffle differs between libraries
template <typename T>
void shuffle(std::vector<T>& items, std::mt19937_64& random) {
  for (size_t left = items.size(); left > 1; --left) {
    std::swap(items[left - 1], items[random() % left]);
  }
}

}  // namespace faceforge::gallery::internal
