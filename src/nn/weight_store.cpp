#include "nn/weight_store.h"

#include "nn/code_room.h"

namespace faceforge::nn {

dnnl::memory WeightStore::get(const ConstantPtr& constant, const Layout& from, const Layout& to) {
  const std::scoped_lock lock(mutex_);
  Entry& entry = entries_[constant.get()];
  entry.constant = constant;
  for (const Kept& kept : entry.layouts) {
    if (kept.from == from && kept.to == to) return kept.memory;
  }
  // oneDNN takes sources by a pointer to non-const and does not write to them.
  const bool is_bytes = constant->kind == ElementKind::Signed8;
  void* numbers = is_bytes ? static_cast<void*>(const_cast<int8_t*>(constant->bytes.data()))
                           : const_cast<float*>(constant->floats.data());
  dnnl::memory source(from, cpu(), numbers);
  dnnl::memory memory = source;
  if (from != to) {
    memory = dnnl::memory(to, cpu());
    require_room_for_code();
    dnnl::stream stream(cpu());
    dnnl::reorder(source, memory).execute(stream, source, memory);
    stream.wait();
  }
  entry.layouts.push_back({from, to, memory});
  return memory;
}

}  // namespace faceforge::nn
