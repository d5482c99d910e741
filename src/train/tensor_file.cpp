#include "train/tensor_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace faceforge::train {
namespace {

static_assert(std::endian::native == std::endian::little, "the numbers are written as they lie");

constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;  // of the numbers' beginning; the header is padded with spaces
constexpr std::string_view kMetadataKey = "__metadata__";
const std::string kNoChecksum(64, '0');  // stands in the header while it is hashed

constexpr std::array<std::pair<ElementType, std::string_view>, 7> kTypes{
    {{ElementType::F64, "F64"},
     {ElementType::F32, "F32"},
     {ElementType::F16, "F16"},
     {ElementType::BF16, "BF16"},
     {ElementType::I64, "I64"},
     {ElementType::I32, "I32"},
     {ElementType::U8, "U8"}}};

std::string_view to_string(ElementType type) {
  return std::ranges::find(kTypes, type, [](const auto& known) { return known.first; })->second;
}

std::optional<ElementType> type_from(std::string_view word) {
  const auto found =
      std::ranges::find(kTypes, word, [](const auto& known) { return known.second; });
  if (found == kTypes.end()) return std::nullopt;
  return found->first;
}

template <typename... Args>
Unexpected damaged(const std::filesystem::path& path, fmt::format_string<Args...> what,
                   Args&&... args) {
  return fail(ErrorCode::Corrupt, "tensor_file_damaged", "{}: {}", path.string(),
              fmt::format(what, std::forward<Args>(args)...));
}

/// How many bytes a tensor takes; nothing where that is beyond the limit of a file.
std::optional<size_t> byte_count(const std::vector<int64_t>& shape, ElementType type) {
  size_t count = bytes_of(type);
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) return 0;
    if (count > kMaxTensorFileBytes / static_cast<size_t>(extent)) return std::nullopt;
    count *= static_cast<size_t>(extent);
  }
  return count;
}

struct Extent {
  size_t begin;
  size_t end;
};

/// One tensor of the header; its bytes are still to be found in `data`.
Result<StoredTensor> read_tensor(std::string_view name, const json::value& described,
                                 std::span<const std::byte> data,
                                 const std::filesystem::path& path) {
  if (!described.is_object()) return damaged(path, "a tensor that is no object");
  const json::object& from = described.get_object();
  StoredTensor tensor{.name = std::string(name), .type = {}, .shape = {}, .bytes = {}};
  const auto word = json::string_field(from, "dtype");
  const auto shape = json::array_field(from, "shape");
  const auto offsets = json::array_field(from, "data_offsets");
  if (!word || !shape || !offsets || offsets->size() != 2 || shape->size() > kMaxTensorRank) {
    return damaged(path, "a tensor without dtype, shape or offsets");
  }
  const auto type = type_from(*word);
  if (!type) {
    return fail(ErrorCode::Unsupported, "tensor_type", "{}: numbers of type {}", path.string(),
                word->substr(0, 20));
  }
  tensor.type = *type;
  for (const json::value& extent : *shape) {
    if (!extent.is_int64()) return damaged(path, "a shape that is not of whole numbers");
    tensor.shape.push_back(extent.get_int64());
  }
  const auto is_offset = [&](const json::value& offset) {
    return offset.is_int64() && std::cmp_less_equal(offset.get_int64(), data.size()) &&
           offset.get_int64() >= 0;
  };
  if (!is_offset(offsets->at(0)) || !is_offset(offsets->at(1))) {
    return damaged(path, "offsets beyond its end");
  }
  const auto begin = static_cast<size_t>(offsets->at(0).get_int64());
  const auto end = static_cast<size_t>(offsets->at(1).get_int64());
  if (begin > end || byte_count(tensor.shape, tensor.type) != end - begin) {
    return damaged(path, "a tensor whose shape is not its size");
  }
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

/// Whether the tensors follow each other without a gap and end with the file.
bool cover(std::vector<StoredTensor> tensors, std::span<const std::byte> data) {
  const auto place = [](const StoredTensor& tensor) {
    return std::pair(tensor.bytes.data(), tensor.bytes.size());
  };
  std::ranges::sort(tensors, {}, place);
  const std::byte* next = data.data();
  for (const StoredTensor& tensor : tensors) {
    if (tensor.bytes.data() != next) return false;
    next += tensor.bytes.size();
  }
  return next == data.data() + data.size();
}

Result<TensorMetadata> read_metadata(const json::value& described,
                                     const std::filesystem::path& path) {
  if (!described.is_object()) return damaged(path, "metadata that are no object");
  TensorMetadata metadata;
  for (const auto& [key, value] : described.get_object()) {
    if (!value.is_string()) return damaged(path, "metadata that are no text");
    metadata.emplace(key, std::string_view(value.get_string()));
  }
  return metadata;
}

std::string hash_of(std::string_view header, std::span<const StoredTensor> tensors) {
  Sha256Stream hash;
  hash.add(std::as_bytes(std::span(header)));
  for (const StoredTensor& tensor : tensors) hash.add(tensor.bytes);
  return to_hex(hash.finish());
}

/// Compares with the checksum that the header holds, where it holds one of ours.
Result<void> check_sum(std::string header, const TensorMetadata& metadata,
                       std::span<const std::byte> data, const std::filesystem::path& path) {
  const auto written = metadata.find(kTensorChecksumKey);
  if (written == metadata.end()) return {};
  const size_t place = header.find('"' + written->second + '"');
  if (written->second.size() != kNoChecksum.size() || place == std::string::npos) {
    return damaged(path, "a checksum that is none");
  }
  header.replace(place + 1, kNoChecksum.size(), kNoChecksum);
  const StoredTensor all{.name = {}, .type = ElementType::U8, .shape = {}, .bytes = data};
  if (hash_of(header, {&all, 1}) != written->second) {
    return damaged(path, "it is not what was written");
  }
  return {};
}

json::object describe(const StoredTensor& tensor, Extent extent) {
  json::array shape;
  for (const int64_t size : tensor.shape) shape.push_back(size);
  return {{"dtype", to_string(tensor.type)},
          {"shape", std::move(shape)},
          {"data_offsets", json::array{extent.begin, extent.end}}};
}

}  // namespace

