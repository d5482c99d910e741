#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "crops/crop_file.h"

// The bytes of a `.ffd` file, as docs/ffd-format.md has them: head, pixels, labels, names, trailer.
namespace faceforge::crops {

/// Not text, and damaged by whatever changes line ends or the eighth bit (PNG's idea).
inline constexpr std::array<unsigned char, 8> kMagic{0x89, 'F', 'F', 'D', '\r', '\n', 0x1A, '\n'};
inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kPixelsOffset = 4096;  ///< a page: the pixels are mapped aligned
inline constexpr size_t kTrailerBytes = 128;

/// Where the parts are, and their checksums: what the trailer says.
struct Trailer {
  uint64_t crop_count = 0;
  uint64_t person_count = 0;
  uint64_t labels_offset = 0;
  uint64_t names_offset = 0;
  Sha256 pixels_sha256{};
  Sha256 sha256{};  ///< of head, labels, names and all of the trailer before this
};

[[nodiscard]] std::vector<std::byte> head_bytes(CropShape shape);
[[nodiscard]] std::vector<std::byte> label_bytes(std::span<const uint32_t> labels);
[[nodiscard]] std::vector<std::byte> name_bytes(std::span<const std::string> names);

/// The trailer with its last hash taken over the head and the tables.
[[nodiscard]] std::vector<std::byte> trailer_bytes(const Trailer& trailer,
                                                   std::span<const std::byte> head,
                                                   std::span<const std::byte> tables);

[[nodiscard]] uint32_t read_u32(std::span<const std::byte> bytes, size_t offset);
[[nodiscard]] uint64_t read_u64(std::span<const std::byte> bytes, size_t offset);

/// in: kTrailerBytes bytes (a CHECK)
[[nodiscard]] Trailer read_trailer(std::span<const std::byte> bytes);

/// The hash that a trailer of these parts must end with.
[[nodiscard]] Sha256 hash_of(std::span<const std::byte> head, std::span<const std::byte> tables,
                             std::span<const std::byte> trailer);

/// Whether a person may have this name.
[[nodiscard]] bool is_person_name(std::string_view name);

}  // namespace faceforge::crops
