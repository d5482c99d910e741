#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/shares.h"
#include "http/body.h"
#include "http/exchange.h"
#include "http/transport.h"
#include "http/worker_lane.h"

namespace faceforge::http::internal {

/// A client that is connected.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Closes it if it waits for a request, else after the present response. Thread safe.
  virtual void stop_when_idle() = 0;

  /// Closes it now. Thread safe.
  virtual void abort() = 0;
};

/// The connections that are open. Thread safe.
class Connections {
 public:
  explicit Connections(size_t limit) : limit_(limit) {}

  /// Says whether there is room for one more; where all places are taken, the connection that has
  /// waited longest for a request makes room.
  [[nodiscard]] bool make_room();

  /// A connection counts as waiting for a request from here on.
  void add(const std::shared_ptr<Connection>& connection);
  void remove(Connection* connection);

  void waits(Connection* connection);

  /// out: whether the connection may answer what has come: not when it has to make room
  [[nodiscard]] bool may_answer(Connection* connection);

  void stop_idle_ones();
  void abort_all();

  /// out: whether all were gone within `timeout`
  [[nodiscard]] bool wait_until_none(std::chrono::milliseconds timeout);
  void wait_until_none();

 private:
  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable none_;
  struct Entry {
    std::weak_ptr<Connection> connection{};
    std::optional<std::chrono::steady_clock::time_point> waits_since{};
    bool leaving = false;
  };
  std::unordered_map<Connection*, Entry> open_;
  size_t leaving_count_ = 0;
};

/// What all connections share.
struct Shared {
  Shared(const TransportOptions& transport_options, Application& answering);

  const TransportOptions options;
  Application& application;
  std::optional<boost::asio::ssl::context> tls;
  std::shared_ptr<Shares> spool_bytes;
  Connections connections;
  Shares connections_of_address;
  Shares event_streams;
  Shares sockets;
  Shares photo_requests;
  std::atomic<size_t> turning_away_count = 0;
  std::atomic<bool> stopping = false;
  WorkerLane quick;
  WorkerLane passwords;
  WorkerLane photos;
  WorkerLane socket_openings;  ///< requests that become sockets
  WorkerLane sockets_lane;     ///< with at most one message of each socket
};

/// Serves a client until one side has had enough. Never waits.
void serve(boost::asio::ip::tcp::socket socket, Shared& shared);

}  // namespace faceforge::http::internal
