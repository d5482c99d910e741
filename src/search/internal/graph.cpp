#include "search/internal/graph.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <compare>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "search/internal/parallel.h"
#include "search/internal/products.h"

namespace faceforge::search::internal {
namespace {

/// Rows in view while a row is linked.
constexpr size_t kLinkBreadth = 96;
/// Links that a new row chooses; others come when rows choose it.
constexpr size_t kChosenLinks = 24;
/// Links that a row keeps when more rows choose it than it has links: pruning is dear, and leaves
/// room for those who come next.
constexpr size_t kKeptLinks = 24;
/// Rows that a walk starts from, spread over all.
constexpr size_t kStarts = 64;
/// Leaders that a walk sets out from.
constexpr size_t kNearLeaders = 32;
/// Where fewer than one in so many rows lead, walks set out from the starts, too.
constexpr size_t kMostRowsOfALeader = 256;
/// Rows linked side by side are a small part of the graph, for they do not see each other.
constexpr size_t kChunkShare = 16;
constexpr size_t kChunkLimit = 4'096;
/// Rows whose codes are asked for ahead of their products: they lie anywhere in memory.
constexpr size_t kAheadRows = 4;

struct Near {
  uint32_t row;
  float closeness;  ///< what ranks like the similarity: q.x, or q.x - |x|^2 / 2
  bool is_expanded = false;
};

void prefetch(const RowStore& rows, size_t row) {
  const int8_t* const codes = rows.codes(row);
  for (size_t byte = 0; byte < rows.stride(); byte += kLine_bytes) {
    __builtin_prefetch(codes + byte);
  }
  __builtin_prefetch(rows.columns().steps.data() + row);
}

/// Compares rows with one query by their codes.
class Closeness {
 public:
  Closeness(const RowStore& rows, const CodedQuery& query)
      : rows_(&rows), codes_{query.codes.data()}, step_(query.step) {}

  float operator()(size_t row) const {
    int32_t product = 0;
    products(rows_->codes(row), 1, rows_->stride(), codes_, &product);
    const float closeness = static_cast<float>(product) * (step_ * rows_->columns().steps[row]);
    return rows_->metric() == face::Metric::L2 ? closeness + rows_->columns().offsets[row]
                                               : closeness;
  }

 private:
  const RowStore* rows_;
  std::array<const int16_t*, 1> codes_;
  float step_;
};

/// A row as a query, by its own codes.
CodedQuery as_query(const RowStore& rows, size_t row) {
  CodedQuery query;
  query.codes.grow(rows.stride());
  std::copy_n(rows.codes(row), rows.stride(), query.codes.data());
  query.step = rows.columns().steps[row];
  return query;
}

/// The rows that a walk has met: open addressing, at most half full.
class RowSet {
 public:
  explicit RowSet(size_t expected_count) : places_(std::bit_ceil(4 * expected_count), kEmpty) {}

  /// Whether the row is new.
  bool insert(uint32_t row) {
    if (2 * ++count_ > places_.size()) grow();
    return place(row);
  }

 private:
  static constexpr uint32_t kEmpty = Graph::kNoRow;

  bool place(uint32_t row) {
    size_t at = (row * 2'654'435'769U) & (places_.size() - 1);
    while (places_[at] != kEmpty) {
      if (places_[at] == row) {
        --count_;
        return false;
      }
      at = (at + 1) & (places_.size() - 1);
    }
    places_[at] = row;
    return true;
  }
  void grow() {
    std::vector<uint32_t> old(places_.size() * 2, kEmpty);
    old.swap(places_);
    for (const uint32_t row : old) {
      if (row != kEmpty) place(row);
    }
  }

  std::vector<uint32_t> places_;
  size_t count_ = 0;
};

/// The nearest rows that a walk has met so far, by falling closeness.
class View {
 public:
  explicit View(size_t breadth) : breadth_(breadth) { nearest_.reserve(breadth + 1); }

  void offer(uint32_t row, float closeness) {
    if (nearest_.size() == breadth_ && !(closeness > nearest_.back().closeness)) return;
    const auto place =
        std::ranges::upper_bound(nearest_, closeness, std::ranges::greater{}, &Near::closeness);
    next_ = std::min(next_, static_cast<size_t>(place - nearest_.begin()));
    nearest_.insert(place, {row, closeness});
    if (nearest_.size() > breadth_) nearest_.pop_back();
  }

