#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/strong_id.h"

namespace faceforge::store {

using Blob = std::vector<std::byte>;

/// One cell of a result: null, `{INTEGER}`, `{REAL}`, `{TEXT}` or `{BLOB}` (see `migrate.h`).
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;

/// One argument of a statement. Only a view: what it was made from must outlive the call, which
/// every argument written in the call itself does. Truth values are stored as 0 and 1.
class Parameter {
 public:
  using View =
      std::variant<std::monostate, int64_t, double, std::string_view, std::span<const std::byte>>;

  Parameter(std::nullopt_t) {}                                                 // NOLINT: implicit
  Parameter(std::integral auto value) : view_(static_cast<int64_t>(value)) {}  // NOLINT
  Parameter(std::floating_point auto value) : view_(static_cast<double>(value)) {}  // NOLINT
  Parameter(std::string_view text) : view_(text) {}                                 // NOLINT
  Parameter(const std::string& text) : view_(std::string_view(text)) {}             // NOLINT
  Parameter(const char* text) : view_(std::string_view(text)) {}                    // NOLINT
  Parameter(std::span<const std::byte> bytes) : view_(bytes) {}                     // NOLINT
  Parameter(const Blob& bytes) : view_(std::span<const std::byte>(bytes)) {}        // NOLINT
  template <typename Tag>
  Parameter(StrongId<Tag> id) : view_(id.value()) {}  // NOLINT
  template <typename T>
  Parameter(const std::optional<T>& value) {  // NOLINT
    if (value) view_ = Parameter(*value).view_;
  }

  [[nodiscard]] const View& view() const { return view_; }

 private:
  View view_;
};

}  // namespace faceforge::store
