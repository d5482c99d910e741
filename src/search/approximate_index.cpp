#include "search/approximate_index.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "search/internal/graph.h"
#include "search/internal/row_store.h"
#include "search/internal/scan.h"
#include "search/internal/search_file.h"

namespace faceforge::search {
namespace {

/// Rows that are compared one by one: quicker than walking, and misses none.
constexpr size_t kScanBelow = 2'048;

size_t threads_of(const ApproximateOptions& options) {
  return options.thread_limit > 0 ? options.thread_limit
                                  : std::max<size_t>(1, std::thread::hardware_concurrency());
}

}  // namespace

struct ApproximateIndex::Parts {
  std::optional<internal::SearchFile> file;  ///< before `rows` and `graph`, which show its bytes
  internal::RowStore rows;
  internal::Graph graph;
  ApproximateOptions options;
};

ApproximateIndex::ApproximateIndex(size_t embedding_length, face::Metric metric,
                                   const ApproximateOptions& options)
    : parts_(new Parts{.file = std::nullopt,
                       .rows = {embedding_length, metric, options.row_limit},
                       .graph = internal::Graph(threads_of(options)),
                       .options = options}) {}

ApproximateIndex::ApproximateIndex(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ApproximateIndex::~ApproximateIndex() = default;

Result<std::unique_ptr<ApproximateIndex>> ApproximateIndex::open(
    const std::filesystem::path& file, const ApproximateOptions& options) {
  internal::SearchFile opened = TRY(internal::SearchFile::open(file));
  internal::Graph graph(threads_of(options));
  TRY(graph.view(opened.graph()));
  const size_t length = opened.length();
  const face::Metric metric = opened.metric();
  auto columns = opened.columns();
  auto parts =
      std::make_unique<Parts>(Parts{.file = std::move(opened),
                                    .rows = {length, metric, options.row_limit, std::move(columns)},
                                    .graph = std::move(graph),
                                    .options = options});
  return std::unique_ptr<ApproximateIndex>(new ApproximateIndex(std::move(parts)));
}

Result<void> ApproximateIndex::save(const std::filesystem::path& file) {
  TRY(internal::SearchFile::write(file, parts_->rows, parts_->graph));
  auto saved = TRY(open(file, parts_->options));
  parts_ = std::move(saved->parts_);
  return {};
}

void ApproximateIndex::set_breadth(size_t breadth) {
  parts_->options.breadth = breadth;
}

void ApproximateIndex::reserve(size_t row_count) {
  parts_->rows.reserve(row_count);
}

Result<uint32_t> ApproximateIndex::add(std::span<const float> embedding) {
  CHECK(embedding.size() == parts_->rows.length());
  return TRY(add_batch(embedding)).front();
}

Result<std::vector<uint32_t>> ApproximateIndex::add_batch(std::span<const float> embeddings) {
  internal::RowStore& rows = parts_->rows;
  CHECK(embeddings.size() % rows.length() == 0);
  TRY(internal::check_finite(embeddings));
  // What is mapped holds only what was saved.
  rows.reserve(rows.row_end());
  std::vector<uint32_t> added;
  const auto take_back = [&](const Error& error) {
    for (const uint32_t row : added) (void)rows.remove(row);
    return Unexpected(error);
  };
  for (size_t start = 0; start < embeddings.size(); start += rows.length()) {
    const auto row = rows.add(embeddings.subspan(start, rows.length()));
    if (!row) return take_back(row.error());
    added.push_back(*row);
  }
  const auto linked = parts_->graph.link(rows, added, threads_of(parts_->options));
  if (!linked) return take_back(linked.error());
  return added;
}

Result<void> ApproximateIndex::remove(uint32_t row) {
  TRY(parts_->rows.remove(row));
  return parts_->file ? parts_->file->wipe(row) : Result<void>();
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

Result<std::vector<Neighbour>> ApproximateIndex::nearest(std::span<const float> query,
                                                         size_t count) const {
  const internal::RowStore& rows = parts_->rows;
  CHECK(query.size() == rows.length());
  CHECK(count <= kMaxNeighbours);
  TRY(internal::check_finite(query));
  if (count == 0 || rows.row_count() == 0) return std::vector<Neighbour>();
  if (rows.row_count() <= std::max(kScanBelow, count)) {
    auto found = internal::scan(rows, query, count, 1);
    return std::move(found.front());
  }
  const size_t breadth = std::max(parts_->options.breadth, 2 * count);
  const auto candidates = TRY(parts_->graph.near(rows, query, breadth));
  return internal::rank(rows, query, candidates, count);
}

Result<std::vector<std::vector<Neighbour>>> ApproximateIndex::nearest_batch(
    std::span<const float> queries, size_t count) const {
  const size_t length = parts_->rows.length();
  CHECK(queries.size() % length == 0);
  std::vector<std::vector<Neighbour>> found;
  for (size_t start = 0; start < queries.size(); start += length) {
    found.push_back(TRY(nearest(queries.subspan(start, length), count)));
  }
  return found;
}

}  // namespace faceforge::search
