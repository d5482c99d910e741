#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "store/internal/connection.h"

namespace faceforge::store::internal {

/// A bounded number of connections of one kind, made when they are needed. Thread safe.
class Pool {
 public:
  using Connect = std::function<Result<std::unique_ptr<Connection>>()>;

  Pool(size_t capacity, std::chrono::milliseconds wait_max, Connect connect);

  /// A connection that goes back at the end of the scope, unless it has become unusable.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->take_back(std::move(connection_));
    }
    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Waits for a free connection, or makes one.
  ///
  /// fails: busy/database_busy after `wait_max`; what `connect` fails with
  [[nodiscard]] Result<Lease> lease();

  /// Closes the connections that are not in use: after the database has gone away.
  void close_idle();

 private:
  void take_back(std::unique_ptr<Connection> connection);

  const size_t capacity_;
  const std::chrono::milliseconds wait_max_;
  const Connect connect_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  size_t leased_ = 0;
};

}  // namespace faceforge::store::internal
