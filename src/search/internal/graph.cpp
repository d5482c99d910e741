#include "search/internal/graph.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include <usearch/index.hpp>

#include "search/internal/parallel.h"
#include "search/internal/products.h"

namespace faceforge::search::internal {
namespace {

namespace usearch = unum::usearch;

/// Links of a row at the upper levels; twice as many at the lowest.
constexpr size_t kConnectivity = 16;
/// Rows in view while a row is linked.
constexpr size_t kLinkBreadth = 128;

using Links = usearch::index_gt<float, uint64_t, uint32_t>;

constexpr uint32_t kNoSlot = std::numeric_limits<uint32_t>::max();

/// Distances as the graph asks for them, by codes: half the squared distance, or minus the product.
class Distance {
 public:
  Distance(const RowStore& rows, const std::vector<uint32_t>& row_of_slot)
      : rows_(&rows), row_of_slot_(&row_of_slot) {}

  /// Of a row that is being linked.
  float operator()(uint32_t row, const Links::member_citerator_t& entry) const {
    return between(row, row_of(entry));
  }
  float operator()(const CodedQuery* query, const Links::member_citerator_t& entry) const {
    const size_t row = row_of(entry);
    int32_t product = 0;
    products(rows_->codes(row), 1, rows_->stride(), query->codes.data(), &product);
    return -static_cast<float>(product) * (query->step * rows_->columns().steps[row]) - offset(row);
  }
  float operator()(const Links::member_citerator_t& first,
                   const Links::member_citerator_t& second) const {
    return between(row_of(first), row_of(second));
  }

  [[nodiscard]] size_t row_of(const Links::member_citerator_t& entry) const {
    return (*row_of_slot_)[get_slot(entry)];
  }

 private:
  [[nodiscard]] float offset(size_t row) const {
    return rows_->metric() == face::Metric::L2 ? rows_->columns().offsets[row] : 0;
  }
  [[nodiscard]] float between(size_t first, size_t second) const {
    const int32_t product =
        code_product(rows_->codes(first), rows_->codes(second), rows_->stride());
    return -static_cast<float>(product) *
               (rows_->columns().steps[first] * rows_->columns().steps[second]) -
           offset(first) - offset(second);
  }

  const RowStore* rows_;
  const std::vector<uint32_t>* row_of_slot_;
};

/// Asks for the codes of rows that are about to be compared: they lie anywhere in memory.
class Prefetch {
 public:
  Prefetch(const RowStore& rows, const std::vector<uint32_t>& row_of_slot)
      : rows_(&rows), row_of_slot_(&row_of_slot) {}

  template <typename Iterator>
  void operator()(Iterator entry, const Iterator& end) const {
    for (; entry != end; ++entry) {
      const size_t slot = slot_of(entry);
      const int8_t* const codes = rows_->codes((*row_of_slot_)[slot]);
      for (size_t byte = 0; byte < rows_->stride(); byte += kLine_bytes) {
        __builtin_prefetch(codes + byte);
      }
    }
  }

 private:
  template <typename Iterator>
  static size_t slot_of(const Iterator& entry) {
    return get_slot(entry);
  }

  const RowStore* rows_;
  const std::vector<uint32_t>* row_of_slot_;
};

Unexpected out_of_memory() {
  return fail(ErrorCode::Exhausted, "out_of_memory", "not enough memory for the search graph");
}

Unexpected damaged(std::string_view what) {
  return fail(ErrorCode::Corrupt, "search_file_damaged", "the search graph is damaged: {}", what);
}

}  // namespace

struct Graph::Parts {
  explicit Parts(size_t threads) : thread_count(threads) {
    for (size_t thread = 0; thread < threads; ++thread) free_threads.push_back(thread);
  }

  [[nodiscard]] Result<void> link_one(const RowStore& rows, uint32_t row, size_t thread);
  [[nodiscard]] bool reserve(size_t slot_count);
  void number_slots();

  size_t thread_count;
  Links links{usearch::index_config_t(kConnectivity)};
  std::vector<uint32_t> row_of_slot;
  std::vector<uint32_t> slot_of_row;  ///< kNoSlot for a row that was never linked
  std::span<std::byte> viewed;        ///< the saved links

