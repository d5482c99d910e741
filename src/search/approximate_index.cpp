#include "search/approximate_index.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/without_throwing.h"
#include "search/internal/graph.h"
#include "search/internal/index_file.h"
#include "search/internal/row_store.h"
#include "search/internal/scan.h"

namespace faceforge::search {
namespace {

/// Rows that are compared one by one: as quick as walking, and misses none.
constexpr size_t kScanBelow = 4'096;
/// Rows in view where a walk sets out near its query, and where it may have to come from far.
constexpr size_t kBreadth = 20, kBreadthWithFewLeaders = 128;

const ApproximateOptions& checked(const ApproximateOptions& options) {
  CHECK(options.leader_limit <= ApproximateOptions::kMaxLeaders);
  return options;
}

}  // namespace

struct ApproximateIndex::Parts {
  std::optional<internal::IndexFile> file;  ///< first, for `rows` and `graph` show its bytes
  internal::RowStore rows;
  internal::Graph graph;
  ApproximateOptions options;

  [[nodiscard]] size_t thread_count() const {
    return options.thread_limit > 0 ? options.thread_limit
                                    : std::max<size_t>(1, std::thread::hardware_concurrency());
  }
  [[nodiscard]] std::vector<Neighbour> nearest(std::span<const float> query, size_t count) const;
};

ApproximateIndex::ApproximateIndex(size_t embedding_length, face::Metric metric,
                                   const ApproximateOptions& options)
    : parts_(new Parts{.file = std::nullopt,
                       .rows = {embedding_length, metric, options.row_limit},
                       .graph = {options.leader_cosine, internal::Leaders(options.leader_limit)},
                       .options = checked(options)}) {}

ApproximateIndex::ApproximateIndex(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ApproximateIndex::~ApproximateIndex() = default;

Result<std::unique_ptr<ApproximateIndex>> ApproximateIndex::open(
    const std::filesystem::path& file, const ApproximateOptions& options) {
  return without_throwing([&]() -> Result<std::unique_ptr<ApproximateIndex>> {
    auto opened = TRY(internal::IndexFile::open(file));
    if (opened.row_end() > options.row_limit) {
      return fail(ErrorCode::Exhausted, "index_full", "{} holds {} embeddings; the limit is {}",
                  file.string(), opened.row_end(), options.row_limit);
    }
    auto rows = opened.rows(options.row_limit);
    auto graph = opened.graph(options.leader_cosine, options.leader_limit);
    return std::unique_ptr<ApproximateIndex>(
        new ApproximateIndex(std::make_unique<Parts>(Parts{.file = std::move(opened),
                                                           .rows = std::move(rows),
                                                           .graph = std::move(graph),
                                                           .options = checked(options)})));
  });
}

Result<void> ApproximateIndex::verify(const std::filesystem::path& file) {
  return internal::IndexFile::verify(file);
}

Result<void> ApproximateIndex::save(const std::filesystem::path& file) const {
  return internal::IndexFile::write(file, parts_->rows, parts_->graph);
}

void ApproximateIndex::reserve(size_t row_count) {
  parts_->rows.reserve(row_count);
  parts_->graph.reserve(row_count);
}

Result<uint32_t> ApproximateIndex::add(std::span<const float> embedding) {
  CHECK(embedding.size() == parts_->rows.length());
  const auto added = TRY(add_batch(embedding));
  return added.front();
}

Result<std::vector<uint32_t>> ApproximateIndex::add_batch(std::span<const float> embeddings) {
  internal::RowStore& rows = parts_->rows;
  CHECK(embeddings.size() % rows.length() == 0);
  std::vector<uint32_t> added;
  auto done = without_throwing([&]() -> Result<void> {
    added.reserve(embeddings.size() / rows.length());
    for (size_t start = 0; start < embeddings.size(); start += rows.length()) {
      added.push_back(TRY(rows.add(embeddings.subspan(start, rows.length()))));
    }
    parts_->graph.link(rows, added, parts_->thread_count());
    return {};
  });
  if (done) return added;
  // Links that lead to what is taken back here are passed over, for the row is not present.
  for (const uint32_t row : added) (void)rows.remove(row);
  return Unexpected(done.error());
}

Result<void> ApproximateIndex::remove(uint32_t row) {
  return without_throwing([&]() -> Result<void> {
    if (parts_->rows.is_present(row)) parts_->graph.unlink(parts_->rows, row);
    return parts_->rows.remove(row);
  });
}

size_t ApproximateIndex::row_count() const {
  return parts_->rows.row_count();
}
size_t ApproximateIndex::embedding_length() const {
  return parts_->rows.length();
}
face::Metric ApproximateIndex::metric() const {
  return parts_->rows.metric();
}
size_t ApproximateIndex::memory_bytes() const {
  return parts_->rows.memory_bytes() + parts_->graph.memory_bytes();
}

std::span<const float> ApproximateIndex::row(uint32_t row) const {
  CHECK(parts_->rows.is_present(row));
  return parts_->rows.row(row);
}

std::vector<Neighbour> ApproximateIndex::Parts::nearest(std::span<const float> query,
                                                        size_t count) const {
  if (count == 0 || rows.row_count() == 0) return {};
  if (rows.row_count() <= std::max(kScanBelow, 4 * count)) {
    return std::move(internal::scan(rows, query, count, 1).front());
  }
  size_t breadth = options.breadth;
  if (breadth == 0) {
    breadth = graph.has_few_leaders(rows.row_count()) ? kBreadthWithFewLeaders : kBreadth;
  }
  breadth = std::max(breadth, 2 * count);
  return internal::rank(rows, query, graph.near(rows, rows.code(query), breadth), count);
}

Result<std::vector<Neighbour>> ApproximateIndex::nearest(std::span<const float> query,
                                                         size_t count) const {
  CHECK(query.size() == parts_->rows.length());
  CHECK(count <= kMaxNeighbours);
  TRY(internal::check_finite(query));
  return without_throwing(
      [&]() -> Result<std::vector<Neighbour>> { return parts_->nearest(query, count); });
}

Result<std::vector<std::vector<Neighbour>>> ApproximateIndex::nearest_batch(
    std::span<const float> queries, size_t count) const {
  const size_t length = parts_->rows.length();
  CHECK(queries.size() % length == 0);
  CHECK(count <= kMaxNeighbours);
  TRY(internal::check_finite(queries));
  return without_throwing([&]() -> Result<std::vector<std::vector<Neighbour>>> {
    std::vector<std::vector<Neighbour>> found;
    for (size_t start = 0; start < queries.size(); start += length) {
      found.push_back(parts_->nearest(queries.subspan(start, length), count));
    }
    return found;
  });
}

}  // namespace faceforge::search
