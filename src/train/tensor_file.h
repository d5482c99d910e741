#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Named tensors in a file of the format safetensors: u64 length of a JSON header, the header, then
// the numbers of all tensors without a gap. Weights, checkpoints and torchvision's states are kept
// in it: it holds numbers only, so that reading a foreign file runs nothing.
// source: https://huggingface.co/docs/safetensors, "Format"
namespace faceforge::train {

inline constexpr size_t kMaxTensorFileBytes = size_t{64} << 30;
inline constexpr size_t kMaxTensorHeaderBytes = 100'000'000;  ///< the format's own limit
inline constexpr size_t kMaxTensorCount = 100'000;
inline constexpr size_t kMaxTensorRank = 8;

enum class ElementType { F64, F32, F16, BF16, I64, I32, U8 };

[[nodiscard]] size_t bytes_of(ElementType type);

struct StoredTensor {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  ///< little-endian, last dimension fastest; at any address
};

using TensorMetadata = std::map<std::string, std::string, std::less<>>;

/// A file that was read whole.
class TensorFile {
 public:
  /// Reads a file and checks all of it: every tensor's bytes are where its shape needs them, and
  /// between them they are the whole rest of the file.
  ///
  /// fails: as read_file; corrupt/tensor_file_damaged for anything that the format forbids or that
  ///        is beyond a limit, also when the checksum that write_tensor_file put in is wrong;
  ///        unsupported/tensor_type
  [[nodiscard]] static Result<TensorFile> read(const std::filesystem::path& path);

  [[nodiscard]] const std::vector<StoredTensor>& tensors() const { return tensors_; }
  [[nodiscard]] const TensorMetadata& metadata() const { return metadata_; }

  /// The tensor of this name; nullptr when there is none.
  [[nodiscard]] const StoredTensor* find(std::string_view name) const;

 private:
  TensorFile() = default;

  std::vector<std::byte> contents_;    ///< what the tensors' bytes point into
  std::vector<StoredTensor> tensors_;  ///< in the order of names
  TensorMetadata metadata_;
};

/// Writes a file that any reader of safetensors takes; the path holds the old file or all of the
/// new one. A SHA-256 over header and numbers goes into the metadata, under kTensorChecksumKey.
///
/// in:    names all different, as many bytes as shape and type need (a CHECK)
/// fails: as AtomicFile
[[nodiscard]] Result<void> write_tensor_file(const std::filesystem::path& path,
                                             std::span<const StoredTensor> tensors,
                                             const TensorMetadata& metadata);

inline constexpr std::string_view kTensorChecksumKey = "faceforge.sha256";

}  // namespace faceforge::train
