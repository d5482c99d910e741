#include "packs/npm_weights.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/ranges.h>

#include "base/file.h"
#include "nn/half.h"

namespace faceforge::packs {
namespace {

static_assert(std::endian::native == std::endian::little, "the weights file is little endian");

constexpr size_t kManifestLimit_bytes = size_t{4} << 20;
constexpr size_t kWeightsLimit_bytes = size_t{256} << 20;  // in memory
constexpr size_t kEntryLimit = 10'000;
constexpr size_t kGroupLimit = 1'000;
constexpr size_t kPathLimit = 1'000;
constexpr size_t kRankLimit = 8;
constexpr size_t kNameLimit_bytes = 1'000;

template <typename... Args>
Unexpected bad(fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::InvalidInput, "weights_manifest_malformed", "the weights manifest {}",
              fmt::format(format, std::forward<Args>(args)...));
}

Unexpected malformed(size_t entry_index, std::string_view what) {
  return fail(ErrorCode::InvalidInput, "weights_manifest_malformed",
              "entry {} of the weights manifest {}", entry_index, what);
}

enum class ElementType { Float32, Int32, Bool };
enum class StoredType { AsItIs, Half, OneByte, TwoBytes };

struct Entry {
  std::string name;
  std::vector<int64_t> shape = {};
  size_t element_count = 1;
  ElementType type = ElementType::Float32;
  StoredType stored = StoredType::AsItIs;
  double scale = 1;  ///< with OneByte and TwoBytes: value = q * scale + min
  double min = 0;

