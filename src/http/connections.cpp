#include <vector>

#include "http/internal/connection.h"

namespace faceforge::http::internal {

bool Connections::full() {
  const std::scoped_lock lock(mutex_);
  return open_.size() >= limit_;
}

void Connections::add(const std::shared_ptr<Connection>& connection) {
  const std::scoped_lock lock(mutex_);
  open_.emplace(connection.get(), connection);
}

void Connections::remove(Connection* connection) {
  const std::scoped_lock lock(mutex_);
  open_.erase(connection);
  if (open_.empty()) none_.notify_all();
}

void Connections::stop_idle_ones() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [pointer, weak] : open_) {
    if (const auto connection = weak.lock()) connection->stop_when_idle();
  }
}

void Connections::abort_all() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [pointer, weak] : open_) {
    if (const auto connection = weak.lock()) connection->abort();
  }
}

bool Connections::wait_until_none(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return none_.wait_for(lock, timeout, [this] { return open_.empty(); });
}

void Connections::wait_until_none() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return open_.empty(); });
}

}  // namespace faceforge::http::internal
