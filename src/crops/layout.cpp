#include "crops/layout.h"

#include <algorithm>

#include "base/check.h"
#include "base/unicode.h"

namespace faceforge::crops {
namespace {

constexpr size_t kHashBytes = 32;

void put_u32(std::vector<std::byte>& to, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<std::byte>(value >> shift));
}

void put_u64(std::vector<std::byte>& to, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) to.push_back(static_cast<std::byte>(value >> shift));
}

template <typename Bytes>
void put_bytes(std::vector<std::byte>& to, const Bytes& bytes) {
  for (const auto byte : bytes) to.push_back(static_cast<std::byte>(byte));
}

}  // namespace

std::vector<std::byte> head_bytes(CropShape shape) {
  std::vector<std::byte> head;
  put_bytes(head, kMagic);
  put_u32(head, kVersion);
  put_u32(head, shape.width_px);
  put_u32(head, shape.height_px);
  put_u32(head, 3);  // channels
  head.resize(kPixelsOffset);
  return head;
}

std::vector<std::byte> label_bytes(std::span<const uint32_t> labels) {
  std::vector<std::byte> bytes;
  bytes.reserve(labels.size() * 4);
  for (const uint32_t label : labels) put_u32(bytes, label);
  return bytes;
}

std::vector<std::byte> name_bytes(std::span<const std::string> names) {
  std::vector<std::byte> bytes;
  for (const std::string& name : names) {
    put_u32(bytes, static_cast<uint32_t>(name.size()));
    put_bytes(bytes, name);
  }
  return bytes;
}

std::vector<std::byte> trailer_bytes(const Trailer& trailer, std::span<const std::byte> head,
                                     std::span<const std::byte> tables) {
  std::vector<std::byte> bytes;
  put_u64(bytes, trailer.crop_count);
  put_u64(bytes, trailer.person_count);
  put_u64(bytes, trailer.labels_offset);
  put_u64(bytes, trailer.names_offset);
  bytes.resize(64);  // room for later versions
  put_bytes(bytes, trailer.pixels_sha256);
  put_bytes(bytes, hash_of(head, tables, bytes));
  CHECK(bytes.size() == kTrailerBytes);
  return bytes;
}

uint32_t read_u32(std::span<const std::byte> bytes, size_t offset) {
  CHECK(offset + 4 <= bytes.size());
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= std::to_integer<uint32_t>(bytes[offset + i]) << (8 * i);
  return value;
}

uint64_t read_u64(std::span<const std::byte> bytes, size_t offset) {
  return read_u32(bytes, offset) | uint64_t{read_u32(bytes, offset + 4)} << 32;
}

Trailer read_trailer(std::span<const std::byte> bytes) {
  CHECK(bytes.size() == kTrailerBytes);
  Trailer trailer{.crop_count = read_u64(bytes, 0),
                  .person_count = read_u64(bytes, 8),
                  .labels_offset = read_u64(bytes, 16),
                  .names_offset = read_u64(bytes, 24)};
  std::ranges::copy(bytes.subspan(64, kHashBytes), trailer.pixels_sha256.begin());
  std::ranges::copy(bytes.subspan(96, kHashBytes), trailer.sha256.begin());
  return trailer;
}

Sha256 hash_of(std::span<const std::byte> head, std::span<const std::byte> tables,
               std::span<const std::byte> trailer) {
  Sha256Stream hash;
  hash.add(head);
  hash.add(tables);
  hash.add(trailer.first(kTrailerBytes - kHashBytes));
  return hash.finish();
}

bool is_person_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && is_utf8(name) &&
         std::ranges::none_of(name, [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; });
}

}  // namespace faceforge::crops
