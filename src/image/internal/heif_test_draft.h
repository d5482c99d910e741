#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/internal/heif_coded_size.h"

// HEIC and AVIF files for tests, built box by box: no encoder writes what a hostile file says. What
// is coded in them ends after the size, which is all that is looked for.

namespace faceforge::image::internal {

inline constexpr double kPlenty = 100;  // megapixels

inline std::string number(uint64_t value, int byte_count) {
  std::string bytes;
  for (int i = byte_count - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

inline std::string box(std::string_view type, std::string_view contents) {
  return number(contents.size() + 8, 4).append(type).append(contents);
}

inline std::string full_box(std::string_view type, std::string_view contents, uint64_t version = 0,
                            uint64_t flags = 0) {
  return box(type, number(version << 24 | flags, 4).append(contents));
}

// Bits, most significant first; filled up with zeros to whole bytes.
class BitWriter {
 public:
  BitWriter& put(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bits_ += (value >> i & 1) != 0 ? '1' : '0';
    return *this;
  }
  // Exponential Golomb.
  BitWriter& put_golomb(uint64_t value) {
    int zeros = 0;
    while ((value + 1) >> (zeros + 1) != 0) ++zeros;
    return put(0, zeros).put(value + 1, zeros + 1);
  }
  [[nodiscard]] std::string bytes() const {
    std::string packed((bits_.size() + 7) / 8, '\0');
    for (size_t i = 0; i < bits_.size(); ++i) {
      if (bits_[i] == '1') packed[i / 8] = static_cast<char>(packed[i / 8] | 0x80 >> i % 8);
    }
    return packed;
  }

 private:
  std::string bits_;
};

struct HevcKind {
  int sub_layers = 0;
  uint64_t chroma = 1;
  bool has_emulation = false;
};

// A sequence parameter set (H.265, section 7.3.2.2).
inline std::string hevc_unit(uint64_t width_px, uint64_t height_px, HevcKind kind = {}) {
  BitWriter bits;
  bits.put(0, 1).put(33, 6).put(1, 9);  // the unit's header
  bits.put(0, 4).put(static_cast<uint64_t>(kind.sub_layers), 3).put(1, 1);
  for (int byte = 0; byte < 12; ++byte) bits.put(0xA5, 8);  // general profile and level
  if (kind.sub_layers > 0) {
    for (int layer = 0; layer < 8; ++layer) bits.put(layer < kind.sub_layers ? 3 : 0, 2);
    for (int layer = 0; layer < kind.sub_layers; ++layer) {
      for (int byte = 0; byte < 12; ++byte) bits.put(0x5A, 8);
    }
  }
  bits.put_golomb(0).put_golomb(kind.chroma);
  if (kind.chroma == 3) bits.put(0, 1);
  return bits.put_golomb(width_px).put_golomb(height_px).put(1, 1).bytes();
}

inline std::string hvcc(std::string_view unit, uint64_t length_size_minus_one = 3) {
  return box("hvcC", std::string(21, '\1') + number(0xFC | length_size_minus_one, 1) +
                         number(1, 1) + number(33, 1) + number(1, 2) + number(unit.size(), 2) +
                         std::string(unit));
}

inline std::string in_data(std::string_view unit, int length_bytes = 4) {
  return number(unit.size(), length_bytes).append(unit);
}

inline std::string ispe(uint64_t width_px, uint64_t height_px) {
  return full_box("ispe", number(width_px, 4) + number(height_px, 4));
}

inline BitWriter& put_av1_size(BitWriter& bits, uint64_t width_px, uint64_t height_px) {
  return bits.put(15, 4).put(13, 4).put(width_px - 1, 16).put(height_px - 1, 14);
}

// A sequence header (AV1, section 5.5) after what `begin` puts behind the profile.
inline std::string av1_unit(const BitWriter& bits) {
  return number(0x0A, 1) + number(bits.bytes().size(), 1) + bits.bytes();
}

inline std::string av1_still(uint64_t width_px, uint64_t height_px) {
  BitWriter bits;
  bits.put(0, 3).put(1, 1).put(1, 1).put(31, 5);  // profile, still, reduced, level
  return av1_unit(put_av1_size(bits, width_px, height_px));
}

inline std::string av1c(std::string_view units) {
  return box("av1C", number(0x81000C00, 4).append(units));
}

struct Extent {
  uint64_t offset = 0;
  uint64_t length = 0;
};

// A file in the making; each part of its `meta` box may be changed before it is put together.
struct Draft {
  std::string media;  // the contents of `mdat`, which stands first: offsets begin at 8
  std::string types;
  std::string properties;
  std::string associations;
  std::string places;
  std::string idat;
  std::string references;
  uint64_t property_count = 0;
  uint64_t association_count = 0;
  uint64_t place_count = 0;
  uint64_t primary = 1;

  void add_type(uint64_t id, std::string_view type) {
    types += full_box("infe", number(id, 2) + number(0, 2) + std::string(type) + '\0', 2);
  }
  void add_properties(uint64_t id, const std::vector<std::string>& boxes) {
    associations += number(id, 2) + number(boxes.size(), 1);
    for (const std::string& property : boxes) {
      properties += property;
      associations += number(++property_count, 1);
    }
    ++association_count;
  }
  void add_place(uint64_t id, const std::vector<Extent>& extents, uint64_t method = 0) {
    places += number(id, 2) + number(method, 2) + number(0, 2) + number(extents.size(), 2);
    for (const auto& [offset, length] : extents) places += number(offset, 4) + number(length, 4);
    ++place_count;
  }
  void add(uint64_t id, std::string_view type, const std::vector<std::string>& boxes,
           std::string_view data = {}) {
    add_type(id, type);
    add_properties(id, boxes);
    if (!data.empty()) add_place(id, {{8 + media.size(), data.size()}});
    media += data;
  }
  void refer(std::string_view type, uint64_t from, const std::vector<uint64_t>& to) {
    std::string ids = number(from, 2) + number(to.size(), 2);
    for (const uint64_t id : to) ids += number(id, 2);
    references += box(type, ids);
  }

  [[nodiscard]] std::string item_infos() const {
    return full_box("iinf", number(1, 2) + types);  // the number of them is not looked at
  }
  [[nodiscard]] std::string item_properties() const {
    return box("iprp", box("ipco", properties) +
                           full_box("ipma", number(association_count, 4) + associations));
  }
  [[nodiscard]] std::string item_places() const {
    return full_box("iloc", number(0x4400, 2) + number(place_count, 2) + places, 1);
  }
  [[nodiscard]] std::string meta_with(std::string_view infos, std::string_view item_boxes,
                                      std::string_view where) const {
    return full_box("meta", full_box("pitm", number(primary, 2)).append(infos).append(item_boxes) +
                                std::string(where) + box("idat", idat) +
                                full_box("iref", references));
  }
  [[nodiscard]] std::string meta() const {
    return meta_with(item_infos(), item_properties(), item_places());
  }
  [[nodiscard]] std::string file() const { return box("mdat", media) + meta(); }
};

inline Bytes as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

inline Result<void> check(const std::string& file, double megapixels = kPlenty) {
  return check_coded_sizes(as_bytes(file), megapixels);
}

// Empty when the file passes.
inline std::string said_of(const std::string& file, double megapixels = kPlenty) {
  const auto checked = check(file, megapixels);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(checked.error().reason, "image_damaged");
  return checked.error().message;
}

inline std::string senseless_said(std::string_view what) {
  return "the HEIC or AVIF file is damaged: its " + std::string(what) + " make no sense";
}

inline std::string sizes_said(std::string_view stated, std::string_view coded) {
  return "the HEIC or AVIF file says " + std::string(stated) +
         " pixels, and its picture is coded as " + std::string(coded);
}

inline const std::string kTooLarge = sizes_said("64 x 48", "2000 x 1500");

inline Draft hevc_photo(uint64_t width_px = 2000, uint64_t height_px = 1500) {
  Draft draft;
  draft.add(1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(width_px, height_px))});
  return draft;
}

inline Draft av1_photo(std::string_view units) {
  Draft draft;
  draft.add(1, "av01", {ispe(64, 48)}, units);
  return draft;
}

}  // namespace faceforge::image::internal
