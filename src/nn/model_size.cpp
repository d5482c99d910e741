#include "nn/model_size.h"

#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>

namespace faceforge::nn {
namespace {

using google::protobuf::io::CodedInputStream;

/// As deep as protobuf itself reads messages within messages.
constexpr int kDepthLimit = 100;

/// What the fields of a message are; a `Part` may be anything, a string too.
enum class Level { Model, Graph, Node, Attribute, Weight, Part };

Level level_of(Level parent, int field) {
  switch (parent) {
    case Level::Model:
      return field == onnx::ModelProto::kGraphFieldNumber ? Level::Graph : Level::Part;
    case Level::Graph:
      if (field == onnx::GraphProto::kNodeFieldNumber) return Level::Node;
      return field == onnx::GraphProto::kInitializerFieldNumber ? Level::Weight : Level::Part;
    case Level::Node:
      return field == onnx::NodeProto::kAttributeFieldNumber ? Level::Attribute : Level::Part;
    case Level::Attribute:
      return field == onnx::AttributeProto::kTFieldNumber ? Level::Weight : Level::Part;
    default:
      return Level::Part;
  }
}

/// How many bytes a byte of a weight's numbers becomes; 0 for its other fields.
size_t growth_of(int field) {
  using Tensor = onnx::TensorProto;
  switch (field) {
    case Tensor::kRawDataFieldNumber:
    case Tensor::kFloatDataFieldNumber:
    case Tensor::kDoubleDataFieldNumber:
      return 1;
    case Tensor::kInt32DataFieldNumber:
      return sizeof(int32_t);
    case Tensor::kInt64DataFieldNumber:
    case Tensor::kUint64DataFieldNumber:
      return sizeof(int64_t);
    default:
      return 0;
  }
}

class Walk {
 public:
  ModelSize size;

  /// False when these bytes are no message.
  bool message(std::span<const uint8_t> bytes, Level level, int depth) {
    if (depth > kDepthLimit) return false;
    CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
    while (const uint32_t tag = stream.ReadTag()) {
      const auto field = static_cast<int>(tag >> 3);
      if (level != Level::Part) size.structure_bytes += 2;
      if ((tag & 7U) != 2) {
        if (!number(stream, tag & 7U)) return false;
        if (level != Level::Part) size.structure_bytes += 8;
        continue;
      }
      int length = 0;
      if (!stream.ReadVarintSizeAsInt(&length)) return false;
      const auto at = static_cast<size_t>(stream.CurrentPosition());
      if (static_cast<size_t>(length) > bytes.size() - at) return false;
      if (!part(bytes.subspan(at, static_cast<size_t>(length)), level, field, depth)) return false;
      stream.Skip(length);
    }
    return stream.ConsumedEntireMessage();
  }

 private:
  bool part(std::span<const uint8_t> bytes, Level parent, int field, int depth) {
    ++size.part_count;
    const size_t growth = parent == Level::Weight ? growth_of(field) : 0;
    if (growth > 0) {
      size.weight_bytes += growth * bytes.size();
      return true;
    }
    const Level level = level_of(parent, field);
    if (level == Level::Node) ++size.node_count;
    if (level != Level::Part) return message(bytes, level, depth + 1);
    if (parent != Level::Part) size.structure_bytes += bytes.size();
    (void)message(bytes, level, depth + 1);  // where it is none, it was a string
    return true;
  }

  static bool number(CodedInputStream& stream, uint32_t wire_type) {
    uint64_t ignored = 0;
    switch (wire_type) {
      case 0:
        return stream.ReadVarint64(&ignored);
      case 1:
        return stream.Skip(8);
      case 5:
        return stream.Skip(4);
      default:
        return false;  // groups are in no version of ONNX
    }
  }
};

}  // namespace

std::optional<ModelSize> measure_model(std::span<const std::byte> bytes) {
  Walk walk;
  const auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
  if (!walk.message({first, bytes.size()}, Level::Model, 0)) return std::nullopt;
  return walk.size;
}

}  // namespace faceforge::nn
