#include "search/index.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/check.h"
#include "search/internal/similarities.h"

namespace faceforge::search {
namespace {

constexpr std::align_val_t kAlignment{64};

/// Rows compared with every query before the next ones are read: they stay in the second-level
/// cache (at 512 floats a row, 256 KiB).
constexpr size_t kBlockRows = 128;

/// Kept beyond what was asked for: single precision ranks rows that are nearly equal in either
/// order, and the exact comparison at the end decides among these.
constexpr size_t kSpareNeighbours = 16;

template <typename T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T* memory, size_t) { ::operator delete(memory, kAlignment); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;

size_t padded(size_t length) {
  return (length + internal::kLanes - 1) / internal::kLanes * internal::kLanes;
}

/// Strict order of a result: more similar first, then the lower row.
bool comes_first(const Neighbour& a, const Neighbour& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.row < b.row;
}

/// The best `limit` neighbours seen so far: a heap whose front is the one to lose its place.
class BestNeighbours {
 public:
  explicit BestNeighbours(size_t limit) : limit_(limit) { heap_.reserve(limit); }

  void offer(const Neighbour& neighbour) {
    if (heap_.size() < limit_) {
      heap_.push_back(neighbour);
      std::ranges::push_heap(heap_, comes_first);
    } else if (comes_first(neighbour, heap_.front())) {
      std::ranges::pop_heap(heap_, comes_first);
      heap_.back() = neighbour;
      std::ranges::push_heap(heap_, comes_first);
    }
  }

  [[nodiscard]] std::vector<Neighbour> take() && { return std::move(heap_); }

 private:
  size_t limit_;
  std::vector<Neighbour> heap_;
};

}  // namespace

struct Index::Matrix {
  size_t embedding_length;
  size_t stride;  ///< floats a row: the length padded with zeros
  face::Metric metric;
  size_t row_count = 0;
  AlignedFloats values;

  [[nodiscard]] std::span<const float> row(size_t number) const {
    return std::span(values).subspan(number * stride, embedding_length);
  }
};

Index::Index(size_t embedding_length, face::Metric metric)
    : matrix_(new Matrix{.embedding_length = embedding_length,
                         .stride = padded(embedding_length),
                         .metric = metric,
                         .values = {}}) {
  CHECK(embedding_length >= 1 && embedding_length <= kMaxLength);
}

Index::~Index() = default;
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;

void Index::reserve(size_t row_count) {
  CHECK(row_count <= kMaxRows);
  matrix_->values.reserve(row_count * matrix_->stride);
}

uint32_t Index::add(std::span<const float> embedding) {
  CHECK(embedding.size() == matrix_->embedding_length);
  CHECK(matrix_->row_count < kMaxRows);
  matrix_->values.insert(matrix_->values.end(), embedding.begin(), embedding.end());
  matrix_->values.resize((matrix_->row_count + 1) * matrix_->stride);
  return static_cast<uint32_t>(matrix_->row_count++);
}

size_t Index::row_count() const {
  return matrix_->row_count;
}
size_t Index::embedding_length() const {
  return matrix_->embedding_length;
}
face::Metric Index::metric() const {
  return matrix_->metric;
}
size_t Index::memory_bytes() const {
  return matrix_->values.capacity() * sizeof(float);
}

std::span<const float> Index::row(uint32_t row) const {
  CHECK(row < matrix_->row_count);
  return matrix_->row(row);
}

std::vector<Neighbour> Index::nearest(std::span<const float> query, size_t count) const {
  CHECK(query.size() == matrix_->embedding_length);
  return std::move(nearest_batch(query, count).front());
}

std::vector<std::vector<Neighbour>> Index::nearest_batch(std::span<const float> queries,
                                                         size_t count) const {
  const Matrix& matrix = *matrix_;
  CHECK(queries.size() % matrix.embedding_length == 0);
  CHECK(count <= kMaxNeighbours);
  const size_t query_count = queries.size() / matrix.embedding_length;
  const auto query = [&](size_t number) {
    return queries.subspan(number * matrix.embedding_length, matrix.embedding_length);
  };

  AlignedFloats padded_queries(query_count * matrix.stride);
  for (size_t number = 0; number < query_count; ++number) {
    std::ranges::copy(query(number), padded_queries.begin() + number * matrix.stride);
  }
  const size_t kept = std::min(count + kSpareNeighbours, matrix.row_count);
  std::vector<BestNeighbours> best(query_count, BestNeighbours(kept));
  std::array<float, kBlockRows> block{};
  for (size_t start = 0; start < matrix.row_count && count > 0; start += kBlockRows) {
    const size_t rows = std::min(kBlockRows, matrix.row_count - start);
    for (size_t number = 0; number < query_count; ++number) {
      internal::similarities(matrix.values.data() + start * matrix.stride, rows, matrix.stride,
                             padded_queries.data() + number * matrix.stride, matrix.metric,
                             block.data());
      for (size_t row = 0; row < rows; ++row) {
        best[number].offer({static_cast<uint32_t>(start + row), block[row]});
      }
    }
  }

  std::vector<std::vector<Neighbour>> found(query_count);
  for (size_t number = 0; number < query_count && count > 0; ++number) {
    found[number] = std::move(best[number]).take();
    for (Neighbour& neighbour : found[number]) {
      neighbour.similarity =
          face::similarity(query(number), matrix.row(neighbour.row), matrix.metric);
    }
    std::ranges::sort(found[number], comes_first);
    if (found[number].size() > count) found[number].resize(count);
  }
  return found;
}

}  // namespace faceforge::search
