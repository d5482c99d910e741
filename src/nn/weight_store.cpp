#include "nn/weight_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "nn/byte_budget.h"
#include "nn/code_room.h"

namespace faceforge::nn {
namespace {

size_t bytes_of(const Constant& constant) {
  return constant.floats.size() * sizeof(float) + constant.bytes.size();
}

/// Whether a layout holds the numbers and nothing computed from them, so that they can be had back.
bool is_mere_order(const Layout& layout) {
  return layout.data.extra.flags == dnnl_memory_extra_flag_none;
}

void reorder(dnnl::memory from, dnnl::memory to) {
  require_room_for_code();
  dnnl::stream stream(cpu());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

}  // namespace

ConstantPtr WeightStore::adopt(ConstantPtr constant) {
  auto key =
      std::make_shared<const Constant>(Constant{.shape = constant->shape, .kind = constant->kind});
  const std::scoped_lock lock(mutex_);
  entries_.emplace(key.get(), Entry{.key = key,
                                    .original = std::move(constant),
                                    .is_adopted = true,
                                    .is_lent = false,
                                    .layouts = {}});
  return key;
}

/// The numbers as `from` says: the original, or computed back from a layout.
WeightStore::Kept WeightStore::source(const Entry& entry, const Layout& from) {
  if (entry.original) {
    const Constant& constant = *entry.original;
    // oneDNN takes sources by a pointer to non-const and does not write to them.
    const bool is_bytes = constant.kind == ElementKind::Signed8;
    void* numbers = is_bytes ? static_cast<void*>(const_cast<int8_t*>(constant.bytes.data()))
                             : const_cast<float*>(constant.floats.data());
    return {from, from, dnnl::memory(from, cpu(), numbers), {}};
  }
  const auto found = std::ranges::find_if(
      entry.layouts, [](const Kept& kept) { return !kept.is_derived && is_mere_order(kept.to); });
  CHECK(found != entry.layouts.end());
  const Kept& known = *found;
  const dnnl::memory original(known.from, cpu());
  reorder(known.memory, original);
  return {from, from, dnnl::memory(from, cpu(), original.get_data_handle()), original};
}

WeightStore::Entry& WeightStore::entry_of(const ConstantPtr& constant) {
  Entry& entry = entries_[constant.get()];
  if (!entry.key) entry.key = entry.original = constant;
  return entry;
}

dnnl::memory WeightStore::get(const ConstantPtr& constant, const Layout& from, const Layout& to) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entry_of(constant);
  for (const Kept& kept : entry.layouts) {
    if (!kept.is_derived && kept.from == from && kept.to == to) return kept.memory;
  }
  Kept made = source(entry, from);
  if (from == to) {
    entry.is_lent = entry.is_lent || entry.original != nullptr;
  } else {
    const dnnl::memory moved(to, cpu());
    reorder(made.memory, moved);
    made = {from, to, moved, {}};
  }
  entry.layouts.push_back(made);
  // Only now, for there may have been no memory to keep the layout.
  const bool is_moved = from != to && is_mere_order(to);
  if (is_moved && entry.is_adopted && !entry.is_lent) entry.original = nullptr;
  return made.memory;
}

Result<dnnl::memory> WeightStore::derive(
    const ConstantPtr& constant, const Layout& from, const Layout& to, bool is_only_form,
    size_t limit_bytes,
    const std::function<void(const float* numbers, std::span<float> to)>& make) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entry_of(constant);
  for (const Kept& kept : entry.layouts) {
    if (kept.is_derived && kept.from == from && kept.to == to) return kept.memory;
  }
  size_t bytes = to.get_size() + (entry.original ? 0 : from.get_size());
  for (const auto& [_, held] : entries_) bytes += held.held_bytes();
  TRY(ByteBudget(limit_bytes).take(bytes));
  const Kept original = source(entry, from);
  const dnnl::memory made(to, cpu());
  make(static_cast<const float*>(original.memory.get_data_handle()),
       {static_cast<float*>(made.get_data_handle()), to.get_size() / sizeof(float)});
  entry.layouts.push_back({from, to, made, {}, true});
  if (entry.is_adopted && !entry.is_lent && is_only_form) entry.original = nullptr;
  return made;
}

size_t WeightStore::Entry::held_bytes() const {
  size_t bytes = is_adopted && original ? bytes_of(*original) : 0;
  for (const Kept& kept : layouts) {
    const bool is_own = kept.is_derived || kept.from != kept.to || kept.holder;
    if (is_own) bytes += kept.to.get_size();
  }
  return bytes;
}

size_t WeightStore::adopted_bytes() const {
  const std::scoped_lock lock(mutex_);
  size_t bytes = 0;
  for (const auto& [_, entry] : entries_) bytes += entry.is_adopted ? entry.held_bytes() : 0;
  return bytes;
}

}  // namespace faceforge::nn
