#include "store/internal/pool.h"

#include <utility>

#include "base/check.h"

namespace faceforge::store::internal {

Pool::Pool(size_t capacity, std::chrono::milliseconds wait_max, Connect connect)
    : capacity_(capacity), wait_max_(wait_max), connect_(std::move(connect)) {
  CHECK(capacity > 0);
}

Result<Pool::Lease> Pool::lease() {
  {
    std::unique_lock lock(mutex_);
    if (!returned_.wait_for(lock, wait_max_, [this] { return leased_ < capacity_; })) {
      return fail(ErrorCode::Busy, "database_busy",
                  "all {} connections were in use for {} ms (another transaction takes long)",
                  capacity_, wait_max_.count());
    }
    ++leased_;
    if (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
  }
  auto connection = connect_();
  if (!connection) {
    take_back(nullptr);
    return Unexpected(std::move(connection).error());
  }
  return Lease(*this, *std::move(connection));
}

void Pool::take_back(std::unique_ptr<Connection> connection) {
  {
    const std::scoped_lock lock(mutex_);
    --leased_;
    if (connection != nullptr && connection->is_usable()) idle_.push_back(std::move(connection));
  }
  returned_.notify_one();
}

void Pool::close_idle() {
  std::vector<std::unique_ptr<Connection>> closing;
  const std::scoped_lock lock(mutex_);
  closing.swap(idle_);
}

}  // namespace faceforge::store::internal
