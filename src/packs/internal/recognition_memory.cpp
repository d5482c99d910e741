#include "packs/internal/recognition_memory.h"

#include <system_error>
#include <vector>

#include <fmt/ranges.h>

#include "packs/known_cards.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMemoryLimit = 256;

/// What a change of the files that candidates name would change.
std::string fingerprint(const fs::path& folder, std::span<const Card> candidates) {
  std::string text = folder.string();
  for (const Card& card : candidates) {
    text += fmt::format("\n{}", card.id);
    for (const PackFile& file : card.files) {
      std::error_code failed;
      const auto size_bytes = fs::file_size(folder / file.path, failed);
      if (failed) continue;
      const auto time = fs::last_write_time(folder / file.path, failed);
      text += fmt::format("\n{} {} {}", file.path, size_bytes, time.time_since_epoch().count());
    }
  }
  return text;
}

}  // namespace

Result<std::optional<Card>> RecognitionMemory::recognize(const fs::path& folder,
                                                         std::span<const Card> candidates) {
  const std::scoped_lock lock(mutex_);
  const std::string key = fingerprint(folder, candidates);
  if (const auto found = remembered_.find(key); found != remembered_.end()) return found->second;
  auto recognized = TRY(packs::recognize(folder, candidates));
  if (remembered_.size() >= kMemoryLimit) remembered_.clear();
  remembered_.emplace(key, recognized);
  return recognized;
}

}  // namespace faceforge::packs
