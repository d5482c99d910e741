#include "train/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"

namespace faceforge::train {
namespace {

enum class Wire : uint32_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

constexpr uint64_t kSessionStart = 1;  // SessionLog.START

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[byte] = crc;
  }
  return table;
}

constexpr auto kCrcTable = crc_table();

template <typename Number>
std::string little_endian(Number number) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof(number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

std::string varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

std::string key(uint32_t field, Wire wire) {
  return varint(field << 3 | std::to_underlying(wire));
}

std::string bytes_field(uint32_t field, std::string_view bytes) {
  return key(field, Wire::Bytes) + varint(bytes.size()) + std::string(bytes);
}

/// A CRC over data that hold CRCs themselves would be weak: TensorFlow turns and shifts it.
uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

std::string event_head(UnixTime_ms now_ms, uint64_t step) {
  return key(1, Wire::Fixed64) + little_endian(static_cast<double>(now_ms) / 1000) +
         key(2, Wire::Varint) + varint(step);
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  return ~crc;
}

std::string event_record(std::string_view event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  return length + little_endian(masked_crc(length)) + std::string(event) +
         little_endian(masked_crc(event));
}

Result<EventFile> EventFile::create(const std::filesystem::path& folder, const Clock& clock,
                                    uint64_t first_step) {
  const UnixTime_ms now_ms = clock.now_ms();
  // TensorBoard reads a run's files in the order of their names.
  const auto path = folder / fmt::format("events.out.tfevents.{:010}.{:03}.faceforge",
                                         now_ms / 1000, now_ms % 1000);
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  if (!stream) return Unexpected(file_error(errno, "write", path));
  EventFile file(path, std::move(stream), clock);
  TRY(file.write(event_head(now_ms, 0) + bytes_field(3, "brain.Event:2")));
  if (first_step > 0) {
    const std::string started = key(1, Wire::Varint) + varint(kSessionStart);
    TRY(file.write(event_head(now_ms, first_step) + bytes_field(7, started)));
  }
  return file;
}

Result<void> EventFile::add(uint64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    const std::string value = bytes_field(1, scalar.tag) + key(2, Wire::Fixed32) +
                              little_endian(static_cast<float>(scalar.value));
    summary += bytes_field(1, value);
  }
  return write(event_head(clock_->now_ms(), step) + bytes_field(5, summary));
}

Result<void> EventFile::write(std::string event) {
  const std::string record = event_record(event);
  file_.write(record.data(), static_cast<std::streamsize>(record.size()));
  file_.flush();  // whoever watches sees it now
  if (!file_) return Unexpected(file_error(errno, "write", path_));
  return {};
}

}  // namespace faceforge::train
