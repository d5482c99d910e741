#include "image/internal/jpeg_frame.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace faceforge::image::internal {

namespace {

using Bytes = std::span<const std::byte>;

constexpr size_t kTableLimit = 4;
constexpr unsigned kStartOfFrame = 0xC0;  // baseline; other frames have markers of their own
constexpr unsigned kHuffmanTables = 0xC4;
constexpr unsigned kStartOfScan = 0xDA;
constexpr unsigned kQuantizationTables = 0xDB;
constexpr unsigned kRestartInterval = 0xDD;
constexpr unsigned kApplication0 = 0xE0;
constexpr unsigned kApplication14 = 0xEE;
constexpr unsigned kApplication15 = 0xEF;
constexpr unsigned kComment = 0xFE;

unsigned byte_at(Bytes bytes, size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}

unsigned word_at(Bytes bytes, size_t at) {
  return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::ranges::equal(bytes.first(text.size()), std::as_bytes(std::span(text)));
}

/// What the markers have said so far.
struct Markers {
  struct Component {
    unsigned id = 0;
    int across = 0;
    int down = 0;
    unsigned quantization = 0;
  };

  std::array<std::optional<std::array<uint16_t, kBlockSize>>, kTableLimit> quantization;
  std::array<std::optional<JpegCodes>, kTableLimit> dc_codes;
  std::array<std::optional<JpegCodes>, kTableLimit> ac_codes;
  std::vector<Component> components;
  int width_px = 0;
  int height_px = 0;
  int restart_interval = 0;
  bool has_jfif = false;
  std::optional<unsigned> adobe_transform;

  // Each reads the contents of a segment; false for what is not of the kind that is read here.
  bool read_quantization(Bytes segment);
  bool read_codes(Bytes segment);
  bool read_frame(Bytes segment);
  bool read_application(unsigned marker, Bytes segment);
  [[nodiscard]] bool is_ycbcr() const;
  [[nodiscard]] std::optional<JpegFrame> begin_scan(Bytes segment, Bytes scan) const;
};

bool Markers::read_quantization(Bytes segment) {
  constexpr size_t kTable_bytes = 1 + kBlockSize;
  for (; segment.size() >= kTable_bytes; segment = segment.subspan(kTable_bytes)) {
    const unsigned precision_and_table = byte_at(segment, 0);
    if (precision_and_table >= kTableLimit) return false;  // of 16 bits, or none
    auto& table = quantization[precision_and_table].emplace();
    for (size_t i = 0; i < kBlockSize; ++i) {
      table[kZigzag[i]] = static_cast<uint16_t>(byte_at(segment, 1 + i));
    }
  }
  return segment.empty();
}

bool Markers::read_codes(Bytes segment) {
  constexpr size_t kHead_bytes = 1 + 16;
  while (segment.size() >= kHead_bytes) {
    const unsigned kind = byte_at(segment, 0) >> 4;
    const unsigned table = byte_at(segment, 0) & 15;
    JpegCodes codes;
    for (size_t i = 0; i < codes.counts.size(); ++i) {
      codes.counts[i] = static_cast<uint8_t>(byte_at(segment, 1 + i));
    }
    const auto symbol_count = std::accumulate(codes.counts.begin(), codes.counts.end(), size_t{0});
    if (kind > 1 || table >= kTableLimit || symbol_count > codes.symbols.size() ||
        segment.size() < kHead_bytes + symbol_count) {
      return false;
    }
    for (size_t i = 0; i < symbol_count; ++i) {
      codes.symbols[i] = static_cast<uint8_t>(byte_at(segment, kHead_bytes + i));
    }
    (kind == 0 ? dc_codes : ac_codes)[table] = codes;
    segment = segment.subspan(kHead_bytes + symbol_count);
  }
  return segment.empty();
}

bool Markers::read_frame(Bytes segment) {
  constexpr size_t kHead_bytes = 6;
  constexpr size_t kComponent_bytes = 3;
  constexpr unsigned kPrecision_bits = 8;
  if (!components.empty() || segment.size() < kHead_bytes) return false;
  const size_t count = byte_at(segment, 5);
  if (byte_at(segment, 0) != kPrecision_bits || (count != 1 && count != 3) ||
      segment.size() != kHead_bytes + count * kComponent_bytes) {
    return false;
  }
  height_px = static_cast<int>(word_at(segment, 1));
  width_px = static_cast<int>(word_at(segment, 3));
  for (size_t i = 0; i < count; ++i) {
    const Bytes component = segment.subspan(kHead_bytes + i * kComponent_bytes, kComponent_bytes);
    components.push_back({.id = byte_at(component, 0),
                          .across = static_cast<int>(byte_at(component, 1) >> 4),
                          .down = static_cast<int>(byte_at(component, 1) & 15),
                          .quantization = byte_at(component, 2)});
  }
  const auto has_blocks = [&](size_t index, int across, int down) {
    return components[index].across == across && components[index].down == down;
  };
  const bool is_grey = count == 1 && has_blocks(0, 1, 1);
  const bool is_colour = count == 3 &&
                         (has_blocks(0, 1, 1) || has_blocks(0, 2, 1) || has_blocks(0, 2, 2)) &&
                         has_blocks(1, 1, 1) && has_blocks(2, 1, 1);
  return width_px > 0 && height_px > 0 && (is_grey || is_colour);
}

bool Markers::read_application(unsigned marker, Bytes segment) {
  using namespace std::string_view_literals;
  constexpr size_t kJfif_bytes = 14;
  constexpr size_t kAdobe_bytes = 12;
  if (marker == kApplication0 && segment.size() >= kJfif_bytes &&
      starts_with(segment, "JFIF\0"sv)) {
    has_jfif = true;
  }
  if (marker == kApplication14 && segment.size() >= kAdobe_bytes &&
      starts_with(segment, "Adobe"sv)) {
    adobe_transform = byte_at(segment, 11);
  }
  return true;
}

bool Markers::is_ycbcr() const {
  constexpr unsigned kYcc = 1;
  if (has_jfif) return true;
  if (adobe_transform) return *adobe_transform == kYcc;
  return components[0].id == 1 && components[1].id == 2 && components[2].id == 3;
}

std::optional<JpegFrame> Markers::begin_scan(Bytes segment, Bytes scan) const {
  const size_t count = components.size();
  if (count == 0 || segment.size() != 1 + count * 2 + 3 || byte_at(segment, 0) != count) return {};
  if (count == 3 && !is_ycbcr()) return {};
  const Bytes spectrum = segment.last(3);
  if (byte_at(spectrum, 0) != 0 || byte_at(spectrum, 1) != kBlockSize - 1 ||
      byte_at(spectrum, 2) != 0) {
    return {};
  }
  JpegFrame frame{.width_px = width_px,
                  .height_px = height_px,
                  .restart_interval = restart_interval,
                  .components = {},
                  .scan = scan};
  for (size_t i = 0; i < count; ++i) {
    const Component& component = components[i];
    const unsigned tables = byte_at(segment, 2 + i * 2);
    const unsigned dc = tables >> 4;
    const unsigned ac = tables & 15;
    if (byte_at(segment, 1 + i * 2) != component.id || component.quantization >= kTableLimit ||
        dc >= kTableLimit || ac >= kTableLimit || !quantization[component.quantization] ||
        !dc_codes[dc] || !ac_codes[ac]) {
      return {};
    }
    frame.components.push_back({.across = component.across,
                                .down = component.down,
                                .quantization = *quantization[component.quantization],
                                .dc_codes = *dc_codes[dc],
                                .ac_codes = *ac_codes[ac]});
  }
  return frame;
}

}  // namespace

