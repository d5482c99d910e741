#include "packs/npm_weights.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"

namespace faceforge::packs {
namespace {

static_assert(std::endian::native == std::endian::little, "the weights file is little endian");

constexpr size_t kManifestLimit_bytes = size_t{4} << 20;
constexpr size_t kWeightsLimit_bytes = size_t{256} << 20;  // as float32
constexpr size_t kEntryLimit = 10'000;
constexpr size_t kRankLimit = 8;

Unexpected malformed(size_t entry_index, std::string_view what) {
  return fail(ErrorCode::InvalidInput, "weights_manifest_malformed",
              "entry {} of the weights manifest {}", entry_index, what);
}

enum class ElementType { Float32, Int32 };

/// One byte an element instead of four: value = q * scale + min.
struct Quantization {
  double scale = 1;
  double min = 0;
};

struct Entry {
  std::string name;
  std::vector<int64_t> shape = {};
  size_t element_count = 1;
  ElementType type = ElementType::Float32;
  std::optional<Quantization> quantization = {};

  [[nodiscard]] size_t size_bytes() const { return element_count * (quantization ? 1 : 4); }
};

Result<Quantization> parse_quantization(const json::object& from, const std::string& tensor) {
  const std::string type = TRY(json::string_field(from, "dtype"));
  if (type != "uint8") {
    return fail(ErrorCode::Unsupported, "weights_type_unsupported",
                "{}: weights quantized as {}; only uint8 is supported", tensor, type);
  }
  const double scale = TRY(json::number_field(from, "scale"));
  const double min = TRY(json::number_field(from, "min"));
  return Quantization{.scale = scale, .min = min};
}

Result<void> parse_shape(const json::array& dimensions, size_t entry_index, Entry& entry) {
  if (dimensions.size() > kRankLimit) return malformed(entry_index, "has more than 8 dimensions");
  for (const auto& dimension : dimensions) {
    if (!dimension.is_int64() || dimension.as_int64() < 1) {
      return malformed(entry_index, "has a dimension that is no positive integer");
    }
    const int64_t length = dimension.as_int64();
    // Compared by division: the product of foreign numbers may not fit.
    if (std::cmp_greater(length, kWeightsLimit_bytes / 4 / entry.element_count)) {
      return fail(ErrorCode::TooLarge, "weights_too_large",
                  "{}: more than the limit of {} bytes of weights", entry.name,
                  kWeightsLimit_bytes);
    }
    entry.shape.push_back(length);
    entry.element_count *= static_cast<size_t>(length);
  }
  return {};
}

Result<Entry> parse_entry(const json::value& from, size_t entry_index) {
  const json::object* object = from.if_object();
  if (object == nullptr) return malformed(entry_index, "is no object");
  const auto name = json::string_field(*object, "name");
  if (!name) return malformed(entry_index, name.error().message);
  Entry entry{.name = *name};
  const auto shape = json::array_field(*object, "shape");
  if (!shape) return malformed(entry_index, shape.error().message);
  TRY(parse_shape(*shape, entry_index, entry));
  const auto type = json::string_field(*object, "dtype");
  if (!type) return malformed(entry_index, type.error().message);
  if (*type == "int32") {
    entry.type = ElementType::Int32;
  } else if (*type != "float32") {
    return fail(ErrorCode::Unsupported, "weights_type_unsupported",
                "{}: weights of type {}; only float32 and int32 are supported", entry.name, *type);
  }
  if (json::has_field(*object, "quantization")) {
    const auto quantization = json::object_field(*object, "quantization");
    if (!quantization) return malformed(entry_index, quantization.error().message);
    auto parsed = parse_quantization(*quantization, entry.name);
    if (!parsed && parsed.error().code == ErrorCode::Unsupported) {
      return Unexpected(std::move(parsed).error());
    }
    if (!parsed) return malformed(entry_index, parsed.error().message);
    entry.quantization = *parsed;
  }
  return entry;
}

struct Manifest {
  std::string binary_path;
  std::vector<Entry> entries;
};

Result<Manifest> parse_manifest(std::string_view text) {
  const auto document = json::parse(text, kManifestLimit_bytes);
  const auto bad = [](std::string_view what) {
    return fail(ErrorCode::InvalidInput, "weights_manifest_malformed", "the weights manifest {}",
                what);
  };
  if (!document) return bad(fmt::format("cannot be read: {}", document.error().message));
  const json::array* groups = document->if_array();
  if (groups == nullptr || groups->size() != 1 || !groups->front().is_object()) {
    return bad("must be an array of one group");
  }
  const json::object& group = groups->front().as_object();
  const auto paths = json::array_field(group, "paths");
  if (!paths || paths->size() != 1 || !paths->front().is_string()) {
    return bad("must name exactly one binary file in `paths`");
  }
  const auto weights = json::array_field(group, "weights");
  if (!weights || weights->empty() || weights->size() > kEntryLimit) {
    return bad("must list 1 to 10000 tensors in `weights`");
  }
  Manifest manifest{.binary_path = std::string(paths->front().as_string()), .entries = {}};
  size_t total_bytes = 0;
  for (size_t entry_index = 0; entry_index < weights->size(); ++entry_index) {
    manifest.entries.push_back(TRY(parse_entry((*weights)[entry_index], entry_index)));
    total_bytes += manifest.entries.back().element_count * 4;
    if (total_bytes > kWeightsLimit_bytes) {
      return fail(ErrorCode::TooLarge, "weights_too_large",
                  "the weights manifest names more than the limit of {} bytes of weights",
                  kWeightsLimit_bytes);
    }
  }
  return manifest;
}

Result<nn::Tensor> decode(const Entry& entry, std::span<const std::byte> bytes) {
  nn::Tensor tensor{.shape = entry.shape, .values = std::vector<float>(entry.element_count)};
  if (entry.quantization) {
    // TensorFlow.js does this in double and rounds once; so the weights are the same bits.
    for (size_t index = 0; index < entry.element_count; ++index) {
      const auto step = std::to_integer<int>(bytes[index]);
      tensor.values[index] =
          static_cast<float>(step * entry.quantization->scale + entry.quantization->min);
    }
  } else {
    std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
  }
  for (const float value : tensor.values) {
    if (!std::isfinite(value)) {
      return fail(ErrorCode::Corrupt, "weight_not_finite", "{}: a weight is not a finite number",
                  entry.name);
    }
  }
  return tensor;
}

Result<NpmWeights> decode_all(const Manifest& manifest, std::span<const std::byte> bytes) {
  size_t wanted_bytes = 0;
  for (const Entry& entry : manifest.entries) wanted_bytes += entry.size_bytes();
  if (wanted_bytes != bytes.size()) {
    return fail(ErrorCode::Corrupt, "weights_file_size",
                "the weights file {} has {} bytes; its manifest describes {}", manifest.binary_path,
                bytes.size(), wanted_bytes);
  }
  NpmWeights weights;
  for (const Entry& entry : manifest.entries) {
    const auto own = bytes.first(entry.size_bytes());
    bytes = bytes.subspan(entry.size_bytes());
    if (entry.type == ElementType::Int32) continue;
    if (!weights.emplace(entry.name, TRY(decode(entry, own))).second) {
      return fail(ErrorCode::InvalidInput, "weights_manifest_malformed",
                  "the weights manifest names {} twice", entry.name);
    }
  }
  return weights;
}

}  // namespace

Result<NpmWeights> parse_npm_weights(std::string_view manifest, std::span<const std::byte> bytes) {
  const Manifest parsed = TRY(parse_manifest(manifest));
  return decode_all(parsed, bytes);
}

Result<NpmWeights> read_npm_weights(const std::filesystem::path& folder,
                                    const std::string& model_name) {
  const std::string text =
      TRY(read_text_file(folder / (model_name + "-weights_manifest.json"), kManifestLimit_bytes));
  const Manifest manifest = TRY(parse_manifest(text));
  const std::filesystem::path binary(manifest.binary_path);
  if (binary.empty() || binary.filename() != binary || binary == "." || binary == "..") {
    return fail(ErrorCode::InvalidInput, "weights_manifest_malformed",
                "the weights manifest names a file outside its folder: {}", manifest.binary_path);
  }
  const auto bytes = TRY(read_file(folder / binary, kWeightsLimit_bytes));
  return decode_all(manifest, bytes);
}

}  // namespace faceforge::packs
