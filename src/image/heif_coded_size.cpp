#include "image/internal/heif_coded_size.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "image/internal/heif_items.h"

namespace faceforge::image::internal {
namespace {

struct PictureSize {
  uint64_t width_px = 0;
  uint64_t height_px = 0;

  void grow_to(const PictureSize& other) {
    width_px = std::max(width_px, other.width_px);
    height_px = std::max(height_px, other.height_px);
  }
};

/// Reads bit by bit, most significant first; past the end there are zeros.
class Bits {
 public:
  explicit Bits(Bytes bytes) : bytes_(bytes) {}

  uint64_t take(int count) {
    uint64_t value = 0;
    for (; count > 0; --count, ++position_) {
      const size_t at = position_ / 8;
      const auto byte = at < bytes_.size() ? std::to_integer<unsigned>(bytes_[at]) : 0U;
      value = value << 1 | (byte >> (7 - position_ % 8) & 1);
    }
    return value;
  }
  bool take_flag() { return take(1) != 0; }

  /// Exponential Golomb: as many zeros as bits that follow the first 1.
  uint64_t take_golomb() {
    int zeros = 0;
    while (zeros < 32 && position_ < bytes_.size() * 8 && !take_flag()) ++zeros;
    return (uint64_t{1} << zeros) - 1 + take(zeros);
  }

 private:
  Bytes bytes_;
  size_t position_ = 0;
};

/// Takes out the bytes that keep start codes from occurring by chance (H.265, section 7.3.1.1). Of
/// a sequence parameter set only the beginning matters here.
std::vector<std::byte> without_emulation_prevention(Bytes unit) {
  constexpr size_t kEnough_bytes = 256;
  std::vector<std::byte> plain;
  int zeros = 0;
  for (const std::byte byte : unit.first(std::min(unit.size(), kEnough_bytes))) {
    const bool is_prevention = zeros >= 2 && byte == std::byte{3};
    zeros = byte == std::byte{0} ? zeros + 1 : 0;
    if (!is_prevention) plain.push_back(byte);
  }
  return plain;
}

/// The size in an HEVC network abstraction layer unit; nothing but in a sequence parameter set.
PictureSize size_in_hevc_unit(Bytes unit) {
  constexpr uint64_t kSequenceParameterSet = 33;
  const auto plain = without_emulation_prevention(unit);
  Bits bits(plain);
  bits.take(1);
  const uint64_t type = bits.take(6);
  if (type != kSequenceParameterSet) return {};
  bits.take(9 + 4);  // layer and temporal id, video parameter set
  const auto sub_layers = static_cast<int>(bits.take(3));
  bits.take(1 + 88 + 8);  // general profile and level
  uint64_t present = 0;
  if (sub_layers > 0) present = bits.take(16);  // two bits for each of eight
  for (int layer = 0; layer < sub_layers; ++layer) {
    if ((present >> (15 - 2 * layer) & 1) != 0) bits.take(88);
    if ((present >> (14 - 2 * layer) & 1) != 0) bits.take(8);
  }
  bits.take_golomb();                         // its own id
  if (bits.take_golomb() == 3) bits.take(1);  // chroma format
  const uint64_t width_px = bits.take_golomb();
  return {.width_px = width_px, .height_px = bits.take_golomb()};
}

PictureSize size_in_hevc_configuration(Bytes contents) {
  PictureSize largest;
  if (contents.size() < 23) return largest;
  const auto array_count = std::to_integer<unsigned>(contents[22]);
  Bytes rest = contents.subspan(23);
  for (unsigned array = 0; array < array_count && rest.size() >= 3; ++array) {
    auto unit_count = read_integer(rest.subspan(1, 2));
    rest = rest.subspan(3);
    for (; unit_count > 0 && rest.size() >= 2; --unit_count) {
      const size_t length = std::min<size_t>(read_integer(rest.first(2)), rest.size() - 2);
      largest.grow_to(size_in_hevc_unit(rest.subspan(2, length)));
      rest = rest.subspan(2 + length);
    }
  }
  return largest;
}

PictureSize size_in_hevc_data(Bytes data, size_t length_bytes) {
  PictureSize largest;
  while (data.size() > length_bytes) {
    const uint64_t stated = read_integer(data.first(length_bytes));
    data = data.subspan(length_bytes);
    const Bytes unit = data.first(static_cast<size_t>(std::min<uint64_t>(stated, data.size())));
    largest.grow_to(size_in_hevc_unit(unit));
    data = data.subspan(unit.size());
  }
  return largest;
}

void skip_av1_operating_points(Bits& bits) {
  int delay_bits = 0;
  const bool has_timing = bits.take_flag();
  bool has_decoder_model = false;
  if (has_timing) {
    bits.take(64);  // units and scale
    if (bits.take_flag()) bits.take_golomb();
    has_decoder_model = bits.take_flag();
    if (has_decoder_model) {
      delay_bits = static_cast<int>(bits.take(5)) + 1;
      bits.take(32 + 5 + 5);
    }
  }
  const bool has_display_delay = bits.take_flag();
  for (uint64_t left = bits.take(5) + 1; left > 0; --left) {
    bits.take(12);
    if (bits.take(5) > 7) bits.take(1);
    if (has_decoder_model && bits.take_flag()) bits.take(2 * delay_bits + 1);
    if (has_display_delay && bits.take_flag()) bits.take(4);
  }
}

PictureSize size_in_av1_sequence_header(Bytes payload) {
  Bits bits(payload);
  bits.take(3 + 1);  // profile, still picture
  const bool is_reduced = bits.take_flag();
  if (is_reduced) {
    bits.take(5);
  } else {
    skip_av1_operating_points(bits);
  }
  const auto width_bits = static_cast<int>(bits.take(4)) + 1;
  const auto height_bits = static_cast<int>(bits.take(4)) + 1;
  const uint64_t width_px = bits.take(width_bits) + 1;
  return {.width_px = width_px, .height_px = bits.take(height_bits) + 1};
}

/// AV1's low-overhead form: units with a header of a byte or two, then the length (LEB128).
PictureSize size_in_av1_units(Bytes data) {
  constexpr unsigned kSequenceHeader = 1;
  PictureSize largest;
  while (!data.empty()) {
    const auto header = std::to_integer<unsigned>(data[0]);
    const bool has_extension = (header & 4) != 0;
    const bool has_length = (header & 2) != 0;
    data = data.subspan(std::min<size_t>(has_extension ? 2 : 1, data.size()));
    uint64_t length = data.size();
    if (has_length) {
      length = 0;
      for (int shift = 0; shift < 56 && !data.empty(); shift += 7) {
        const auto byte = std::to_integer<uint64_t>(data[0]);
        data = data.subspan(1);
        length |= (byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) break;
      }
    }
    const Bytes payload = data.first(static_cast<size_t>(std::min<uint64_t>(length, data.size())));
    if ((header >> 3 & 0xF) == kSequenceHeader) {
      largest.grow_to(size_in_av1_sequence_header(payload));
    }
    data = data.subspan(payload.size());
  }
  return largest;
}

/// A coded item's data in one piece.
std::vector<std::byte> joined(const std::vector<Bytes>& extents) {
  std::vector<std::byte> data;
  for (const Bytes extent : extents) data.insert(data.end(), extent.begin(), extent.end());
  return data;
}

PictureSize coded_size(const HeifItem& item) {
  PictureSize largest;
  const auto whole = item.extents.size() > 1 ? joined(item.extents) : std::vector<std::byte>();
  const Bytes data = item.extents.size() == 1 ? item.extents.front() : Bytes(whole);
  for (const Box& property : item.properties) {
    if (property.type == "hvcC" && property.contents.size() > 21) {
      largest.grow_to(size_in_hevc_configuration(property.contents));
      const size_t length_bytes = (std::to_integer<size_t>(property.contents[21]) & 3) + 1;
      largest.grow_to(size_in_hevc_data(data, length_bytes));
    } else if (property.type == "av1C" && property.contents.size() > 4) {
      largest.grow_to(size_in_av1_units(property.contents.subspan(4)));
    }
  }
  if (item.type == "av01") largest.grow_to(size_in_av1_units(data));
  return largest;
}

PictureSize stated_size(const HeifItem& item) {
  PictureSize stated;
  for (const Box& property : item.properties) {
    if (property.type != "ispe" || property.contents.size() < 12) continue;
    stated.grow_to({.width_px = read_integer(property.contents.subspan(4, 4)),
                    .height_px = read_integer(property.contents.subspan(8, 4))});
  }
  return stated;
}

/// Adds up what is decoded for a photo, item by item.
class Decoding {
 public:
  explicit Decoding(const HeifItems& items) : items_(items) {}

