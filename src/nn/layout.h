#pragma once

#include <optional>

#include <oneapi/dnnl/dnnl.hpp>

#include "nn/kernels.h"
#include "nn/shape.h"

namespace faceforge::nn {

using Layout = dnnl::memory::desc;

/// The processor as oneDNN knows it; one for the program.
[[nodiscard]] const dnnl::engine& cpu();

/// Row-major numbers. A scalar gets one dimension, for oneDNN knows no scalars.
[[nodiscard]] Layout plain_layout(const Shape& shape,
                                  dnnl::memory::data_type type = dnnl::memory::data_type::f32);

/// As `plain_layout`, with strides of the caller's choice.
[[nodiscard]] Layout strided_layout(const Shape& shape, const Shape& strides,
                                    dnnl::memory::data_type type = dnnl::memory::data_type::f32);

/// Any layout that a primitive likes best.
[[nodiscard]] Layout any_layout(const Shape& shape,
                                dnnl::memory::data_type type = dnnl::memory::data_type::f32);

/// Channels in blocks of `block`; nothing when oneDNN has no such layout for this rank.
[[nodiscard]] std::optional<Layout> blocked_layout(const Shape& shape, int64_t block);

/// Pixels of all their channels, for three dimensions or more.
[[nodiscard]] Layout channels_last_layout(
    const Shape& shape, dnnl::memory::data_type type = dnnl::memory::data_type::f32);

/// Another shape whose channels lie as those of `layout`; nothing when they lie in no such way.
[[nodiscard]] std::optional<Layout> layout_like(const Layout& layout, const Shape& shape);

[[nodiscard]] bool is_plain(const Layout& layout);

/// How the channels lie, for a layout of two dimensions or more; nothing when in no such way.
[[nodiscard]] std::optional<ChannelLayout> channel_layout(const Layout& layout);

}  // namespace faceforge::nn
