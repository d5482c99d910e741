#include "nn/onnx_tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include <onnx/onnx_pb.h>

#include "nn/half.h"
#include "nn/onnx_names.h"

static_assert(std::endian::native == std::endian::little, "ONNX stores raw tensors little-endian");

namespace faceforge::nn {
namespace {

using onnx::TensorProto;

size_t element_bytes(int32_t type) {
  switch (type) {
    case TensorProto::BOOL:
    case TensorProto::INT8:
    case TensorProto::UINT8:
      return 1;
    case TensorProto::FLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16:
      return 2;
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 4;
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64:
      return 8;
    default:
      return 0;
  }
}

template <typename Stored>
Stored stored_at(std::string_view raw, size_t index) {
  Stored value;
  std::memcpy(&value, raw.data() + index * sizeof(Stored), sizeof(Stored));
  return value;
}

template <typename Stored, typename Target>
void widen(std::string_view raw, std::vector<Target>& out) {
  for (size_t index = 0; index < out.size(); ++index) {
    out[index] = static_cast<Target>(stored_at<Stored>(raw, index));
  }
}

void read_raw(int32_t type, std::string_view raw, size_t count, Constant& out) {
  if (out.kind == ElementKind::Float) {
    out.floats.resize(count);
    if (count == 0) return;  // memcpy takes no null, not even for nothing (an empty Resize operand)
    if (type == TensorProto::FLOAT) {
      // An empty tensor has no memory to copy to, which memcpy must not be told.
      if (count > 0) std::memcpy(out.floats.data(), raw.data(), count * sizeof(float));
    } else if (type == TensorProto::DOUBLE) {
      widen<double>(raw, out.floats);
    } else {
      for (size_t index = 0; index < count; ++index) {
        out.floats[index] = from_half(stored_at<uint16_t>(raw, index));
      }
    }
    return;
  }
  if (out.kind == ElementKind::Signed8) {
    const auto* first = reinterpret_cast<const int8_t*>(raw.data());
    out.bytes.assign(first, first + count);
    return;
  }
  out.integers.resize(count);
  switch (type) {
    case TensorProto::BOOL:
    case TensorProto::UINT8:
      return widen<uint8_t>(raw, out.integers);
    case TensorProto::INT16:
      return widen<int16_t>(raw, out.integers);
    case TensorProto::UINT16:
      return widen<uint16_t>(raw, out.integers);
    case TensorProto::INT32:
      return widen<int32_t>(raw, out.integers);
    case TensorProto::UINT32:
      return widen<uint32_t>(raw, out.integers);
    default:
      return widen<int64_t>(raw, out.integers);
  }
}

Unexpected outside_file(const TensorProto& proto, std::string_view why) {
  return fail(ErrorCode::Corrupt, "tensor_outside_file", "tensor {}: {}", quoted_name(proto.name()),
              why);
}

/// The typed lists that ONNX allows in place of raw bytes.
Result<void> read_typed(const TensorProto& proto, size_t count, Constant& out) {
  const auto copy = [&](const auto& list, auto& target, auto convert) -> Result<void> {
    if (static_cast<size_t>(list.size()) != count) {
      return outside_file(proto, fmt::format("{} values stored, {} wanted", list.size(), count));
    }
    target.reserve(count);
    for (const auto value : list) target.push_back(convert(value));
    return {};
  };
  const auto to_float = [](auto value) { return static_cast<float>(value); };
  const auto to_integer = [](auto value) { return static_cast<int64_t>(value); };
  switch (proto.data_type()) {
    case TensorProto::FLOAT:
      return copy(proto.float_data(), out.floats, to_float);
    case TensorProto::DOUBLE:
      return copy(proto.double_data(), out.floats, to_float);
    case TensorProto::FLOAT16:
      return copy(proto.int32_data(), out.floats,
                  [](int32_t bits) { return from_half(static_cast<uint16_t>(bits)); });
    case TensorProto::INT64:
      return copy(proto.int64_data(), out.integers, to_integer);
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return copy(proto.uint64_data(), out.integers, to_integer);
    case TensorProto::INT8:
      return copy(proto.int32_data(), out.bytes,
                  [](int32_t value) { return static_cast<int8_t>(value); });
    default:
      return copy(proto.int32_data(), out.integers, to_integer);
  }
}

}  // namespace

Result<ConstantPtr> read_tensor(const TensorProto& proto, const LoadLimits& limits,
                                ByteBudget& budget) {
  // A file beside the model would escape what checks the model: its size, and the hash that an
  // embedding's ModelId is.
  if (proto.data_location() == TensorProto::EXTERNAL) {
    return fail(ErrorCode::Unsupported, "external_data_unsupported",
                "tensor {} lies outside the model's file; save the model with its weights inside",
                quoted_name(proto.name()));
  }
  const int32_t type = proto.data_type();
  const size_t bytes_each = element_bytes(type);
  if (bytes_each == 0) {
    return fail(ErrorCode::Unsupported, "tensor_type_unsupported", "tensor {} has ONNX type {}",
                quoted_name(proto.name()), type);
  }
  auto constant = std::make_shared<Constant>();
  constant->shape.assign(proto.dims().begin(), proto.dims().end());
  const bool is_float =
      type == TensorProto::FLOAT || type == TensorProto::DOUBLE || type == TensorProto::FLOAT16;
  constant->kind = is_float                    ? ElementKind::Float
                   : type == TensorProto::INT8 ? ElementKind::Signed8
                                               : ElementKind::Integer;
  const size_t count = TRY(checked_element_count(constant->shape, limits.elements_per_tensor));
  const size_t byte_count = count * bytes_each;
  TRY(budget.take(count * bytes_each_of(constant->kind)));

  if (proto.has_raw_data()) {
    if (proto.raw_data().size() != byte_count) {
      return outside_file(
          proto, fmt::format("{} bytes stored, {} wanted", proto.raw_data().size(), byte_count));
    }
    read_raw(type, proto.raw_data(), count, *constant);
  } else if (auto read = read_typed(proto, count, *constant); !read) {
    return Unexpected(std::move(read).error());
  }
  // Infinities are legitimate as open bounds of a Clip; a NaN would silently spread to every face.
  for (const float value : constant->floats) {
    if (std::isnan(value)) {
      return fail(ErrorCode::Corrupt, "weight_not_finite",
                  "tensor {} holds a value that is not a "
                  "number",
                  quoted_name(proto.name()));
    }
  }
  return constant;
}

}  // namespace faceforge::nn