std::optional<JpegFrame> read_jpeg_frame(Bytes file) {
  constexpr size_t kStartOfImage_bytes = 2;
  constexpr size_t kMarker_bytes = 2;
  constexpr size_t kLength_bytes = 2;
  Markers markers;
  size_t at = kStartOfImage_bytes;
  while (at + kMarker_bytes + kLength_bytes <= file.size()) {
    if (byte_at(file, at) != 0xFF) return {};
    const unsigned marker = byte_at(file, at + 1);
    if (marker == 0xFF) {  // filling
      ++at;
      continue;
    }
    const size_t length = word_at(file, at + kMarker_bytes);
    if (length < kLength_bytes || length > file.size() - at - kMarker_bytes) return {};
    const Bytes segment = file.subspan(at + kMarker_bytes + kLength_bytes, length - kLength_bytes);
    at += kMarker_bytes + length;
    bool is_read = false;
    if (marker == kQuantizationTables) {
      is_read = markers.read_quantization(segment);
    } else if (marker == kHuffmanTables) {
      is_read = markers.read_codes(segment);
    } else if (marker == kStartOfFrame) {
      is_read = markers.read_frame(segment);
    } else if (marker == kRestartInterval) {
      is_read = segment.size() == 2;
      if (is_read) markers.restart_interval = static_cast<int>(word_at(segment, 0));
    } else if (marker >= kApplication0 && marker <= kApplication15) {
      is_read = markers.read_application(marker, segment);
    } else if (marker == kComment) {
      is_read = true;
    } else if (marker == kStartOfScan) {
      return markers.begin_scan(segment, file.subspan(at));
    }
    if (!is_read) return {};
  }
  return {};
}

}  // namespace faceforge::image::internal
