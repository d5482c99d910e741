#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace faceforge::crypto {

/// Bytes that must not outlive their use: in memory that is locked (never swapped, where the system
/// allows), guarded on both sides, and wiped when the Secret ends. Movable, never copied or
/// printed.
class Secret {
 public:
  Secret() = default;

  /// `size_bytes` zeros, to be filled in place.
  [[nodiscard]] static Secret zeros(size_t size_bytes);
  [[nodiscard]] static Secret copy_of(std::span<const std::byte> bytes);
  [[nodiscard]] static Secret copy_of(std::string_view text);
  [[nodiscard]] static Secret random(size_t size_bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {bytes_, size_}; }
  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_, size_}; }
  [[nodiscard]] std::string_view text() const;

 private:
  void release();

  std::byte* bytes_ = nullptr;
  size_t size_ = 0;
};

}  // namespace faceforge::crypto
