#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace faceforge {

/// The hash by which content is named and checked: photos, packs, downloads.
using Sha256 = std::array<std::byte, 32>;

/// source: FIPS 180-4
[[nodiscard]] Sha256 sha256(std::span<const std::byte> bytes);
[[nodiscard]] Sha256 sha256(std::string_view text);

/// Hashes what comes in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void add(std::span<const std::byte> bytes);

  /// The hash of all that was added; nothing may be added afterwards (a CHECK).
  [[nodiscard]] Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Hashes a file without holding it in memory.
///
/// fails: not_found/file_not_found; forbidden/file_not_readable; invalid_input/not_a_file;
///        internal/file_error
[[nodiscard]] Result<Sha256> sha256_file(const std::filesystem::path& path);

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

/// Reads 64 hexadecimal digits of either case; nothing for any other text.
[[nodiscard]] std::optional<Sha256> sha256_from_hex(std::string_view text);

}  // namespace faceforge
