#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace faceforge {

class Share;

/// What clients hold at present of something that they all share: so much in all, so much each.
/// Thread safe.
class Shares {
 public:
  struct Limits {
    size_t all = 0;
    size_t each = 0;
  };
  enum class Taken : uint8_t { Yes, ClientHasItsShare, NoneIsLeft };

  explicit Shares(const Limits& limits) : limits_(limits) {}

  /// in: `client` an account or an address; what was taken is given back under the same name
  [[nodiscard]] Taken take(const std::string& client, size_t amount);
  void give_back(const std::string& client, size_t amount);

  /// Takes one until the end of the scope; nothing when that is too many.
  [[nodiscard]] std::optional<Share> hold(std::string client);

  [[nodiscard]] size_t taken();
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  const Limits limits_;
  std::mutex mutex_;
  size_t taken_ = 0;
  std::unordered_map<std::string, size_t> taken_by_;
};

/// One of something shared, given back at the end of the scope.
class Share {
 public:
  Share(Shares& shares, std::string client) : shares_(&shares), client_(std::move(client)) {}
  Share(Share&& other) noexcept
      : shares_(std::exchange(other.shares_, nullptr)), client_(std::move(other.client_)) {}
  Share& operator=(Share&&) = delete;
  ~Share() {
    if (shares_ != nullptr) shares_->give_back(client_, 1);
  }

 private:
  Shares* shares_;
  std::string client_;
};

}  // namespace faceforge