  /// The nearest row whose links were not followed yet; nullptr when there is none.
  Near* next() {
    while (next_ < nearest_.size() && nearest_[next_].is_expanded) ++next_;
    return next_ < nearest_.size() ? &nearest_[next_] : nullptr;
  }

  [[nodiscard]] std::vector<Near> take() && { return std::move(nearest_); }

 private:
  size_t breadth_;
  size_t next_ = 0;
  std::vector<Near> nearest_;
};

/// Compares some rows with the query and offers them.
void offer_all(const RowStore& rows, const Closeness& closeness, std::span<const uint32_t> met,
               View& view) {
  for (size_t place = 0; place < std::min(kAheadRows, met.size()); ++place) {
    prefetch(rows, met[place]);
  }
  for (size_t place = 0; place < met.size(); ++place) {
    if (place + kAheadRows < met.size()) prefetch(rows, met[place + kAheadRows]);
    view.offer(met[place], closeness(met[place]));
  }
}

/// The first rows that a walk looks at: spread evenly over those below `end`, and present. Those
/// that `is_new` tells of have no links yet.
template <typename IsNew>
std::vector<uint32_t> starts(const RowStore& rows, size_t end, const IsNew& is_new) {
  std::vector<uint32_t> found;
  size_t next = 0;
  for (size_t start = 0; start < kStarts && next < end; ++start) {
    size_t row = std::max(next, end * start / kStarts);
    while (row < end && (!rows.is_present(row) || is_new(row))) ++row;
    if (row < end) found.push_back(static_cast<uint32_t>(row));
    next = row + 1;
  }
  return found;
}

std::vector<Near> walk(const RowStore& rows, const Column<uint32_t>& links, const CodedQuery& query,
                       size_t breadth, std::span<const uint32_t> from) {
  const Closeness closeness(rows, query);
  RowSet met(breadth * Graph::kLinks / 2 + from.size());
  View view(breadth);
  std::vector<uint32_t> distinct;
  std::ranges::copy_if(from, std::back_inserter(distinct),
                       [&](uint32_t row) { return met.insert(row); });
  offer_all(rows, closeness, distinct, view);
  std::array<uint32_t, Graph::kLinks> unmet;
  while (Near* const nearest = view.next()) {
    nearest->is_expanded = true;
    size_t count = 0;
    const uint32_t* const linked = links.data() + nearest->row * Graph::kLinks;
    for (size_t link = 0; link < Graph::kLinks && linked[link] != Graph::kNoRow; ++link) {
      if (met.insert(linked[link]) && rows.is_present(linked[link])) unmet[count++] = linked[link];
    }
    offer_all(rows, closeness, std::span(unmet).first(count), view);
  }
  return std::move(view).take();
}

Sketch sketch_of_row(const RowStore& rows, size_t row) {
  return sketch_of(std::span(rows.codes(row), rows.length()));
}

/// Leaders near a sketch, from which a walk sets out.
std::vector<uint32_t> near_leaders(const RowStore& rows, const Leaders& leaders,
                                   const Sketch& sketch) {
  std::vector<uint32_t> from = leaders.near(sketch, kNearLeaders);
  std::erase_if(from, [&](uint32_t row) { return !rows.is_present(row); });
  return from;
}

/// What Metric::L2 takes off the closeness of two rows for either of them; 0 with Cosine.
float offset(const RowStore& rows, size_t row) {
  return rows.metric() == face::Metric::L2 ? rows.columns().offsets[row] : 0;
}

/// Whether nothing that was found has a larger cosine with `row`.
bool leads(const RowStore& rows, uint32_t row, const CodedQuery& query, std::span<const Near> found,
           float cosine) {
  const auto other = std::ranges::find_if(found, [&](const Near& near) { return near.row != row; });
  if (other == found.end()) return true;
  const auto product = [&](const CodedQuery& of, uint32_t with) {
    return Closeness(rows, of)(with) - offset(rows, with);
  };
  const float squares = product(query, row) * product(as_query(rows, other->row), other->row);
  return !(product(query, other->row) > cosine * std::sqrt(squares));
}

/// Of rows near `row`, nearest first, keeps those that no kept one is nearer to than `row` is:
/// links into different directions lead further than links into one crowd.
std::vector<uint32_t> prune(const RowStore& rows, uint32_t row, std::span<const Near> near,
                            size_t count) {
  std::vector<uint32_t> kept;
  std::vector<CodedQuery> queries;  // of what is kept
  for (const Near& candidate : near) {
    if (kept.size() == count) break;
    if (candidate.row == row) continue;
    const float to_row = candidate.closeness + offset(rows, row);
    bool is_apart = true;
    for (size_t place = 0; place < kept.size() && is_apart; ++place) {
      const float to_kept = Closeness(rows, queries[place])(candidate.row);
      is_apart = to_kept + offset(rows, kept[place]) <= to_row;
    }
    if (!is_apart) continue;
    kept.push_back(candidate.row);
    queries.push_back(as_query(rows, candidate.row));
  }
  return kept;
}

/// The rows by falling closeness to `row`.
std::vector<Near> sorted_by_closeness(const RowStore& rows, uint32_t row,
                                      std::span<const uint32_t> others) {
  const CodedQuery query = as_query(rows, row);
  const Closeness closeness(rows, query);
  std::vector<Near> near;
  for (const uint32_t other : others) {
    if (other != row && rows.is_present(other)) near.push_back({other, closeness(other)});
  }
  // A total order: a damaged file may hold steps that are no numbers.
  std::ranges::sort(near, [](const Near& a, const Near& b) {
    const auto order = std::strong_order(a.closeness, b.closeness);
    return order != 0 ? order > 0 : a.row < b.row;
  });
  return near;
}

/// Runs `work(place)` for all places below `count` on some threads, a few at a time.
template <typename Work>
void for_each_place(size_t count, size_t thread_count, const Work& work) {
  constexpr size_t kAtATime = 16;
  std::atomic<size_t> next = 0;
  run_parts(std::clamp<size_t>(count / kAtATime, 1, thread_count), [&](size_t) {
    for (size_t first = next.fetch_add(kAtATime); first < count; first = next.fetch_add(kAtATime)) {
      for (size_t place = first; place < std::min(count, first + kAtATime); ++place) work(place);
    }
  });
}

/// Spreads numbers that follow each other: photos of one person are added one after the other, and
/// should not be linked side by side, blind to each other.
uint32_t spread(uint32_t number) {
  number = (number ^ (number >> 16)) * 0x7FEB352DU;
  number = (number ^ (number >> 15)) * 0x846CA68BU;
  return number ^ (number >> 16);
}

}  // namespace

Graph::Graph(float leader_cosine, Leaders leaders, Column<uint32_t> links)
    : links_(std::move(links)), leaders_(std::move(leaders)), leader_cosine_(leader_cosine) {
  CHECK(leader_cosine >= -1 && leader_cosine <= 1);
}

bool Graph::has_few_leaders(size_t row_count) const {
  return leaders_.is_full() ||
         leaders_.rows().size() < std::max(kNearLeaders, row_count / kMostRowsOfALeader);
}

void Graph::set_links(size_t row, std::span<const uint32_t> linked) {
  uint32_t* const links = links_.data() + row * kLinks;
  std::fill(std::ranges::copy(linked, links).out, links + kLinks, kNoRow);
}

void Graph::link(const RowStore& rows, std::span<const uint32_t> added, size_t thread_count) {
  size_t linked_count = rows.row_count() - added.size();
  std::vector<uint32_t> order(added.begin(), added.end());
  std::ranges::sort(order, {}, spread);
  if (links_.size() < rows.row_end() * kLinks) {
    const size_t old_size = links_.size();
    links_.grow(rows.row_end() * kLinks - old_size);
    std::fill(links_.data() + old_size, links_.data() + links_.size(), kNoRow);
  }
  std::vector<bool> is_new(rows.row_end());
  for (const uint32_t row : added) is_new[row] = true;
  // A row whose number was given out again may still lead as another, if its removal was cut off.
  leaders_.remove_if([&](uint32_t row) { return is_new[row]; });
  auto from = starts(rows, rows.row_end(), [&](size_t row) { return is_new[row]; });
  for (size_t first = 0; first < order.size();) {
    const size_t chunk_size = std::min(
        std::clamp<size_t>(linked_count / kChunkShare, 1, kChunkLimit), order.size() - first);
    const auto chunk = std::span(order).subspan(first, chunk_size);
    std::vector<std::vector<uint32_t>> chosen(chunk_size);
    std::vector<uint8_t> is_leader(chunk_size);
    const bool are_few = has_few_leaders(linked_count);
    for_each_place(chunk_size, thread_count, [&](size_t place) {
      const uint32_t row = chunk[place];
      const CodedQuery query = as_query(rows, row);
      auto entrances = near_leaders(rows, leaders_, sketch_of_row(rows, row));
      if (are_few || entrances.empty()) entrances.insert(entrances.end(), from.begin(), from.end());
      const auto found = walk(rows, links_, query, kLinkBreadth, entrances);
      chosen[place] = prune(rows, row, found, kChosenLinks);
      is_leader[place] = leads(rows, row, query, found, leader_cosine_) ? 1 : 0;
    });
    for (size_t place = 0; place < chunk_size; ++place) {
      set_links(chunk[place], chosen[place]);
      if (is_leader[place] != 0) leaders_.add(chunk[place], sketch_of_row(rows, chunk[place]));
    }
    link_back(rows, chunk, thread_count);
    for (const uint32_t row : chunk) {
      if (from.size() < kStarts) from.push_back(row);
    }
    first += chunk_size;
    linked_count += chunk_size;
  }
}

void Graph::link_back(const RowStore& rows, std::span<const uint32_t> chunk, size_t thread_count) {
  std::vector<std::pair<uint32_t, uint32_t>> back;  // from, to
  for (const uint32_t row : chunk) {
    for (const uint32_t linked : links_of(row)) {
      if (linked != kNoRow) back.emplace_back(linked, row);
    }
  }
  std::ranges::sort(back);
  std::vector<size_t> groups;
  for (size_t place = 0; place < back.size(); ++place) {
    if (place == 0 || back[place].first != back[place - 1].first) groups.push_back(place);
  }
  groups.push_back(back.size());
  for_each_place(groups.size() - 1, thread_count, [&](size_t group) {
    const uint32_t from = back[groups[group]].first;
    std::vector<uint32_t> linked;
    for (const uint32_t row : links_of(from)) {
      if (row != kNoRow) linked.push_back(row);
    }
    for (size_t place = groups[group]; place < groups[group + 1]; ++place) {
      const uint32_t to = back[place].second;
      if (std::ranges::count(linked, to) == 0) linked.push_back(to);
    }
    if (linked.size() > kLinks) {
      linked = prune(rows, from, sorted_by_closeness(rows, from, linked), kKeptLinks);
    }
    set_links(from, linked);
  });
}

void Graph::unlink(const RowStore& rows, uint32_t removed) {
  if (removed >= links_.size() / kLinks) return;
  const bool has_led = leaders_.remove(removed);
  std::vector<uint32_t> inherited;
  std::ranges::copy_if(links_of(removed), std::back_inserter(inherited),
                       [](uint32_t row) { return row != kNoRow; });
  if (has_led) hand_over(rows, removed, inherited);
  set_links(removed, {});
  const auto all = links_.span();
  for (auto found = std::ranges::find(all, removed); found != all.end();
       found = std::find(found, all.end(), removed)) {
    const auto row = static_cast<uint32_t>((found - all.begin()) / static_cast<ptrdiff_t>(kLinks));
    std::vector<uint32_t> linked = inherited;
    for (const uint32_t other : links_of(row)) {
      if (other != kNoRow && std::ranges::count(linked, other) == 0) linked.push_back(other);
    }
    std::erase(linked, removed);
    set_links(row, prune(rows, row, sorted_by_closeness(rows, row, linked), kLinks));
  }
}

/// Those whom a leader led need another way in, if any are left.
void Graph::hand_over(const RowStore& rows, uint32_t leader, std::span<const uint32_t> linked) {
  const auto near = sorted_by_closeness(rows, leader, linked);
  if (leads(rows, leader, as_query(rows, leader), near, leader_cosine_)) return;
  const uint32_t nearest = near.front().row;
  if (!leaders_.contains(nearest)) leaders_.add(nearest, sketch_of_row(rows, nearest));
}

std::vector<uint32_t> Graph::near(const RowStore& rows, const CodedQuery& query,
                                  size_t breadth) const {
  auto from = near_leaders(rows, leaders_, sketch_of(query.codes.span().first(rows.length())));
  if (has_few_leaders(rows.row_count()) || from.empty()) {
    std::ranges::copy(starts(rows, links_.size() / kLinks, [](size_t) { return false; }),
                      std::back_inserter(from));
  }
  std::vector<uint32_t> found;
  for (const Near& near : walk(rows, links_, query, breadth, from)) found.push_back(near.row);
  return found;
}

}  // namespace faceforge::search::internal