size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::F64:
    case ElementType::I64:
      return 8;
    case ElementType::F32:
    case ElementType::I32:
      return 4;
    case ElementType::F16:
    case ElementType::BF16:
      return 2;
    case ElementType::U8:
      return 1;
  }
  return 1;
}

Result<TensorFile> TensorFile::read(const std::filesystem::path& path) {
  TensorFile file;
  file.contents_ = TRY(read_file(path, kMaxTensorFileBytes));
  const std::span<const std::byte> contents(file.contents_);
  if (contents.size() < kLengthBytes) return damaged(path, "it ends early");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, contents.data(), kLengthBytes);
  if (header_bytes > kMaxTensorHeaderBytes || header_bytes > contents.size() - kLengthBytes) {
    return damaged(path, "a header of {} bytes", header_bytes);
  }
  const std::string header(reinterpret_cast<const char*>(contents.data()) + kLengthBytes,
                           header_bytes);
  const auto data = contents.subspan(kLengthBytes + header_bytes);
  const auto parsed = json::parse(header, kMaxTensorHeaderBytes);
  if (!parsed || !parsed->is_object()) return damaged(path, "its header is no JSON object");
  const json::object& described = parsed->get_object();
  if (described.size() > kMaxTensorCount) return damaged(path, "{} tensors", described.size());
  for (const auto& [name, value] : described) {
    if (name == kMetadataKey) {
      file.metadata_ = TRY(read_metadata(value, path));
    } else {
      file.tensors_.push_back(TRY(read_tensor(name, value, data, path)));
    }
  }
  if (!cover(file.tensors_, data)) return damaged(path, "tensors that overlap or leave a gap");
  TRY(check_sum(header, file.metadata_, data, path));
  std::ranges::sort(file.tensors_, {}, &StoredTensor::name);
  return file;
}

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &StoredTensor::name);
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

Result<void> write_tensor_file(const std::filesystem::path& path,
                               std::span<const StoredTensor> tensors,
                               const TensorMetadata& metadata) {
  json::object texts;
  texts.emplace(kTensorChecksumKey, kNoChecksum);
  for (const auto& [key, text] : metadata) texts.emplace(key, text);
  json::object described;
  described.emplace(kMetadataKey, std::move(texts));
  size_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    const size_t end = offset + tensor.bytes.size();
    CHECK(byte_count(tensor.shape, tensor.type) == tensor.bytes.size());
    CHECK(described.emplace(tensor.name, describe(tensor, {.begin = offset, .end = end})).second);
    offset = end;
  }
  std::string header = json::to_text(described);
  header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  CHECK(header.size() <= kMaxTensorHeaderBytes);
  const std::string checksum = hash_of(header, tensors);
  header.replace(header.find(kNoChecksum), kNoChecksum.size(), checksum);

  const uint64_t header_bytes = header.size();
  auto file = TRY(AtomicFile::create(path));
  TRY(file.write(std::as_bytes(std::span(&header_bytes, 1))));
  TRY(file.write(std::as_bytes(std::span(header))));
  for (const StoredTensor& tensor : tensors) TRY(file.write(tensor.bytes));
  return file.finish();
}

}  // namespace faceforge::train