  /// In memory. Integers are held as 64 bits.
  [[nodiscard]] size_t held_bytes() const {
    return element_count * (type == ElementType::Float32 ? sizeof(float) : sizeof(int64_t));
  }
  /// In the file.
  [[nodiscard]] size_t size_bytes() const {
    switch (stored) {
      case StoredType::Half:
      case StoredType::TwoBytes:
        return element_count * 2;
      case StoredType::OneByte:
        return element_count;
      case StoredType::AsItIs:
        break;
    }
    return element_count * (type == ElementType::Bool ? 1 : 4);
  }
};

Result<void> parse_quantization(const json::object& from, size_t entry_index, Entry& entry) {
  const auto type = json::string_field(from, "dtype");
  if (!type) return malformed(entry_index, type.error().message);
  if (*type == "float16" && entry.type == ElementType::Float32) {
    entry.stored = StoredType::Half;
    return {};
  }
  if ((*type != "uint8" && *type != "uint16") || entry.type == ElementType::Bool) {
    return fail(ErrorCode::Unsupported, "weights_type_unsupported",
                "{}: quantized as {}; uint8, uint16 and (of floats) float16 are supported",
                entry.name, *type);
  }
  entry.stored = *type == "uint8" ? StoredType::OneByte : StoredType::TwoBytes;
  const auto scale = json::number_field(from, "scale");
  if (!scale) return malformed(entry_index, scale.error().message);
  const auto min = json::number_field(from, "min");
  if (!min) return malformed(entry_index, min.error().message);
  entry.scale = *scale;
  entry.min = *min;
  return {};
}

Result<void> parse_shape(const json::array& dimensions, size_t entry_index, Entry& entry) {
  if (dimensions.size() > kRankLimit) {
    return malformed(entry_index, fmt::format("has {} dimensions; the limit is {}",
                                              dimensions.size(), kRankLimit));
  }
  for (const auto& dimension : dimensions) {
    if (!dimension.is_int64() || dimension.as_int64() < 1) {
      return malformed(entry_index, fmt::format("({}) has the dimension {}, no positive integer",
                                                entry.name, json::to_text(dimension)));
    }
    const int64_t length = dimension.as_int64();
    // Compared by division: the product of foreign numbers may not fit.
    if (std::cmp_greater(length, kWeightsLimit_bytes / 4 / entry.element_count)) {
      return fail(ErrorCode::TooLarge, "weights_too_large",
                  "{}: a dimension of {} makes it larger than the limit of {} bytes of weights",
                  entry.name, length, kWeightsLimit_bytes);
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
  if (name->size() > kNameLimit_bytes) {
    return malformed(entry_index, fmt::format("has a name of {} bytes; the limit is {}",
                                              name->size(), kNameLimit_bytes));
  }
  Entry entry{.name = *name};
  const auto shape = json::array_field(*object, "shape");
  if (!shape) return malformed(entry_index, shape.error().message);
  TRY(parse_shape(*shape, entry_index, entry));
  const auto type = json::string_field(*object, "dtype");
  if (!type) return malformed(entry_index, type.error().message);
  if (*type == "int32") {
    entry.type = ElementType::Int32;
  } else if (*type == "bool") {
    entry.type = ElementType::Bool;
  } else if (*type != "float32") {
    return fail(ErrorCode::Unsupported, "weights_type_unsupported",
                "{}: of type {}; float32, int32 and bool are supported", entry.name, *type);
  }
  if (json::has_field(*object, "quantization")) {
    const auto quantization = json::object_field(*object, "quantization");
    if (!quantization) return malformed(entry_index, quantization.error().message);
    TRY(parse_quantization(*quantization, entry_index, entry));
  }
  return entry;
}

/// Tensors that share files.
struct Group {
  std::vector<std::string> paths;
  std::vector<Entry> entries;

  [[nodiscard]] size_t size_bytes() const {
    size_t bytes = 0;
    for (const Entry& entry : entries) bytes += entry.size_bytes();
    return bytes;
  }
};

Result<Group> parse_group(const json::value& from, size_t& entry_index, size_t& total_bytes) {
  const json::object* object = from.if_object();
  if (object == nullptr) return bad("has a group that is no object");
  Group group;
  const auto paths = json::array_field(*object, "paths");
  if (!paths || paths->empty() || paths->size() > kPathLimit) {
    return bad("must name 1 to {} files in the `paths` of a group", kPathLimit);
  }
  for (const json::value& path : *paths) {
    if (!path.is_string()) return bad("has a path that is no text");
    group.paths.emplace_back(path.as_string());
  }
  const auto weights = json::array_field(*object, "weights");
  if (!weights || weights->empty() || weights->size() > kEntryLimit) {
    return bad("must list 1 to {} tensors in the `weights` of a group", kEntryLimit);
  }
  for (const json::value& weight : *weights) {
    group.entries.push_back(TRY(parse_entry(weight, entry_index++)));
    total_bytes += group.entries.back().held_bytes();
    if (total_bytes > kWeightsLimit_bytes) {
      return fail(ErrorCode::TooLarge, "weights_too_large",
                  "the weights manifest names more than the limit of {} bytes of weights",
                  kWeightsLimit_bytes);
    }
  }
  return group;
}

Result<std::vector<Group>> parse_manifest(const json::value& manifest) {
  const json::array* from = manifest.if_array();
  if (from == nullptr || from->empty() || from->size() > kGroupLimit) {
    return bad("must be an array of 1 to {} groups", kGroupLimit);
  }
  std::vector<Group> groups;
  size_t entry_index = 0;
  size_t total_bytes = 0;
  for (const json::value& group : *from) {
    groups.push_back(TRY(parse_group(group, entry_index, total_bytes)));
  }
  return groups;
}

Result<json::value> parse_manifest_text(std::string_view text) {
  auto document = json::parse(text, kManifestLimit_bytes);
  if (!document) return bad("cannot be read: {}", document.error().message);
  return document;
}

/// The bits of the element that begins there.
template <typename Stored>
Stored stored_at(std::span<const std::byte> bytes, size_t index) {
  Stored value;
  std::memcpy(&value, bytes.data() + index * sizeof(Stored), sizeof(Stored));
  return value;
}

/// A quantized element. TensorFlow.js does this in double and rounds once; so the weights are the
/// same bits.
double dequantized(const Entry& entry, std::span<const std::byte> bytes, size_t index) {
  const int step = entry.stored == StoredType::OneByte ? int{stored_at<uint8_t>(bytes, index)}
                                                       : int{stored_at<uint16_t>(bytes, index)};
  return step * entry.scale + entry.min;
}

Unexpected not_finite(const Entry& entry) {
  return fail(ErrorCode::Corrupt, "weight_not_finite", "{}: a weight is not a finite number",
              entry.name);
}

Result<nn::Tensor> decode_floats(const Entry& entry, std::span<const std::byte> bytes) {
  nn::Tensor tensor{.shape = entry.shape, .values = std::vector<float>(entry.element_count)};
  for (size_t index = 0; index < entry.element_count; ++index) {
    float& value = tensor.values[index];
    if (entry.stored == StoredType::AsItIs) {
      value = stored_at<float>(bytes, index);
    } else if (entry.stored == StoredType::Half) {
      value = nn::from_half(stored_at<uint16_t>(bytes, index));
    } else {
      value = static_cast<float>(dequantized(entry, bytes, index));
    }
    if (!std::isfinite(value)) return not_finite(entry);
  }
  return tensor;
}

Result<nn::IntegerTensor> decode_integers(const Entry& entry, std::span<const std::byte> bytes) {
  nn::IntegerTensor tensor{.shape = entry.shape,
                           .values = std::vector<int64_t>(entry.element_count)};
  for (size_t index = 0; index < entry.element_count; ++index) {
    int64_t& value = tensor.values[index];
    if (entry.type == ElementType::Bool) {
      value = stored_at<uint8_t>(bytes, index) != 0 ? 1 : 0;
    } else if (entry.stored == StoredType::AsItIs) {
      value = stored_at<int32_t>(bytes, index);
    } else {
      // JavaScript's Math.round: halves go up.
      const double rounded = std::floor(dequantized(entry, bytes, index) + 0.5);
      if (!(std::abs(rounded) <= std::numeric_limits<int32_t>::max())) return not_finite(entry);
      value = static_cast<int64_t>(rounded);
    }
  }
  return tensor;
}

/// Adds the tensors of a group from exactly their bytes.
Result<void> decode(const Group& group, std::span<const std::byte> bytes, NpmTensors& tensors) {
  for (const Entry& entry : group.entries) {
    const auto own = bytes.first(entry.size_bytes());
    bytes = bytes.subspan(entry.size_bytes());
    if (tensors.floats.contains(entry.name) || tensors.integers.contains(entry.name)) {
      return bad("names {} twice", entry.name);
    }
    if (entry.type == ElementType::Float32) {
      tensors.floats.emplace(entry.name, TRY(decode_floats(entry, own)));
    } else {
      tensors.integers.emplace(entry.name, TRY(decode_integers(entry, own)));
    }
  }
  return {};
}

Unexpected wrong_size(std::string_view files, size_t found_bytes, size_t wanted_bytes) {
  return fail(ErrorCode::Corrupt, "weights_file_size",
              "the weights file {} has {} bytes; its manifest describes {}", files, found_bytes,
              wanted_bytes);
}

/// The files of a group, joined.
Result<std::vector<std::byte>> read_files(const Group& group, const std::filesystem::path& folder) {
  std::vector<std::byte> joined;
  for (const std::string& name : group.paths) {
    const std::filesystem::path path(name);
    if (path.empty() || path.filename() != path || path == "." || path == "..") {
      return bad("names a file outside its folder: {}", name);
    }
    const auto bytes = TRY(read_file(folder / path, kWeightsLimit_bytes));
    joined.insert(joined.end(), bytes.begin(), bytes.end());
    // Said before the next file is read: what is too much already only grows.
    if (joined.size() > group.size_bytes()) break;
  }
  return joined;
}

}  // namespace

Result<NpmTensors> parse_npm_tensors(const json::value& manifest,
                                     std::span<const std::byte> bytes) {
  const auto groups = TRY(parse_manifest(manifest));
  size_t wanted_bytes = 0;
  for (const Group& group : groups) wanted_bytes += group.size_bytes();
  if (wanted_bytes != bytes.size()) {
    return wrong_size(groups.front().paths.front(), bytes.size(), wanted_bytes);
  }
  NpmTensors tensors;
  for (const Group& group : groups) {
    TRY(decode(group, bytes.first(group.size_bytes()), tensors));
    bytes = bytes.subspan(group.size_bytes());
  }
  return tensors;
}

Result<NpmTensors> read_npm_tensors(const json::value& manifest,
                                    const std::filesystem::path& folder) {
  const auto groups = TRY(parse_manifest(manifest));
  NpmTensors tensors;
  for (const Group& group : groups) {
    const auto bytes = TRY(read_files(group, folder));
    if (bytes.size() != group.size_bytes()) {
      return wrong_size(fmt::format("{}", fmt::join(group.paths, ", ")), bytes.size(),
                        group.size_bytes());
    }
    TRY(decode(group, bytes, tensors));
  }
  return tensors;
}

Result<NpmWeights> parse_npm_weights(std::string_view manifest, std::span<const std::byte> bytes) {
  const json::value document = TRY(parse_manifest_text(manifest));
  return TRY(parse_npm_tensors(document, bytes)).floats;
}

Result<NpmWeights> read_npm_weights(const std::filesystem::path& folder,
                                    const std::string& model_name) {
  const std::string text =
      TRY(read_text_file(folder / (model_name + "-weights_manifest.json"), kManifestLimit_bytes));
  const json::value document = TRY(parse_manifest_text(text));
  return TRY(read_npm_tensors(document, folder)).floats;
}

}  // namespace faceforge::packs
