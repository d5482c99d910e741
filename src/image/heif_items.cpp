#include "image/internal/heif_items.h"

#include <algorithm>

namespace faceforge::image::internal {
namespace {

constexpr size_t kMaxEntries = 100'000;

/// Takes big-endian numbers off a box; past its end they are 0, and `is_whole` says so.
class Fields {
 public:
  explicit Fields(Bytes bytes) : rest_(bytes) {}

  uint64_t take(size_t byte_count) {
    if (rest_.size() < byte_count) {
      is_whole_ = false;
      rest_ = {};
      return 0;
    }
    const uint64_t value = read_integer(rest_.first(byte_count));
    rest_ = rest_.subspan(byte_count);
    return value;
  }
  uint32_t take_id(bool is_wide) { return static_cast<uint32_t>(take(is_wide ? 4 : 2)); }

  [[nodiscard]] bool is_whole() const { return is_whole_; }
  [[nodiscard]] Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
  bool is_whole_ = true;
};

/// The item of an id, made when it is new.
Result<HeifItem*> item_of(HeifItems& items, uint32_t id) {
  HeifItem& item = items.by_id[id];
  if (items.by_id.size() > kMaxEntries) return senseless("items");
  return &item;
}

/// `iinf`: the type of each item.
Result<void> read_types(Bytes contents, HeifItems& items) {
  Fields info(contents);
  const auto version = info.take(4) >> 24;
  info.take(version == 0 ? 2 : 4);  // how many follow
  Bytes boxes = info.rest();
  while (const auto box = take_box(boxes)) {
    if (box->type != "infe") continue;
    Fields entry(box->contents);
    const auto entry_version = entry.take(4) >> 24;
    const uint32_t id = entry.take_id(entry_version > 2);
    entry.take(2);  // protection
    if (!entry.is_whole()) continue;
    if (items.by_id.contains(id)) return senseless("items");  // the library takes the first
    HeifItem* item = TRY(item_of(items, id));
    if (entry_version < 2 || entry.rest().size() < 4) continue;  // of a time before types
    item->type = as_text(entry.rest().first(4));
  }
  return {};
}

/// `iprp`: which properties belong to which item.
Result<void> read_properties(Bytes contents, HeifItems& items) {
  std::vector<Box> properties;
  Bytes container = contents_of(contents, "ipco");
  while (const auto box = take_box(container)) {
    properties.push_back(*box);
    if (properties.size() > kMaxEntries) return senseless("properties");
  }
  size_t association_count = 0;
  while (const auto box = take_box(contents)) {
    if (box->type != "ipma") continue;
    Fields map(box->contents);
    const uint64_t version_and_flags = map.take(4);
    const bool is_wide = (version_and_flags & 1) != 0;
    for (uint64_t left = map.take(4); left > 0 && map.is_whole(); --left) {
      HeifItem* item = TRY(item_of(items, map.take_id(version_and_flags >> 24 > 0)));
      for (uint64_t count = map.take(1); count > 0; --count) {
        const uint64_t index = map.take(is_wide ? 2 : 1) & (is_wide ? 0x7FFF : 0x7F);
        if (index > 0 && index <= properties.size()) {
          item->properties.push_back(properties[static_cast<size_t>(index) - 1]);
        }
        if (++association_count > kMaxEntries) return senseless("properties");
      }
    }
  }
  return {};
}

/// `iloc`: where each item's data lies.
Result<void> read_places(Bytes contents, Bytes file, Bytes item_data, HeifItems& items) {
  Fields places(contents);
  const auto version = places.take(4) >> 24;
  const auto sizes = places.take(2);
  const auto size_at = [&](int shift) { return static_cast<size_t>(sizes >> shift & 0xF); };
  const size_t index_bytes = version == 0 ? 0 : size_at(0);
  for (size_t bytes : {size_at(12), size_at(8), size_at(4), index_bytes}) {
    if (bytes != 0 && bytes != 4 && bytes != 8) return senseless("places");
  }
  if (version == 1 && index_bytes > 0) return senseless("places");  // the library skips no index
  size_t named_bytes = 0;
  size_t extent_count = 0;
  for (uint64_t left = places.take(version < 2 ? 2 : 4); left > 0 && places.is_whole(); --left) {
    HeifItem* item = TRY(item_of(items, places.take_id(version >= 2)));
    const auto method = version == 0 ? 0 : places.take(2) & 0xF;
    places.take(2);  // which file
    const uint64_t base = places.take(size_at(4));
    for (uint64_t extents = places.take(2); extents > 0 && places.is_whole(); --extents) {
      places.take(index_bytes);
      const uint64_t begin = base + places.take(size_at(12));
      const uint64_t length = places.take(size_at(8));
      if (++extent_count > kMaxEntries) return senseless("places");
      const Bytes whole = method == 0 ? file : method == 1 ? item_data : Bytes();
      const uint64_t available = begin < whole.size() ? whole.size() - begin : 0;
      // The library goes on with other bytes then.
      if (method == 1 && length > available) return senseless("places");
      if (available == 0) continue;
      item->extents.push_back(whole.subspan(
          static_cast<size_t>(begin), static_cast<size_t>(std::min<uint64_t>(length, available))));
      named_bytes += item->extents.back().size();
      if (named_bytes > file.size()) return senseless("places");
    }
  }
  return {};
}

/// `iref`: what is made from what.
Result<void> read_references(Bytes contents, HeifItems& items) {
  Fields header(contents);
  const bool is_wide = header.take(4) >> 24 > 0;
  Bytes boxes = header.rest();
  size_t reference_count = 0;
  while (const auto box = take_box(boxes)) {
    Fields reference(box->contents);
    const uint32_t from = reference.take_id(is_wide);
    for (uint64_t left = reference.take(2); left > 0 && reference.is_whole(); --left) {
      const uint32_t to = reference.take_id(is_wide);
      if (box->type == "dimg") TRY(item_of(items, from))->made_from.push_back(to);
      if (box->type == "auxl") TRY(item_of(items, to))->auxiliaries.push_back(from);
      if (++reference_count > kMaxEntries) return senseless("references");
    }
    // The library goes by what a reference holds, and takes the next one from what is left over.
    if (!reference.is_whole() || !reference.rest().empty()) return senseless("references");
  }
  if (!boxes.empty()) return senseless("references");
  return {};
}

}  // namespace

Result<HeifItems> read_heif_items(Bytes file) {
  HeifItems items;
  const Bytes meta = TRY(meta_boxes(file));
  Fields primary(contents_of(meta, "pitm"));
  const auto version = primary.take(4) >> 24;
  items.primary = primary.take_id(version > 0);
  TRY(read_types(contents_of(meta, "iinf"), items));
  TRY(read_properties(contents_of(meta, "iprp"), items));
  TRY(read_places(contents_of(meta, "iloc"), file, contents_of(meta, "idat"), items));
  TRY(read_references(contents_of(meta, "iref"), items));
  return items;
}

}  // namespace faceforge::image::internal
