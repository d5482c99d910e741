#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "packs/card.h"

namespace faceforge::packs {

/// Remembers which pack a folder without a card was recognized as, until the names, sizes or times
/// of its files change: a list of packs must not read hundreds of megabytes each time. Opening a
/// pack trusts no memory and reads every file. Thread safe.
class RecognitionMemory {
 public:
  /// As the function `recognize`; waits while another thread recognizes.
  [[nodiscard]] Result<std::optional<Card>> recognize(const std::filesystem::path& folder,
                                                      std::span<const Card> candidates);

 private:
  std::mutex mutex_;
  std::map<std::string, std::optional<Card>> remembered_;
};

}  // namespace faceforge::packs