  std::mutex mutex;
  std::condition_variable freed;
  std::vector<size_t> free_threads;  ///< of USearch's scratch memory, guarded by `mutex`
};

Graph::Graph(size_t thread_count) : parts_(std::make_unique<Parts>(thread_count)) {}
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

size_t Graph::memory_bytes() const {
  const size_t own_links =
      parts_->links.is_immutable() ? 0 : parts_->links.memory_usage(sizeof(void*));
  return own_links +
         (parts_->row_of_slot.capacity() + parts_->slot_of_row.capacity()) * sizeof(uint32_t);
}

bool Graph::Parts::reserve(size_t slot_count) {
  if (slot_count <= row_of_slot.size()) return true;
  const size_t capacity = std::max(slot_count, row_of_slot.size() + row_of_slot.size() / 2);
  if (!links.reserve(usearch::index_limits_t(capacity, thread_count))) return false;
  row_of_slot.resize(capacity, 0);
  return true;
}

void Graph::Parts::number_slots() {
  slot_of_row.clear();
  for (size_t slot = 0; slot < links.size(); ++slot) {
    const uint32_t row = row_of_slot[slot];
    if (row >= slot_of_row.size()) slot_of_row.resize(row + 1, kNoSlot);
    slot_of_row[row] = static_cast<uint32_t>(slot);
  }
}

Result<void> Graph::Parts::link_one(const RowStore& rows, uint32_t row, size_t thread) {
  const Distance distance(rows, row_of_slot);
  const Prefetch prefetch(rows, row_of_slot);
  usearch::index_update_config_t config;
  config.expansion = kLinkBreadth;
  config.thread = thread;
  if (slot_of_row[row] != kNoSlot) {
    auto updated = links.update(links.iterator_at(slot_of_row[row]), row, row, distance, config,
                                usearch::dummy_callback_t{}, prefetch);
    if (!updated) return updated.error.release(), out_of_memory();
    return {};
  }
  // Known before anything links to it.
  const auto note = [&](const Links::member_ref_t& member) {
    row_of_slot[member.slot] = row;
    slot_of_row[row] = static_cast<uint32_t>(member.slot);
  };
  auto added = links.add(row, row, distance, config, note, prefetch);
  if (!added) return added.error.release(), out_of_memory();
  return {};
}

Result<void> Graph::link(const RowStore& rows, std::span<const uint32_t> added,
                         size_t thread_count) {
  TRY(own());
  Parts& parts = *parts_;
  if (parts.slot_of_row.size() < rows.row_end()) parts.slot_of_row.resize(rows.row_end(), kNoSlot);
  if (!parts.reserve(parts.links.size() + added.size())) return out_of_memory();
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  run_parts(std::min({thread_count, parts.thread_count, std::max<size_t>(added.size(), 1)}),
            [&](size_t thread) {
              for (size_t place = next++; place < added.size() && !failed; place = next++) {
                if (!parts.link_one(rows, added[place], thread)) failed = true;
              }
            });
  if (failed) return out_of_memory();
  return {};
}

Result<std::vector<uint32_t>> Graph::near(const RowStore& rows, std::span<const float> query,
                                          size_t breadth) const {
  Parts& parts = *parts_;
  size_t thread = 0;
  {
    std::unique_lock lock(parts.mutex);
    parts.freed.wait(lock, [&] { return !parts.free_threads.empty(); });
    thread = parts.free_threads.back();
    parts.free_threads.pop_back();
  }
  std::vector<uint32_t> found;
  const CodedQuery coded = rows.code(query);
  usearch::index_search_config_t config;
  config.expansion = breadth;
  config.thread = thread;
  const auto is_present = [&](const Links::member_cref_t& member) {
    return rows.is_present(parts.row_of_slot[member.slot]);
  };
  auto near = parts.links.search(&coded, breadth, Distance(rows, parts.row_of_slot), config,
                                 is_present, Prefetch(rows, parts.row_of_slot));
  const bool failed = static_cast<bool>(near.error);
  near.error.release();
  for (size_t place = 0; place < near.size() && !failed; ++place) {
    found.push_back(parts.row_of_slot[near[place].member.slot]);
  }
  {
    const std::scoped_lock lock(parts.mutex);
    parts.free_threads.push_back(thread);
  }
  parts.freed.notify_one();
  if (failed) return out_of_memory();
  return found;
}

Result<void> Graph::save(const Write& write) const {
  const Parts& parts = *parts_;
  const uint64_t slot_count = parts.links.size();
  TRY(write(std::as_bytes(std::span(&slot_count, 1))));
  TRY(write(std::as_bytes(std::span(parts.row_of_slot).first(slot_count))));
  Result<void> written;
  auto saved = parts.links.save_to_stream([&](const void* bytes, size_t count) {
    written = write({static_cast<const std::byte*>(bytes), count});
    return written.has_value();
  });
  saved.error.release();
  return written;
}

Result<void> Graph::view(std::span<std::byte> bytes) {
  Parts& parts = *parts_;
  uint64_t slot_count = 0;
  if (bytes.size() < sizeof(slot_count)) return damaged("it is cut short");
  std::memcpy(&slot_count, bytes.data(), sizeof(slot_count));
  bytes = bytes.subspan(sizeof(slot_count));
  if (bytes.size() / sizeof(uint32_t) < slot_count) return damaged("it is cut short");
  parts.row_of_slot.resize(slot_count);
  std::memcpy(parts.row_of_slot.data(), bytes.data(), slot_count * sizeof(uint32_t));
  parts.viewed = bytes.subspan(slot_count * sizeof(uint32_t));
  // Scratch memory is made for so many threads when the nodes are known.
  (void)parts.links.reserve(usearch::index_limits_t(0, parts.thread_count));
  auto viewed = parts.links.view(usearch::memory_mapped_file_t(
      reinterpret_cast<char*>(parts.viewed.data()), parts.viewed.size()));
  const bool is_whole = !viewed.error && parts.links.size() == slot_count;
  viewed.error.release();
  if (!is_whole) return damaged("its parts do not fit each other");
  parts.number_slots();
  return {};
}

Result<void> Graph::own() {
  Parts& parts = *parts_;
  if (!parts.links.is_immutable()) return {};
  Links copy{usearch::index_config_t(kConnectivity)};
  (void)copy.reserve(usearch::index_limits_t(0, parts.thread_count));
  auto loaded = copy.load(usearch::memory_mapped_file_t(
      reinterpret_cast<char*>(parts.viewed.data()), parts.viewed.size()));
  const bool is_loaded = !loaded.error;
  loaded.error.release();
  if (!is_loaded) return out_of_memory();
  parts.links = std::move(copy);
  parts.viewed = {};
  return {};
}

}  // namespace faceforge::search::internal
