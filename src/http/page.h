#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "gallery/galleries.h"
#include "http/target.h"

namespace faceforge::http {

/// A part of a list, and where the next one begins: the key of the last item, so that items that
/// come and go between two requests neither repeat nor hide others.
template <typename Item>
struct Page {
  std::span<const Item> items;
  json::value next_cursor;  ///< a string; null on the last page
};

inline constexpr int64_t kDefaultPageSize = 50;
inline constexpr int64_t kMaxPageSize = 200;

namespace detail {

inline Result<std::string> key_from(std::string_view cursor, std::type_identity<std::string>) {
  return std::string(cursor);
}

inline Result<int64_t> key_from(std::string_view cursor, std::type_identity<int64_t>) {
  int64_t key = 0;
  const auto [end, error] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), key);
  if (error != std::errc{} || end != cursor.data() + cursor.size()) {
    return fail(ErrorCode::InvalidInput, "cursor_invalid",
                "cursor must be the next_cursor of an earlier answer");
  }
  return key;
}

inline std::string cursor_of(const std::string& key) {
  return key;
}
inline std::string cursor_of(int64_t key) {
  return std::to_string(key);
}

}  // namespace detail

/// Takes a page out of a list as `limit` and `cursor` of the query say.
///
/// in:    `items` ordered by their keys as `precedes` orders them (std::less or std::greater);
///        they must outlive the page. `key_of` gives an item's key, text or int64_t.
/// fails: invalid_input/query_parameter_invalid, query_parameter_unknown, cursor_invalid
template <typename Item, typename KeyOf, typename Precedes>
[[nodiscard]] Result<Page<Item>> page_of(const std::vector<Item>& items, const Query& query,
                                         KeyOf key_of, Precedes precedes) {
  using Key = std::remove_cvref_t<std::invoke_result_t<KeyOf, const Item&>>;
  TRY(query.allow({"limit", "cursor"}));
  const auto limit = TRY(query.integer("limit", 1, kMaxPageSize)).value_or(kDefaultPageSize);
  auto begin = items.begin();
  if (const auto cursor = query.text("cursor")) {
    const Key last = TRY(detail::key_from(*cursor, std::type_identity<Key>{}));
    begin = std::ranges::upper_bound(items, last, precedes, key_of);
  }
  const auto remaining = static_cast<size_t>(items.end() - begin);
  const size_t count = std::min(remaining, static_cast<size_t>(limit));
  Page<Item> page{.items = std::span(begin, count), .next_cursor = nullptr};
  if (count < remaining)
    page.next_cursor = detail::cursor_of(std::invoke(key_of, page.items.back()));
  return page;
}

/// What is to be read for the page that `limit` and `cursor` of the query ask for: one item more
/// than it holds, so that it is known whether another page follows. The query may have more.
///
/// fails: invalid_input/query_parameter_invalid, cursor_invalid
template <typename Key>
[[nodiscard]] Result<gallery::Part<Key>> part_within(const Query& query) {
  const auto limit = TRY(query.integer("limit", 1, kMaxPageSize)).value_or(kDefaultPageSize);
  gallery::Part<Key> part{.limit = limit + 1};
  if (const auto cursor = query.text("cursor")) {
    part.after = TRY(detail::key_from(*cursor, std::type_identity<Key>{}));
  }
  return part;
}

/// As part_within, of a query that has nothing else.
///
/// fails: as part_within; invalid_input/query_parameter_unknown
template <typename Key>
[[nodiscard]] Result<gallery::Part<Key>> part_of(const Query& query) {
  TRY(query.allow({"limit", "cursor"}));
  return part_within<Key>(query);
}

/// The page of what was read for `part`.
///
/// in: `items` must outlive the page; `key_of` gives an item's key
template <typename Item, typename Key, typename KeyOf>
[[nodiscard]] Page<Item> page_of(const std::vector<Item>& items, const gallery::Part<Key>& part,
                                 KeyOf key_of) {
  const size_t count = std::min(items.size(), static_cast<size_t>(part.limit - 1));
  Page<Item> page{.items = std::span(items).first(count), .next_cursor = nullptr};
  if (count < items.size()) {
    page.next_cursor = detail::cursor_of(Key(std::invoke(key_of, page.items.back())));
  }
  return page;
}

/// `{"NAME": [..], "next_cursor": ..}`
template <typename Item, typename Writer>
[[nodiscard]] json::object page_json(std::string_view name, const Page<Item>& page, Writer write) {
  json::array written;
  for (const Item& item : page.items) written.emplace_back(write(item));
  return {{name, std::move(written)}, {"next_cursor", page.next_cursor}};
}

}  // namespace faceforge::http