  /// out: the megapixels that are decoded for an item, all that it is made from included
  /// fails: see check_coded_sizes
  Result<double> megapixels_of(uint32_t id, int depth = 0) {
    constexpr int kMaxDepth = 8;
    constexpr size_t kMaxVisits = 100'000;
    const auto found = items_.by_id.find(id);
    if (found == items_.by_id.end() || depth > kMaxDepth || ++visit_count_ > kMaxVisits) return 0;
    const HeifItem& item = found->second;
    const bool is_coded = item.type == "hvc1" || item.type == "av01";
    double megapixels = is_coded ? TRY(megapixels_coded(id, item)) : 0;
    for (const uint32_t part : item.made_from) megapixels += TRY(megapixels_of(part, depth + 1));
    for (const uint32_t other : item.auxiliaries) {
      megapixels += TRY(megapixels_of(other, depth + 1));
    }
    return megapixels;
  }

 private:
  Result<double> megapixels_coded(uint32_t id, const HeifItem& item) {
    const auto known = megapixels_by_id_.find(id);
    if (known != megapixels_by_id_.end()) return known->second;
    // Coded pictures end on a multiple of the largest block; the rest is cut off when shown.
    constexpr uint64_t kAlignment_px = 128;
    const PictureSize coded = coded_size(item);
    const PictureSize stated = stated_size(item);
    if (coded.width_px > stated.width_px + kAlignment_px ||
        coded.height_px > stated.height_px + kAlignment_px) {
      return fail(ErrorCode::InvalidInput, "image_damaged",
                  "the HEIC or AVIF file says {} x {} pixels, and its picture is coded as {} x {}",
                  stated.width_px, stated.height_px, coded.width_px, coded.height_px);
    }
    const double megapixels =
        1e-6 * static_cast<double>(coded.width_px) * static_cast<double>(coded.height_px);
    megapixels_by_id_[id] = megapixels;
    return megapixels;
  }

  const HeifItems& items_;
  std::map<uint32_t, double> megapixels_by_id_;
  size_t visit_count_ = 0;
};

}  // namespace

Result<void> check_coded_sizes(Bytes file, double megapixels) {
  constexpr double kParts = 3;  // the picture, its alpha and what is cut off
  const HeifItems items = TRY(read_heif_items(file));
  Decoding decoding(items);
  const double decoded = TRY(decoding.megapixels_of(items.primary));
  if (decoded <= kParts * megapixels) return {};
  return fail(ErrorCode::TooLarge, "photo_too_large",
              "the parts of the photo have {:g} megapixels together; the limit is {:g}",
              std::ceil(decoded * 10) / 10, kParts * megapixels);
}

}  // namespace faceforge::image::internal
