#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/without_throwing.h"
#include "search/index.h"
#include "search/internal/row_store.h"
#include "search/internal/scan.h"

namespace faceforge::search {
namespace {

/// Codes below which a second thread costs more than it saves: some milliseconds of scanning.
constexpr size_t kBytesAThread = size_t{32} << 20;

}  // namespace

struct ExactIndex::Parts {
  internal::RowStore rows;
  size_t thread_limit;

  /// Threads worth starting for a search.
  [[nodiscard]] size_t thread_count() const {
    return std::clamp<size_t>(rows.row_end() * rows.stride() / kBytesAThread, 1, thread_limit);
  }
};

ExactIndex::ExactIndex(size_t embedding_length, face::Metric metric, const IndexOptions& options)
    : parts_(new Parts{
          .rows = {embedding_length, metric, options.row_limit},
          .thread_limit = options.thread_limit > 0
                              ? options.thread_limit
                              : std::max<size_t>(1, std::thread::hardware_concurrency())}) {}

ExactIndex::~ExactIndex() = default;

void ExactIndex::reserve(size_t row_count) {
  parts_->rows.reserve(row_count);
}

Result<uint32_t> ExactIndex::add(std::span<const float> embedding) {
  return without_throwing([&] { return parts_->rows.add(embedding); });
}

Result<void> ExactIndex::remove(uint32_t row) {
  return parts_->rows.remove(row);
}

size_t ExactIndex::row_count() const {
  return parts_->rows.row_count();
}
size_t ExactIndex::embedding_length() const {
  return parts_->rows.length();
}
face::Metric ExactIndex::metric() const {
  return parts_->rows.metric();
}
size_t ExactIndex::memory_bytes() const {
  return parts_->rows.memory_bytes();
}

std::span<const float> ExactIndex::row(uint32_t row) const {
  CHECK(parts_->rows.is_present(row));
  return parts_->rows.row(row);
}

Result<std::vector<Neighbour>> ExactIndex::nearest(std::span<const float> query,
                                                   size_t count) const {
  CHECK(query.size() == parts_->rows.length());
  auto found = TRY(nearest_batch(query, count));
  return std::move(found.front());
}

Result<std::vector<std::vector<Neighbour>>> ExactIndex::nearest_batch(
    std::span<const float> queries, size_t count) const {
  const internal::RowStore& rows = parts_->rows;
  CHECK(queries.size() % rows.length() == 0);
  CHECK(count <= kMaxNeighbours);
  TRY(internal::check_finite(queries));
  return without_throwing([&]() -> Result<std::vector<std::vector<Neighbour>>> {
    if (count == 0 || rows.row_count() == 0) {
      return std::vector<std::vector<Neighbour>>(queries.size() / rows.length());
    }
    return internal::scan(rows, queries, count, parts_->thread_count());
  });
}

}  // namespace faceforge::search
