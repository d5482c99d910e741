#include "base/shares.h"

namespace faceforge {

Shares::Taken Shares::take(const std::string& client, size_t amount) {
  const std::scoped_lock lock(mutex_);
  const auto found = taken_by_.find(client);
  const size_t held = found == taken_by_.end() ? 0 : found->second;
  if (amount > limits_.each - held) return Taken::ClientHasItsShare;
  if (amount > limits_.all - taken_) return Taken::NoneIsLeft;
  taken_ += amount;
  taken_by_[client] = held + amount;
  return Taken::Yes;
}

void Shares::give_back(const std::string& client, size_t amount) {
  if (amount == 0) return;
  const std::scoped_lock lock(mutex_);
  taken_ -= amount;
  const auto found = taken_by_.find(client);
  found->second -= amount;
  if (found->second == 0) taken_by_.erase(found);
}

std::optional<Share> Shares::hold(std::string client) {
  if (take(client, 1) != Taken::Yes) return std::nullopt;
  return Share(*this, std::move(client));
}

size_t Shares::taken() {
  const std::scoped_lock lock(mutex_);
  return taken_;
}

}  // namespace faceforge
