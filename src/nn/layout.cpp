#include "nn/layout.h"

#include <algorithm>
#include <utility>

namespace faceforge::nn {
namespace {

using Tag = dnnl::memory::format_tag;

Shape with_one_dimension(const Shape& shape) {
  return shape.empty() ? Shape{1} : shape;
}

/// Strides of dimensions of one element mean nothing, and oneDNN fills them in as it likes.
bool has_strides(const dnnl_memory_desc_t& desc, const Shape& strides) {
  for (int axis = 0; axis < desc.ndims; ++axis) {
    if (desc.padded_dims[axis] > 1 &&
        desc.format_desc.blocking.strides[axis] != strides[static_cast<size_t>(axis)]) {
      return false;
    }
  }
  return true;
}

bool is_dense_blocking(const dnnl_memory_desc_t& desc) {
  return desc.format_kind == dnnl_blocked && desc.offset0 == 0 &&
         desc.extra.flags == dnnl_memory_extra_flag_none &&
         std::all_of(desc.padded_offsets, desc.padded_offsets + desc.ndims,
                     [](dnnl_dim_t offset) { return offset == 0; });
}

Shape dimensions(const dnnl_memory_desc_t& desc) {
  return {desc.dims, desc.dims + desc.ndims};
}

}  // namespace

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

Layout plain_layout(const Shape& shape, dnnl::memory::data_type type) {
  const Shape dims = with_one_dimension(shape);
  return strided_layout(dims, row_major_strides(dims), type);
}

Layout strided_layout(const Shape& shape, const Shape& strides, dnnl::memory::data_type type) {
  return Layout(shape, type, strides);
}

Layout any_layout(const Shape& shape, dnnl::memory::data_type type) {
  return Layout(with_one_dimension(shape), type, Tag::any);
}

std::optional<Layout> blocked_layout(const Shape& shape, int64_t block) {
  constexpr Tag kTags[3][3] = {{Tag::aBc4b, Tag::aBc8b, Tag::aBc16b},
                               {Tag::aBcd4b, Tag::aBcd8b, Tag::aBcd16b},
                               {Tag::aBcde4b, Tag::aBcde8b, Tag::aBcde16b}};
  if (shape.size() < 3 || shape.size() > 5) return std::nullopt;
  if (block != 4 && block != 8 && block != 16) return std::nullopt;
  const size_t column = block == 4 ? 0 : block == 8 ? 1 : 2;
  return Layout(shape, dnnl::memory::data_type::f32, kTags[shape.size() - 3][column]);
}

Layout channels_last_layout(const Shape& shape, dnnl::memory::data_type type) {
  Shape strides(shape.size());
  int64_t stride = shape[1];
  for (size_t axis = shape.size(); axis-- > 2;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  strides[1] = 1;
  strides[0] = stride;
  return strided_layout(shape, strides, type);
}

bool is_plain(const Layout& layout) {
  const dnnl_memory_desc_t& desc = layout.data;
  return is_dense_blocking(desc) && desc.format_desc.blocking.inner_nblks == 0 &&
         has_strides(desc, row_major_strides(dimensions(desc)));
}

std::optional<Layout> layout_like(const Layout& layout, const Shape& shape) {
  if (is_plain(layout)) return plain_layout(shape);
  const auto channels = channel_layout(layout);
  if (!channels || shape.size() < 3) return std::nullopt;
  const bool is_blocked = layout.data.format_desc.blocking.inner_nblks > 0;
  return is_blocked ? blocked_layout(shape, channels->block) : channels_last_layout(shape);
}

std::optional<ChannelLayout> channel_layout(const Layout& layout) {
  const dnnl_memory_desc_t& desc = layout.data;
  if (!is_dense_blocking(desc) || desc.ndims < 2) return std::nullopt;
  const Shape dims = dimensions(desc);
  ChannelLayout channels{.batch = dims[0], .block_count = dims[1]};
  for (size_t axis = 2; axis < dims.size(); ++axis) channels.pixels *= dims[axis];
  if (is_plain(layout)) {
    // Without pixels the channels are contiguous: one block of them all is quicker to walk.
    if (channels.pixels == 1) std::swap(channels.block_count, channels.block);
    return channels;
  }
  const auto& blocking = desc.format_desc.blocking;
  if (blocking.inner_nblks == 1 && blocking.inner_idxs[0] == 1) {
    channels.block = blocking.inner_blks[0];
    channels.block_count = desc.padded_dims[1] / channels.block;
  } else if (blocking.inner_nblks == 0 &&
             dims == Shape(desc.padded_dims, desc.padded_dims + desc.ndims)) {
    channels.block = dims[1];
    channels.block_count = 1;
  } else {
    return std::nullopt;
  }
  // The only strides that [batch][block_count][pixels][block] allows; the channels' own stride is
  // that between blocks.
  Shape strides(dims.size());
  int64_t stride = channels.block;
  for (size_t axis = dims.size(); axis-- > 2;) {
    strides[axis] = stride;
    stride *= dims[axis];
  }
  strides[1] = channels.block_count == 1 && blocking.inner_nblks == 0 ? 1 : stride;
  strides[0] = channels.block_count * channels.pixels * channels.block;
  const bool one_block = blocking.inner_nblks == 1 && channels.block_count == 1;
  if (one_block) strides[1] = blocking.strides[1];
  if (!has_strides(desc, strides)) return std::nullopt;
  return channels;
}

}  // namespace faceforge::nn
