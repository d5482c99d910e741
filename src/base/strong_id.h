#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace faceforge {

/// A database key that cannot be mistaken for another kind's: `using PersonId = StrongId<struct
/// PersonTag>;`
template <typename Tag>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(int64_t value) : value_(value) {}
  [[nodiscard]] constexpr int64_t value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  int64_t value_ = 0;
};

}  // namespace faceforge

template <typename Tag>
struct std::hash<faceforge::StrongId<Tag>> {
  size_t operator()(faceforge::StrongId<Tag> id) const noexcept {
    return std::hash<int64_t>{}(id.value());
  }
};
