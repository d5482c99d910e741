#include "image/internal/heif_coded_size.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "image/internal/heif_items.h"

namespace faceforge::image::internal {
namespace {

struct PictureSize {
  uint64_t width_px = 0;
  uint64_t height_px = 0;

  bool operator==(const PictureSize&) const = default;

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

  /// Exponential Golomb: as many zeros as bits that follow the first 1. After 32 zeros nothing
  /// follows, as in the AV1 decoders (section 4.10.3).
  uint64_t take_golomb() {
    int zeros = 0;
    while (zeros < 32 && position_ < bytes_.size() * 8 && !take_flag()) ++zeros;
    return (uint64_t{1} << zeros) - 1 + (zeros < 32 ? take(zeros) : 0);
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

/// The length before each unit in an item's data: libheif takes this one, whatever `hvcC` says.
constexpr size_t kHevcLength_bytes = 4;

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

PictureSize size_in_hevc_data(Bytes data) {
  PictureSize largest;
  while (data.size() > kHevcLength_bytes) {
    const uint64_t stated = read_integer(data.first(kHevcLength_bytes));
    data = data.subspan(kHevcLength_bytes);
    const Bytes unit = data.first(static_cast<size_t>(std::min<uint64_t>(stated, data.size())));
    largest.grow_to(size_in_hevc_unit(unit));
    data = data.subspan(unit.size());
  }
  return largest;
}

/// What an AV1 sequence says of its frames: how large they are, and what their headers hold.
struct Av1Sequence {
  PictureSize largest;
  int width_bits = 0;  // of a frame's own size
  int height_bits = 0;
  bool is_reduced = false;  // to one still picture
  int presentation_time_bits = 0;
  int removal_time_bits = 0;
  std::vector<uint64_t> removal_layers;  // of each operating point whose times frames have
  int frame_id_bits = 0;
  int frame_id_difference_bits = 0;
  int order_hint_bits = 0;
  std::optional<bool> has_screen_content_tools;  // nothing when each frame says so itself
  std::optional<bool> has_integer_motion;
};

void read_av1_operating_points(Bits& bits, Av1Sequence& sequence) {
  int delay_bits = 0;
  if (bits.take_flag()) {  // timing
    bits.take(64);         // units and scale
    const bool has_equal_intervals = bits.take_flag();
    if (has_equal_intervals) bits.take_golomb();
    if (bits.take_flag()) {  // decoder model
      delay_bits = static_cast<int>(bits.take(5)) + 1;
      bits.take(32);
      sequence.removal_time_bits = static_cast<int>(bits.take(5)) + 1;
      const auto presentation_time_bits = static_cast<int>(bits.take(5)) + 1;
      if (!has_equal_intervals) sequence.presentation_time_bits = presentation_time_bits;
    }
  }
  const bool has_display_delay = bits.take_flag();
  for (uint64_t left = bits.take(5) + 1; left > 0; --left) {
    const uint64_t layers = bits.take(12);
    if (bits.take(5) > 7) bits.take(1);
    if (delay_bits > 0 && bits.take_flag()) {
      bits.take(2 * delay_bits + 1);
      sequence.removal_layers.push_back(layers);
    }
    if (has_display_delay && bits.take_flag()) bits.take(4);
  }
}

/// A flag of a whole sequence; nothing when each frame has its own.
std::optional<bool> take_av1_choice(Bits& bits) {
  if (bits.take_flag()) return std::nullopt;
  return bits.take_flag();
}

void read_av1_tools(Bits& bits, Av1Sequence& sequence) {
  if (bits.take_flag()) {
    sequence.frame_id_difference_bits = static_cast<int>(bits.take(4)) + 2;
    sequence.frame_id_bits = static_cast<int>(bits.take(3)) + sequence.frame_id_difference_bits + 1;
  }
  bits.take(3 + 4);  // blocks and filters, prediction from other frames
  const bool has_order_hints = bits.take_flag();
  if (has_order_hints) bits.take(2);
  sequence.has_screen_content_tools = take_av1_choice(bits);
  if (sequence.has_screen_content_tools.value_or(true)) {
    sequence.has_integer_motion = take_av1_choice(bits);
  }
  if (has_order_hints) sequence.order_hint_bits = static_cast<int>(bits.take(3)) + 1;
}

Av1Sequence read_av1_sequence(Bits bits) {
  Av1Sequence sequence;
  bits.take(3 + 1);  // profile, still picture
  sequence.is_reduced = bits.take_flag();
  if (sequence.is_reduced) {
    bits.take(5);
  } else {
    read_av1_operating_points(bits, sequence);
  }
  sequence.width_bits = static_cast<int>(bits.take(4)) + 1;
  sequence.height_bits = static_cast<int>(bits.take(4)) + 1;
  sequence.largest.width_px = bits.take(sequence.width_bits) + 1;
  sequence.largest.height_px = bits.take(sequence.height_bits) + 1;
  if (!sequence.is_reduced) read_av1_tools(bits, sequence);
  return sequence;
}

struct Av1Unit {
  unsigned type = 0;
  unsigned temporal_layer = 0;
  unsigned spatial_layer = 0;
  Bytes payload;
};

/// AV1's low-overhead form: units with a header of a byte or two, then the length (LEB128).
///
/// in: not empty
Av1Unit take_av1_unit(Bytes& data) {
  const auto take_byte = [&] {
    const auto byte = data.empty() ? 0U : std::to_integer<unsigned>(data[0]);
    data = data.subspan(std::min<size_t>(1, data.size()));
    return byte;
  };
  Av1Unit unit;
  const unsigned header = take_byte();
  unit.type = header >> 3 & 0xF;
  if ((header & 4) != 0) {
    const unsigned extension = take_byte();
    unit.temporal_layer = extension >> 5;
    unit.spatial_layer = extension >> 3 & 3;
  }
  uint64_t length = data.size();
  if ((header & 2) != 0) {
    length = 0;
    for (int shift = 0; shift < 56; shift += 7) {
      const uint64_t byte = take_byte();
      length |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
  }
  unit.payload = data.first(static_cast<size_t>(std::min<uint64_t>(length, data.size())));
  data = data.subspan(unit.payload.size());
  return unit;
}

void skip_av1_removal_times(Bits& bits, const Av1Sequence& sequence, const Av1Unit& unit) {
  for (const uint64_t layers : sequence.removal_layers) {
    const bool has_temporal = (layers >> unit.temporal_layer & 1) != 0;
    const bool has_spatial = (layers >> (8 + unit.spatial_layer) & 1) != 0;
    if (layers == 0 || (has_temporal && has_spatial)) bits.take(sequence.removal_time_bits);
  }
}

/// The size of its own that a frame has, in place of its sequence's: the standard allows only
/// smaller ones, but the decoder follows any. Nothing when it has none, or that of another frame.
PictureSize size_in_av1_frame(const Av1Unit& unit, const Av1Sequence& sequence) {
  constexpr uint64_t kKey = 0;
  constexpr uint64_t kIntraOnly = 2;
  constexpr uint64_t kSwitch = 3;
  constexpr uint64_t kAll = 0xFF;
  Bits bits(unit.payload);
  if (sequence.is_reduced) return {};
  if (bits.take_flag()) return {};  // a frame shown again
  const uint64_t type = bits.take(2);
  const bool is_intra = type == kKey || type == kIntraOnly;
  const bool is_shown = bits.take_flag();
  bits.take(is_shown ? sequence.presentation_time_bits : 1);
  const bool replaces_all = type == kSwitch || (type == kKey && is_shown);
  const bool is_error_resilient = replaces_all || bits.take_flag();
  bits.take(1);  // whether probabilities stay
  const bool has_screen_content_tools =
      sequence.has_screen_content_tools ? *sequence.has_screen_content_tools : bits.take_flag();
  if (has_screen_content_tools && !sequence.has_integer_motion) bits.take(1);
  bits.take(sequence.frame_id_bits);
  const bool has_own_size = type == kSwitch || bits.take_flag();
  if (!has_own_size) return {};
  bits.take(sequence.order_hint_bits);
  if (!is_intra && !is_error_resilient) bits.take(3);  // whose probabilities it begins with
  if (sequence.removal_time_bits > 0 && bits.take_flag()) {
    skip_av1_removal_times(bits, sequence, unit);
  }
  const uint64_t replaced = replaces_all ? kAll : bits.take(8);
  if (is_error_resilient && (!is_intra || replaced != kAll)) {
    bits.take(8 * sequence.order_hint_bits);
  }
  if (!is_intra) {
    constexpr int kReferences = 7;
    const bool is_short = sequence.order_hint_bits > 0 && bits.take_flag();
    if (is_short) bits.take(3 + 3);
    for (int reference = 0; reference < kReferences; ++reference) {
      bits.take((is_short ? 0 : 3) + sequence.frame_id_difference_bits);
    }
    for (int reference = 0; reference < kReferences && !is_error_resilient; ++reference) {
      if (bits.take_flag()) return {};  // as large as that one, which was looked at in its place
    }
  }
  const uint64_t width_px = bits.take(sequence.width_bits) + 1;
  return {.width_px = width_px, .height_px = bits.take(sequence.height_bits) + 1};
}

PictureSize size_in_av1_units(Bytes data) {
  constexpr unsigned kSequenceHeader = 1;
  constexpr unsigned kFrameHeader = 3;
  constexpr unsigned kFrame = 6;
  constexpr unsigned kRedundantFrameHeader = 7;  // taken like the other where that one is missing
  PictureSize largest;
  std::optional<Av1Sequence> sequence;
  while (!data.empty()) {
    const Av1Unit unit = take_av1_unit(data);
    if (unit.type == kSequenceHeader) {
      sequence = read_av1_sequence(Bits(unit.payload));
      largest.grow_to(sequence->largest);
    }
    const bool is_frame =
        unit.type == kFrameHeader || unit.type == kFrame || unit.type == kRedundantFrameHeader;
    if (is_frame && sequence) largest.grow_to(size_in_av1_frame(unit, *sequence));
  }
  return largest;
}

/// The canvas that the parts of a `grid` or an overlay are put on; the size stands at `begin`.
PictureSize canvas_size(Bytes data, size_t begin) {
  if (data.size() < 2) return {};
  const bool is_wide = (std::to_integer<unsigned>(data[1]) & 1) != 0;
  const size_t bytes = is_wide ? 4 : 2;
  if (data.size() < begin + 2 * bytes) return {};
  return {.width_px = read_integer(data.subspan(begin, bytes)),
          .height_px = read_integer(data.subspan(begin + bytes, bytes))};
}

/// What libheif gives to the decoder of an AV1 item: the units of its (first) configuration and
/// those of its data follow each other, as if one had been cut off in the former.
std::vector<Bytes> av1_pieces(const HeifItem& item) {
  std::vector<Bytes> pieces = item.extents;
  const auto configuration = std::ranges::find(item.properties, "av1C", &Box::type);
  if (configuration != item.properties.end() && configuration->contents.size() > 4) {
    pieces.insert(pieces.begin(), configuration->contents.subspan(4));
  }
  return pieces;
}

/// fails: invalid_input/image_damaged when the units have other lengths than libheif reads
Result<PictureSize> coded_size(const HeifItem& item) {
  PictureSize largest;
  const auto pieces = item.type == "av01" ? av1_pieces(item) : item.extents;
  std::vector<std::byte> whole;
  if (pieces.size() > 1) {
    for (const Bytes piece : pieces) whole.insert(whole.end(), piece.begin(), piece.end());
  }
  const Bytes data = pieces.size() == 1 ? pieces.front() : Bytes(whole);
  for (const Box& property : item.properties) {
    if (property.type != "hvcC" || property.contents.size() < 22) continue;
    const size_t length_bytes = (std::to_integer<size_t>(property.contents[21]) & 3) + 1;
    if (length_bytes != kHevcLength_bytes) return senseless("HEVC unit lengths");
    largest.grow_to(size_in_hevc_configuration(property.contents));
    largest.grow_to(size_in_hevc_data(data));
  }
  if (item.type == "av01") largest.grow_to(size_in_av1_units(data));
  if (item.type == "grid") largest.grow_to(canvas_size(data, 4));
  if (item.type == "iovl") largest.grow_to(canvas_size(data, 10));
  return largest;
}

/// fails: invalid_input/image_damaged when there are two: libheif reports one of them
Result<PictureSize> stated_size(const HeifItem& item) {
  std::optional<PictureSize> stated;
  for (const Box& property : item.properties) {
    if (property.type != "ispe" || property.contents.size() < 12) continue;
    const PictureSize size{.width_px = read_integer(property.contents.subspan(4, 4)),
                           .height_px = read_integer(property.contents.subspan(8, 4))};
    if (stated && *stated != size) return senseless("picture sizes");
    stated = size;
  }
  return stated.value_or(PictureSize());
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
    if (depth > kMaxDepth || ++visit_count_ > kMaxVisits) return senseless("references");
    const auto found = items_.by_id.find(id);
    if (found == items_.by_id.end()) return 0;
    const HeifItem& item = found->second;
    const bool is_coded = item.type == "hvc1" || item.type == "av01";
    const bool is_canvas = item.type == "grid" || item.type == "iovl";
    double megapixels = is_coded || is_canvas ? TRY(megapixels_coded(id, item)) : 0;
    if (is_canvas && depth == 0) megapixels = 0;  // that is the photo, which has its own limit
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
    const PictureSize coded = TRY(coded_size(item));
    const PictureSize stated = TRY(stated_size(item));
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
