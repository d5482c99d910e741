#include <cstdint>

#include "http/internal/connection.h"

namespace faceforge::http::internal {

bool Connections::make_room() {
  const std::scoped_lock lock(mutex_);
  if (open_.size() - leaving_count_ < limit_) return true;
  Entry* longest = nullptr;
  for (auto& [pointer, entry] : open_) {
    if (entry.leaving || !entry.waits_since) continue;
    if (longest == nullptr || *entry.waits_since < *longest->waits_since) longest = &entry;
  }
  if (longest == nullptr) return false;
  longest->leaving = true;
  ++leaving_count_;
  if (const auto connection = longest->connection.lock()) connection->abort();
  return true;
}

void Connections::add(const std::shared_ptr<Connection>& connection) {
  const std::scoped_lock lock(mutex_);
  open_.emplace(connection.get(),
                Entry{.connection = connection, .waits_since = std::chrono::steady_clock::now()});
}

void Connections::waits(Connection* connection) {
  const std::scoped_lock lock(mutex_);
  open_.at(connection).waits_since = std::chrono::steady_clock::now();
}

bool Connections::may_answer(Connection* connection) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = open_.at(connection);
  entry.waits_since.reset();
  return !entry.leaving;
}

void Connections::remove(Connection* connection) {
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(connection);
  if (found->second.leaving) --leaving_count_;
  open_.erase(found);
  if (open_.empty()) none_.notify_all();
}

void Connections::stop_idle_ones() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [pointer, entry] : open_) {
    if (const auto connection = entry.connection.lock()) connection->stop_when_idle();
  }
}

void Connections::abort_all() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [pointer, entry] : open_) {
    if (const auto connection = entry.connection.lock()) connection->abort();
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

Shared::Shared(const TransportOptions& transport_options, Application& answering)
    : options(transport_options),
      application(answering),
      spool_bytes(std::make_shared<Shares>(Shares::Limits{
          .all = options.limits.spool_bytes, .each = options.limits.spool_bytes_each})),
      connections(options.limits.connections),
      connections_of_address({.all = SIZE_MAX, .each = options.limits.connections_per_address}),
      event_streams(
          {.all = options.limits.event_streams, .each = options.limits.event_streams_each}),
      sockets({.all = options.limits.sockets, .each = options.limits.sockets_each}),
      photo_requests({.all = SIZE_MAX, .each = options.limits.photo_requests_each}),
      quick(options.limits.quick_threads, options.limits.quick_queue),
      passwords(options.limits.password_threads, options.limits.password_queue),
      photos(options.limits.photo_threads, options.limits.photo_queue),
      socket_openings(options.limits.socket_opening_threads, options.limits.sockets),
      sockets_lane(options.limits.socket_threads, options.limits.sockets) {}

}  // namespace faceforge::http::internal
