#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "memory_bound.h"
#include "mutation.h"

namespace faceforge::fuzz {

/// What reads foreign files, and how it may refuse one.
struct Reader {
  std::string name;
  std::vector<Bytes> originals;              ///< that it reads
  std::vector<std::string_view> documented;  ///< reasons to refuse one
  /// Reads a file and checks what came of it; the error, or one without a reason.
  std::function<Error(const Bytes&)> read;
  /// Changes what a file says in a form that can still be read; none where damage is all there is.
  std::function<Bytes(const Bytes&, std::mt19937_64&)> change_meaning = {};
};

constexpr size_t kReaderMemory_bytes = size_t{1} << 30;
constexpr std::chrono::seconds kSlowReading{5};

inline bool is_documented(const Reader& reader, const Error& error) {
  return std::ranges::find(reader.documented, error.reason) != reader.documented.end();
}

/// Of so many files that were changed in their meaning some can be read, or the changes are wrong.
constexpr int kEnoughChanges = 50;

/// Feeds `count` mutations to a reader; the same seed gives the same.
inline void fuzz_reader(const Reader& reader, int count, unsigned seed) {
  using std::chrono::steady_clock;
  for (const Bytes& original : reader.originals) {
    const Error error = reader.read(original);
    CHECK_MSG(error.reason.empty(), reader.name + ", undamaged: " + error.message);
  }
  std::map<std::string, int> outcomes;
  int changed_count = 0, changed_and_read = 0;
  for (int i = 0; i < count; ++i) {
    // A generator of its own for each, so that one can be repeated alone.
    std::mt19937_64 random(seed + static_cast<unsigned>(i));
    const Bytes& original = reader.originals[static_cast<size_t>(i) % reader.originals.size()];
    const Bytes& donor = reader.originals[random() % reader.originals.size()];
    const bool keeps_its_form = reader.change_meaning && random() % 4 != 0;
    const Bytes file =
        keeps_its_form ? reader.change_meaning(original, random) : mutate(original, donor, random);
    const auto start = steady_clock::now();
    const Error error = reader.read(file);
    const std::string which = reader.name + ", mutation " + std::to_string(i) + ": ";
    CHECK_MSG(steady_clock::now() - start < kSlowReading, which + "took too long");
    CHECK_MSG(error.reason.empty() || is_documented(reader, error), which + error.reason);
    if (keeps_its_form) {
      ++changed_count;
      changed_and_read += error.reason.empty() ? 1 : 0;
    }
    ++outcomes[error.reason.empty() ? "read" : error.reason];
  }
  std::printf("%s: %d mutations of %zu files, at most %ld MB\n", reader.name.c_str(), count,
              reader.originals.size(), peak_megabytes());
  for (const auto& [outcome, times] : outcomes) std::printf("%8d %s\n", times, outcome.c_str());
  CHECK_MSG(changed_count < kEnoughChanges || changed_and_read > 0,
            reader.name + ": every file that was changed in its form was refused");
  std::fflush(stdout);  // a sanitizer's last words end the program without it
}

/// The program of a file in this folder: PROGRAM [COUNT] [SEED].
inline int fuzz_readers(const std::vector<Reader>& readers, int argc, char** argv) {
  bound_memory(kReaderMemory_bytes);
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1;
  for (const Reader& reader : readers) fuzz_reader(reader, count, seed);
  return 0;
}

inline Bytes to_bytes(std::string_view text) {
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

inline std::string_view to_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace faceforge::fuzz
