#include "image/internal/heif_coded_size.h"

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/internal/heif_items.h"
#include "image/internal/heif_orientation.h"

// The files are built here, box by box: no encoder writes what a hostile file says. What is coded
// in them ends after the size, which is all that is looked for.

namespace faceforge::image::internal {
namespace {

constexpr double kPlenty = 100;  // megapixels

std::string number(uint64_t value, int byte_count) {
  std::string bytes;
  for (int i = byte_count - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string box(std::string_view type, std::string_view contents) {
  return number(contents.size() + 8, 4).append(type).append(contents);
}

std::string full_box(std::string_view type, std::string_view contents, uint64_t version = 0,
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
std::string hevc_unit(uint64_t width_px, uint64_t height_px, HevcKind kind = {}) {
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

std::string hvcc(std::string_view unit, uint64_t length_size_minus_one = 3) {
  return box("hvcC", std::string(21, '\1') + number(0xFC | length_size_minus_one, 1) +
                         number(1, 1) + number(33, 1) + number(1, 2) + number(unit.size(), 2) +
                         std::string(unit));
}

std::string in_data(std::string_view unit, int length_bytes = 4) {
  return number(unit.size(), length_bytes).append(unit);
}

std::string ispe(uint64_t width_px, uint64_t height_px) {
  return full_box("ispe", number(width_px, 4) + number(height_px, 4));
}

BitWriter& put_av1_size(BitWriter& bits, uint64_t width_px, uint64_t height_px) {
  return bits.put(15, 4).put(13, 4).put(width_px - 1, 16).put(height_px - 1, 14);
}

// A sequence header (AV1, section 5.5) after what `begin` puts behind the profile.
std::string av1_unit(const BitWriter& bits) {
  return number(0x0A, 1) + number(bits.bytes().size(), 1) + bits.bytes();
}

std::string av1_still(uint64_t width_px, uint64_t height_px) {
  BitWriter bits;
  bits.put(0, 3).put(1, 1).put(1, 1).put(31, 5);  // profile, still, reduced, level
  return av1_unit(put_av1_size(bits, width_px, height_px));
}

std::string av1c(std::string_view units) {
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

Bytes as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Result<void> check(const std::string& file, double megapixels = kPlenty) {
  return check_coded_sizes(as_bytes(file), megapixels);
}

// Empty when the file passes.
std::string said_of(const std::string& file, double megapixels = kPlenty) {
  const auto checked = check(file, megapixels);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(checked.error().reason, "image_damaged");
  return checked.error().message;
}

std::string senseless_said(std::string_view what) {
  return "the HEIC or AVIF file is damaged: its " + std::string(what) + " make no sense";
}

std::string sizes_said(std::string_view stated, std::string_view coded) {
  return "the HEIC or AVIF file says " + std::string(stated) +
         " pixels, and its picture is coded as " + std::string(coded);
}

const std::string kTooLarge = sizes_said("64 x 48", "2000 x 1500");

Draft hevc_photo(uint64_t width_px = 2000, uint64_t height_px = 1500) {
  Draft draft;
  draft.add(1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(width_px, height_px))});
  return draft;
}

Draft av1_photo(std::string_view units) {
  Draft draft;
  draft.add(1, "av01", {ispe(64, 48)}, units);
  return draft;
}

TEST(HeifCodedSize, APictureThatIsAsLargeAsItsContainerSaysPasses) {
  EXPECT_EQ(said_of(hevc_photo(64, 48).file()), "");
  EXPECT_EQ(said_of(av1_photo(av1_still(64, 48)).file()), "");
}

TEST(HeifCodedSize, APictureMayBeLargerThanItsContainerSaysByTwoBlocksOf64) {
  EXPECT_EQ(said_of(hevc_photo(64 + 128, 48 + 128).file()), "");
  EXPECT_EQ(said_of(hevc_photo(64 + 129, 48).file()), sizes_said("64 x 48", "193 x 48"));
  EXPECT_EQ(said_of(hevc_photo(64, 48 + 129).file()), sizes_said("64 x 48", "64 x 177"));
}

TEST(HeifCodedSize, APictureWithoutAStatedSizeMayHaveNone) {
  Draft draft;
  draft.add(1, "hvc1", {hvcc(hevc_unit(129, 8))});
  EXPECT_EQ(said_of(draft.file()), sizes_said("0 x 0", "129 x 8"));
}

TEST(HeifCodedSize, SeveralMetaBoxesAreRefused) {
  const std::string honest = hevc_photo(64, 48).file();
  const std::string hostile = hevc_photo().meta();
  EXPECT_EQ(said_of(honest + hostile), senseless_said("`meta` boxes"));
  EXPECT_EQ(said_of(honest + box("free", "some") + hostile), senseless_said("`meta` boxes"));
  EXPECT_EQ(said_of(honest + box("free", "some")), "");
}

TEST(HeifCodedSize, AFileOfSeveralMetaBoxesDoesNotTurnItsPicture) {
  Draft draft = hevc_photo(64, 48);
  draft.properties += box("irot", number(1, 1));
  const std::string once = draft.file();
  const std::string twice = once + draft.meta();
  EXPECT_TRUE(container_turns_its_picture(as_bytes(once)));
  EXPECT_FALSE(container_turns_its_picture(as_bytes(twice)));
}

TEST(HeifCodedSize, AnItemThatHasItsTypeTwiceIsRefused) {
  Draft draft = hevc_photo();
  draft.add_type(1, "mime");
  EXPECT_EQ(said_of(draft.file()), senseless_said("items"));
}

TEST(HeifCodedSize, AnItemWithAndWithoutATypeIsRefused) {
  Draft draft;
  draft.types += full_box("infe", number(1, 2) + number(0, 2) + std::string(3, '\0'), 1);
  draft.add(1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(64, 48))});
  EXPECT_EQ(said_of(draft.file()), senseless_said("items"));
}

TEST(HeifCodedSize, LengthsOfHevcUnitsThatAreNotOfFourBytesAreRefused) {
  for (const uint64_t length_size_minus_one : {0, 1, 2}) {
    Draft draft;
    draft.add(1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(64, 48), length_size_minus_one)},
              in_data(hevc_unit(2000, 1500)));
    EXPECT_EQ(said_of(draft.file()), senseless_said("HEVC unit lengths")) << length_size_minus_one;
  }
}

TEST(HeifCodedSize, MadeFromOthersMoreThanEightDeepIsRefused) {
  const auto chain = [](uint64_t last) {
    Draft draft;
    for (uint64_t id = 1; id < last; ++id) {
      draft.add_type(id, "iden");
      draft.refer("dimg", id, {id + 1});
    }
    draft.add(last, "hvc1", {ispe(64, 48), hvcc(hevc_unit(2000, 1500))});
    return draft.file();
  };
  EXPECT_EQ(said_of(chain(9)), kTooLarge);
  EXPECT_EQ(said_of(chain(10)), senseless_said("references"));
}

TEST(HeifCodedSize, APictureThatIsMadeFromItselfIsRefused) {
  Draft draft = hevc_photo(64, 48);
  draft.refer("auxl", 1, {1});
  EXPECT_EQ(said_of(draft.file()), senseless_said("references"));
}

// 1 is made from 2, 400 times, and that from 3 as often: 1 + 400 + 160 000 steps, whether or not
// there is a 3.
TEST(HeifCodedSize, MadeFromOthersInMoreThan100000StepsIsRefused) {
  Draft draft;
  draft.add_type(1, "grid");
  draft.add_type(2, "grid");
  draft.refer("dimg", 1, std::vector<uint64_t>(400, 2));
  draft.refer("dimg", 2, std::vector<uint64_t>(400, 3));
  EXPECT_EQ(said_of(draft.file()), senseless_said("references"));
  draft.add(3, "hvc1", {ispe(8, 8), hvcc(hevc_unit(8, 8))});
  EXPECT_EQ(said_of(draft.file()), senseless_said("references"));
}

TEST(HeifCodedSize, APartThatIsNotThereCountsNothing) {
  Draft draft = hevc_photo(64, 48);
  draft.refer("dimg", 1, {7, 8});
  EXPECT_EQ(said_of(draft.file()), "");
}

TEST(HeifCodedSize, TwoStatedSizesThatDifferAreRefused) {
  for (const auto& [width_px, height_px] : {std::pair(2000, 48), std::pair(64, 1500)}) {
    Draft draft = hevc_photo(64, 48);
    draft.add_properties(1, {ispe(width_px, height_px)});
    EXPECT_EQ(said_of(draft.file()), senseless_said("picture sizes"));
  }
  Draft draft = hevc_photo();
  draft.add_properties(1, {ispe(64, 48)});
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

// Places and associations name ids of four bytes in these files, so that there can be enough.
TEST(HeifCodedSize, MoreThan100000ItemsAreRefusedWhereverTheyAreNamed) {
  const auto file_with = [](uint64_t typed, uint64_t associated, uint64_t placed,
                            std::string_view reference, uint64_t referred) {
    std::string types;
    std::string associations;
    std::string places;
    std::string references;
    uint64_t id = 0;
    for (uint64_t i = 0; i < typed; ++i) {
      types += full_box("infe", number(++id, 4) + number(0, 2) + "mime", 3);
    }
    for (uint64_t i = 0; i < associated; ++i) associations += number(++id, 4) + number(0, 1);
    for (uint64_t i = 0; i < placed; ++i) places += number(++id, 4) + number(0, 6);
    for (uint64_t i = 0; i < referred; ++i) {
      ++id;
      references += box(reference, number(id, 4) + number(1, 2) + number(id, 4));
    }
    return full_box("meta",
                    full_box("pitm", number(1, 2)) + full_box("iinf", number(typed, 4) + types, 1) +
                        box("iprp", full_box("ipma", number(associated, 4) + associations, 1)) +
                        full_box("iloc", number(0, 2) + number(placed, 4) + places, 2) +
                        full_box("iref", references, 1));
  };
  constexpr uint64_t kMany = 60'000;
  EXPECT_EQ(said_of(file_with(100'000, 0, 0, "dimg", 0)), "");
  EXPECT_EQ(said_of(file_with(100'001, 0, 0, "dimg", 0)), senseless_said("items"));
  EXPECT_EQ(said_of(file_with(0, 100'000, 0, "dimg", 0)), "");
  EXPECT_EQ(said_of(file_with(0, 100'001, 0, "dimg", 0)), senseless_said("items"));
  EXPECT_EQ(said_of(file_with(0, 0, 100'000, "dimg", 0)), "");
  EXPECT_EQ(said_of(file_with(0, 0, 100'001, "dimg", 0)), senseless_said("items"));
  EXPECT_EQ(said_of(file_with(0, kMany, 0, "dimg", kMany)), senseless_said("items"));
  EXPECT_EQ(said_of(file_with(0, kMany, 0, "auxl", kMany)), senseless_said("items"));
  EXPECT_EQ(said_of(file_with(0, kMany, 0, "cdsc", kMany)), "");
}

TEST(HeifCodedSize, MoreThan100000PropertiesAreRefused) {
  std::string properties;
  for (int i = 0; i < 100'000; ++i) properties += box("free", "");
  Draft draft;
  draft.properties = properties;
  EXPECT_EQ(said_of(draft.file()), "");
  draft.properties += box("free", "");
  EXPECT_EQ(said_of(draft.file()), senseless_said("properties"));
}

// 392 items with 255 each are 99 960.
TEST(HeifCodedSize, MoreThan100000AssociationsOfPropertiesAreRefused) {
  Draft draft;
  const auto associate = [&](int count) {
    draft.associations += number(1, 2) + number(count, 1) + std::string(count, '\1');
    ++draft.association_count;
  };
  for (int i = 0; i < 392; ++i) associate(255);
  associate(40);
  EXPECT_EQ(said_of(draft.file()), "");
  associate(1);
  EXPECT_EQ(said_of(draft.file()), senseless_said("properties"));
}

TEST(HeifCodedSize, MoreThan100000ExtentsAreRefused) {
  Draft draft;
  draft.add_place(1, std::vector<Extent>(50'000));
  draft.add_place(2, std::vector<Extent>(50'000));
  EXPECT_EQ(said_of(draft.file()), "");
  draft.add_place(3, {{}});
  EXPECT_EQ(said_of(draft.file()), senseless_said("places"));
}

TEST(HeifCodedSize, MoreThan100000ReferencesAreRefused) {
  Draft draft;
  draft.refer("cdsc", 1, std::vector<uint64_t>(50'000, 2));
  draft.refer("cdsc", 1, std::vector<uint64_t>(50'000, 2));
  EXPECT_EQ(said_of(draft.file()), "");
  draft.refer("cdsc", 1, {2});
  EXPECT_EQ(said_of(draft.file()), senseless_said("references"));
}

TEST(HeifCodedSize, ItemsThatNameMoreBytesThanTheFileHasAreRefused) {
  Draft draft;
  draft.add(1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(64, 48))}, std::string(1000, '\0'));
  EXPECT_EQ(said_of(draft.file()), "");
  const uint64_t once = draft.file().size() + 16;  // as long as with the second item's place
  Draft whole = draft;
  whole.places.clear();
  whole.place_count = 0;
  whole.add_place(1, {{0, 1}});
  whole.add_place(2, {{0, once - 1}});
  ASSERT_EQ(whole.file().size(), once);
  EXPECT_EQ(said_of(whole.file()), "");
  whole.places.clear();
  whole.add_place(1, {{0, 1}});
  whole.add_place(2, {{0, once}});
  whole.place_count = 2;
  EXPECT_EQ(said_of(whole.file()), senseless_said("places"));
}

TEST(HeifCodedSize, NumbersOfPlacesThatAreNotOfFourOrEightBytesAreRefused) {
  const auto file_with = [](uint64_t sizes, uint64_t version) {
    const std::string places =
        full_box("iloc", number(sizes, 2) + number(0, version < 2 ? 2 : 4), version);
    const Draft draft = hevc_photo(64, 48);
    return draft.meta_with(draft.item_infos(), draft.item_properties(), places);
  };
  for (const uint64_t bytes : {1, 2, 3, 5, 7, 9, 15}) {
    for (const int shift : {12, 8, 4, 0}) {
      EXPECT_EQ(said_of(file_with(bytes << shift, 2)), senseless_said("places"))
          << bytes << " " << shift;
    }
  }
  for (const uint64_t sizes : {0x0000, 0x4440, 0x8880}) {
    for (const uint64_t version : {0, 1, 2}) EXPECT_EQ(said_of(file_with(sizes, version)), "");
  }
  EXPECT_EQ(said_of(file_with(0x4404, 2)), "");
  EXPECT_EQ(said_of(file_with(0x4404, 1)), senseless_said("places"));
  EXPECT_EQ(said_of(file_with(0x4404, 0)), "");  // not a size, in this version
}

TEST(HeifCodedSize, PlacesOutsideOfTheItemDataAreRefused) {
  const std::string units = in_data(hevc_unit(64, 48));
  const auto file_with = [&](const Extent& extent) {
    Draft draft;
    draft.add(1, "hvc1", {ispe(64, 48), hvcc("")});
    draft.add_place(1, {extent}, 1);
    draft.idat = units;
    return draft.file();
  };
  EXPECT_EQ(said_of(file_with({0, units.size()})), "");
  EXPECT_EQ(said_of(file_with({0, units.size() + 1})), senseless_said("places"));
  EXPECT_EQ(said_of(file_with({units.size(), 0})), "");
  EXPECT_EQ(said_of(file_with({units.size(), 1})), senseless_said("places"));
  EXPECT_EQ(said_of(file_with({units.size() + 5, 1})), senseless_said("places"));
}

TEST(HeifCodedSize, ReferencesThatDoNotFillTheirBoxesAreRefused) {
  const std::string hidden = box("dimg", number(1, 2) + number(1, 2) + number(2, 2));
  for (const std::string& references :
       {box("cdsc", number(1, 2) + number(1, 2) + number(1, 2) + hidden),
        box("cdsc", number(1, 2) + number(2, 2) + number(1, 2)),
        box("cdsc", number(1, 2) + number(0, 2)) + number(5, 4) + "dimg"}) {
    Draft draft;
    draft.add_type(1, "grid");
    draft.add(2, "hvc1", {ispe(64, 48), hvcc(hevc_unit(2000, 1500))});
    draft.references = references;
    EXPECT_EQ(said_of(draft.file()), senseless_said("references"));
  }
}

TEST(HeifCodedSize, HevcSizesAreReadFromTheConfigurationAndFromTheData) {
  EXPECT_EQ(said_of(hevc_photo().file()), kTooLarge);
  Draft draft;
  draft.add(
      1, "hvc1", {ispe(64, 48), hvcc(hevc_unit(64, 48))},
      in_data(hevc_unit(64, 48)) + in_data("\x26\x01picture") + in_data(hevc_unit(2000, 1500)));
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

TEST(HeifCodedSize, HevcSizesAreReadBehindSubLayersAndAnyChromaFormat) {
  for (const int sub_layers : {0, 1, 3, 6}) {
    for (const uint64_t chroma : {0, 1, 2, 3}) {
      Draft draft;
      draft.add(1, "hvc1",
                {ispe(64, 48),
                 hvcc(hevc_unit(2000, 1500, {.sub_layers = sub_layers, .chroma = chroma}))});
      EXPECT_EQ(said_of(draft.file()), kTooLarge) << sub_layers << " " << chroma;
    }
  }
}

// The general profile and level may hold zeros, which an encoder then keeps apart by a 3.
TEST(HeifCodedSize, HevcSizesAreReadBehindBytesThatPreventStartCodes) {
  std::string unit = hevc_unit(2000, 1500);
  unit.replace(5, 4, std::string("\0\0\3\0\0\3", 6));  // for four zeros
  Draft draft;
  draft.add(1, "hvc1", {ispe(64, 48), hvcc(unit)});
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

TEST(HeifCodedSize, Av1SizesAreReadFromTheConfigurationAndFromTheData) {
  Draft draft;
  draft.add(1, "av01", {ispe(64, 48), av1c(av1_still(2000, 1500))}, av1_still(64, 48));
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
  const std::string delimiter = number(0x1200, 2);
  EXPECT_EQ(said_of(av1_photo(delimiter + av1_still(2000, 1500)).file()), kTooLarge);
}

TEST(HeifCodedSize, Av1SizesAreReadFromUnitsWithAnExtensionOrWithoutALength) {
  const std::string header = av1_still(2000, 1500).substr(2);
  EXPECT_EQ(said_of(av1_photo(number(0x08, 1) + header).file()), kTooLarge);
  EXPECT_EQ(said_of(av1_photo(number(0x0E20, 2) + number(header.size(), 1) + header).file()),
            kTooLarge);
  const std::string long_length = number(0x80 | header.size(), 1) + number(0x8000, 2);
  EXPECT_EQ(said_of(av1_photo(number(0x0A, 1) + long_length + header).file()), kTooLarge);
}

struct OperatingPoints {
  bool has_timing = false;
  bool has_equal_intervals = false;
  bool has_decoder_model = false;
  bool has_display_delay = false;
  int count = 1;
  uint64_t level = 5;
};

std::string av1_sequence(const OperatingPoints& points) {
  constexpr int kDelay_bits = 20;
  BitWriter bits;
  bits.put(0, 3).put(0, 1).put(0, 1).put(points.has_timing, 1);
  if (points.has_timing) {
    bits.put(0x0123456789ABCDEF, 64).put(points.has_equal_intervals, 1);
    if (points.has_equal_intervals) bits.put_golomb(100);
    bits.put(points.has_decoder_model, 1);
    if (points.has_decoder_model) bits.put(kDelay_bits - 1, 5).put(0xFEDCBA98, 32).put(9, 10);
  }
  bits.put(points.has_display_delay, 1).put(static_cast<uint64_t>(points.count) - 1, 5);
  for (int point = 0; point < points.count; ++point) {
    const bool has_more = point % 2 == 0;
    bits.put(0x101, 12).put(points.level, 5);
    if (points.level > 7) bits.put(1, 1);
    if (points.has_decoder_model) bits.put(has_more, 1);
    if (points.has_decoder_model && has_more) bits.put(0xABCDEABCDE, 2 * kDelay_bits).put(1, 1);
    if (points.has_display_delay) bits.put(has_more, 1);
    if (points.has_display_delay && has_more) bits.put(7, 4);
  }
  return av1_unit(put_av1_size(bits, 2000, 1500));
}

TEST(HeifCodedSize, Av1SizesAreReadBehindOperatingPoints) {
  const std::vector<OperatingPoints> kinds{
      {},
      {.count = 32},
      {.count = 3, .level = 8},
      {.has_timing = true},
      {.has_timing = true, .has_equal_intervals = true},
      {.has_display_delay = true, .count = 2},
      {.has_timing = true, .has_decoder_model = true, .count = 2},
      {.has_timing = true,
       .has_equal_intervals = true,
       .has_decoder_model = true,
       .has_display_delay = true,
       .count = 5,
       .level = 31},
  };
  for (size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_EQ(said_of(av1_photo(av1_sequence(kinds[i])).file()), kTooLarge) << i;
  }
}

TEST(HeifCodedSize, NothingFollows32ZerosInAnAv1TimeBetweenPictures) {
  BitWriter bits;
  bits.put(0, 5).put(1, 1).put(0, 64).put(1, 1).put(0, 32);  // the time between pictures
  bits.put(0, 1).put(0, 1).put(0, 5).put(0, 12).put(5, 5);
  put_av1_size(bits, 2000, 1500).put(0xFFFFFFFF, 32);
  EXPECT_EQ(said_of(av1_photo(av1_unit(bits)).file()), kTooLarge);
}

enum class Av1Choice { Never, Always, InEachFrame };

// What the headers of a sequence's frames depend on.
struct Av1Frames {
  bool has_timing = false;
  bool has_equal_intervals = false;
  bool has_decoder_model = false;
  std::vector<uint64_t> layers{0};  // of each operating point
  bool has_ids = false;
  int order_hint_bits = 0;
  Av1Choice screen_content_tools = Av1Choice::InEachFrame;
  Av1Choice integer_motion = Av1Choice::InEachFrame;
  bool is_modelled = true;  // each operating point
};

constexpr int kRemoval_bits = 27;
constexpr int kPresentation_bits = 11;
constexpr int kIdDifference_bits = 9;
constexpr int kId_bits = 15;

void put_av1_choice(BitWriter& bits, Av1Choice choice) {
  bits.put(choice == Av1Choice::InEachFrame, 1);
  if (choice != Av1Choice::InEachFrame) bits.put(choice == Av1Choice::Always, 1);
}

// A sequence header of 64 x 48 up to the last bit that matters (AV1, sections 5.5.1 to 5.5.5).
std::string av1_sequence_of(const Av1Frames& frames) {
  BitWriter bits;
  bits.put(0, 3).put(0, 1).put(0, 1).put(frames.has_timing, 1);
  if (frames.has_timing) {
    bits.put(1, 32).put(30, 32).put(frames.has_equal_intervals, 1);
    if (frames.has_equal_intervals) bits.put_golomb(5);
    bits.put(frames.has_decoder_model, 1);
    if (frames.has_decoder_model) {
      bits.put(3, 5).put(1, 32).put(kRemoval_bits - 1, 5).put(kPresentation_bits - 1, 5);
    }
  }
  bits.put(0, 1).put(frames.layers.size() - 1, 5);
  for (const uint64_t layers : frames.layers) {
    bits.put(layers, 12).put(5, 5);
    if (frames.has_decoder_model) bits.put(frames.is_modelled, 1);
    if (frames.has_decoder_model && frames.is_modelled) bits.put(0x5A, 8).put(0, 1);
  }
  put_av1_size(bits, 64, 48).put(frames.has_ids, 1);
  if (frames.has_ids) bits.put(kIdDifference_bits - 2, 4);
  if (frames.has_ids) bits.put(kId_bits - kIdDifference_bits - 1, 3);
  bits.put(5, 3).put(10, 4).put(frames.order_hint_bits > 0, 1);
  if (frames.order_hint_bits > 0) bits.put(1, 2);
  put_av1_choice(bits, frames.screen_content_tools);
  if (frames.screen_content_tools != Av1Choice::Never) put_av1_choice(bits, frames.integer_motion);
  if (frames.order_hint_bits > 0) {
    bits.put(static_cast<uint64_t>(frames.order_hint_bits) - 1, 3);
  }
  return av1_unit(bits);
}

enum class Av1FrameType { Key, Inter, IntraOnly, Switch };

struct Av1Frame {
  Av1FrameType type = Av1FrameType::Key;
  bool is_shown = true;
  bool is_error_resilient = false;
  bool has_screen_content_tools = false;
  bool has_own_size = true;
  bool has_removal_times = false;
  int removal_time_count = 1;  // of the operating points that the frame belongs to
  uint64_t replaced = 0x51;
  bool is_short = false;
  int same_size_as = -1;  // which of seven references
  uint64_t width_px = 2000;
  uint64_t height_px = 1500;
};

// A frame header from its first bit to its size (AV1, section 5.9.2). What it holds besides has
// bits of both kinds, so that no size comes out right by chance where one is missed.
std::string av1_frame_of(const Av1Frames& frames, const Av1Frame& frame) {
  const bool is_intra = frame.type == Av1FrameType::Key || frame.type == Av1FrameType::IntraOnly;
  const bool is_switch = frame.type == Av1FrameType::Switch;
  const bool replaces_all = is_switch || (frame.type == Av1FrameType::Key && frame.is_shown);
  const bool is_error_resilient = replaces_all || frame.is_error_resilient;
  BitWriter bits;
  bits.put(0, 1).put(static_cast<uint64_t>(frame.type), 2).put(frame.is_shown, 1);
  if (frame.is_shown && frames.has_decoder_model && !frames.has_equal_intervals) {
    bits.put(0x2A5, kPresentation_bits);
  }
  if (!frame.is_shown) bits.put(1, 1);
  if (!replaces_all) bits.put(frame.is_error_resilient, 1);
  bits.put(1, 1);
  bool has_tools = frames.screen_content_tools == Av1Choice::Always;
  if (frames.screen_content_tools == Av1Choice::InEachFrame) {
    has_tools = frame.has_screen_content_tools;
    bits.put(has_tools, 1);
  }
  if (has_tools && frames.integer_motion == Av1Choice::InEachFrame) bits.put(0, 1);
  if (frames.has_ids) bits.put(0x5A5A, kId_bits);
  if (!is_switch) bits.put(frame.has_own_size, 1);
  bits.put(0x2D, frames.order_hint_bits);
  if (!is_intra && !is_error_resilient) bits.put(5, 3);
  if (frames.has_decoder_model) bits.put(frame.has_removal_times, 1);
  if (frames.has_decoder_model && frame.has_removal_times) {
    for (int i = 0; i < frame.removal_time_count; ++i) bits.put(0x5A5A5A5, kRemoval_bits);
  }
  if (!replaces_all) bits.put(frame.replaced, 8);
  const bool has_hints = !is_intra || (!replaces_all && frame.replaced != 0xFF);
  for (int i = 0; i < 8 && is_error_resilient && has_hints; ++i) {
    bits.put(0x2D, frames.order_hint_bits);
  }
  if (!is_intra) {
    if (frames.order_hint_bits > 0) bits.put(frame.is_short, 1);
    if (frame.is_short) bits.put(0x2D, 6);
    for (int reference = 0; reference < 7; ++reference) {
      if (!frame.is_short) bits.put(5, 3);
      if (frames.has_ids) bits.put(0x15A, kIdDifference_bits);
    }
    for (int reference = 0; reference < 7 && !is_error_resilient; ++reference) {
      bits.put(reference == frame.same_size_as, 1);
      if (reference == frame.same_size_as) return bits.put(0xFFFFFFFFFFFF, 48).bytes();
    }
  }
  return bits.put(frame.width_px - 1, 16).put(frame.height_px - 1, 14).put(1, 1).bytes();
}

constexpr uint64_t kFrameHeaderUnit = 3;
constexpr uint64_t kFrameUnit = 6;
constexpr uint64_t kRedundantFrameHeaderUnit = 7;

std::string av1_frame_unit(std::string_view header, uint64_t type = kFrameUnit) {
  return number(type << 3 | 2, 1) + number(header.size(), 1) + std::string(header);
}

std::string said_of_frame(const Av1Frames& frames, const Av1Frame& frame) {
  const std::string unit = av1_frame_unit(av1_frame_of(frames, frame));
  return said_of(av1_photo(av1_sequence_of(frames) + unit).file());
}

// Of every kind of frame that a sequence of this kind can have.
std::set<std::string> all_frame_headers(const Av1Frames& frames, bool has_own_size) {
  std::set<std::string> headers;
  for (const auto type :
       {Av1FrameType::Key, Av1FrameType::Inter, Av1FrameType::IntraOnly, Av1FrameType::Switch}) {
    for (unsigned flags = 0; flags < 64; ++flags) {
      Av1Frame frame{.type = type, .has_own_size = has_own_size};
      frame.is_shown = (flags & 1) != 0;
      frame.is_error_resilient = (flags & 2) != 0;
      frame.has_screen_content_tools = (flags & 4) != 0;
      frame.has_removal_times = (flags & 8) != 0;
      frame.replaced = (flags & 16) != 0 ? 0xFF : 0x51;
      frame.is_short = (flags & 32) != 0 && frames.order_hint_bits > 0;
      const bool fits = has_own_size || type != Av1FrameType::Switch;  // which has one always
      if (fits) headers.insert(av1_frame_of(frames, frame));
    }
  }
  return headers;
}

std::vector<Av1Frames> all_sequences() {
  const std::vector<Av1Frames> timings{
      {},
      {.has_timing = true, .has_equal_intervals = true},
      {.has_timing = true, .has_decoder_model = true},
      {.has_timing = true, .has_equal_intervals = true, .has_decoder_model = true}};
  const auto choices = {Av1Choice::Never, Av1Choice::Always, Av1Choice::InEachFrame};
  std::vector<Av1Frames> all;
  for (Av1Frames frames : timings) {
    for (const bool has_ids : {false, true}) {
      for (const int order_hint_bits : {0, 8}) {
        for (const auto tools : choices) {
          for (const auto motion : choices) {
            frames.has_ids = has_ids;
            frames.order_hint_bits = order_hint_bits;
            frames.screen_content_tools = tools;
            frames.integer_motion = motion;
            all.push_back(frames);
          }
        }
      }
    }
  }
  return all;
}

TEST(HeifCodedSize, AFrameWithASizeOfItsOwnIsAsLargeAsThatInEveryKindOfAv1Sequence) {
  for (const Av1Frames& frames : all_sequences()) {
    const std::string sequence = av1_sequence_of(frames);
    for (const std::string& header : all_frame_headers(frames, true)) {
      ASSERT_EQ(said_of(av1_photo(sequence + av1_frame_unit(header)).file()), kTooLarge)
          << testing::PrintToString(sequence) << " " << testing::PrintToString(header);
    }
  }
}

TEST(HeifCodedSize, AFrameOfItsAv1SequencesSizePassesWhateverFollows) {
  for (const Av1Frames& frames : all_sequences()) {
    std::string units = av1_sequence_of(frames);
    for (const std::string& header : all_frame_headers(frames, false)) {
      units += av1_frame_unit(header);
    }
    ASSERT_EQ(said_of(av1_photo(units).file()), "") << testing::PrintToString(units);
  }
}

TEST(HeifCodedSize, AFrameSmallerThanItsAv1SequencePassesAndTwoBlocksMoreToo) {
  const auto said_of_size = [](uint64_t width_px, uint64_t height_px) {
    return said_of_frame({}, {.width_px = width_px, .height_px = height_px});
  };
  EXPECT_EQ(said_of_size(32, 24), "");
  EXPECT_EQ(said_of_size(64 + 128, 48 + 128), "");
  EXPECT_EQ(said_of_size(64 + 129, 24), sizes_said("64 x 48", "193 x 48"));
  EXPECT_EQ(said_of_size(32, 48 + 129), sizes_said("64 x 48", "64 x 177"));
  EXPECT_EQ(said_of_size(1 << 16, 1 << 14), sizes_said("64 x 48", "65536 x 16384"));
}

TEST(HeifCodedSize, TheLargestOfAllAv1FramesCounts) {
  const std::string small = av1_frame_unit(av1_frame_of({}, {.width_px = 32, .height_px = 24}));
  const std::string large = av1_frame_unit(av1_frame_of({}, {}));
  const std::string sequence = av1_sequence_of({});
  EXPECT_EQ(said_of(av1_photo(sequence + small + small).file()), "");
  EXPECT_EQ(said_of(av1_photo(sequence + small + large).file()), kTooLarge);
  EXPECT_EQ(said_of(av1_photo(sequence + large + small).file()), kTooLarge);
}

TEST(HeifCodedSize, Av1FramesAreReadByTheLastSequenceHeader) {
  const Av1Frames with_ids{.has_ids = true, .order_hint_bits = 7};
  const std::string frame = av1_frame_unit(av1_frame_of(with_ids, {}));
  const std::string other = av1_sequence_of({});
  EXPECT_EQ(said_of(av1_photo(other + av1_sequence_of(with_ids) + frame).file()), kTooLarge);
  EXPECT_EQ(said_of(av1_photo(frame).file()), "");  // the decoder takes none without
}

TEST(HeifCodedSize, AnAv1FrameAsLargeAsAnotherThatItRefersToPasses) {
  for (int reference = 0; reference < 7; ++reference) {
    const Av1Frame frame{.type = Av1FrameType::Inter, .same_size_as = reference};
    EXPECT_EQ(said_of_frame({}, frame), "") << reference;
  }
}

TEST(HeifCodedSize, AnAv1FrameThatIsShownAgainHasNoSize) {
  std::string frame = av1_frame_of({}, {});
  frame[0] = static_cast<char>(frame[0] | 0x80);
  EXPECT_EQ(said_of(av1_photo(av1_sequence_of({}) + av1_frame_unit(frame)).file()), "");
}

TEST(HeifCodedSize, FramesOfAReducedAv1SequenceHaveNoSize) {
  const std::string frame = av1_frame_unit(av1_frame_of({}, {}));
  EXPECT_EQ(said_of(av1_photo(av1_still(64, 48) + frame).file()), "");
}

TEST(HeifCodedSize, Av1FrameSizesAreReadFromAllUnitsThatHoldAFrameHeader) {
  const std::string frame = av1_frame_of({}, {});
  for (uint64_t type = 0; type < 16; ++type) {
    if (type == 1) continue;  // a sequence
    const bool is_frame =
        type == kFrameHeaderUnit || type == kFrameUnit || type == kRedundantFrameHeaderUnit;
    const std::string units = av1_sequence_of({}) + av1_frame_unit(frame, type);
    EXPECT_EQ(said_of(av1_photo(units).file()), is_frame ? kTooLarge : "") << type;
  }
}

// An operating point takes in temporal layers (the low 8 bits) and spatial ones (the high 4), or
// all when it names none; a frame has a time of removal for those that it belongs to.
TEST(HeifCodedSize, AnAv1FrameHasRemovalTimesForTheOperatingPointsOfItsLayers) {
  const Av1Frames frames{.has_timing = true,
                         .has_decoder_model = true,
                         .layers = {0x000, 0x101, 0x180, 0x801, 0x880, 0x880}};
  const auto said_in_layers = [&](uint64_t temporal, uint64_t spatial, int count) {
    const std::string header =
        av1_frame_of(frames, {.has_removal_times = true, .removal_time_count = count});
    const std::string unit = number(kFrameUnit << 3 | 6, 1) +
                             number(temporal << 5 | spatial << 3, 1) + number(header.size(), 1) +
                             header;
    return said_of(av1_photo(av1_sequence_of(frames) + unit).file());
  };
  EXPECT_EQ(said_in_layers(0, 0, 2), kTooLarge);
  EXPECT_EQ(said_in_layers(7, 0, 2), kTooLarge);
  EXPECT_EQ(said_in_layers(0, 3, 2), kTooLarge);
  EXPECT_EQ(said_in_layers(7, 3, 3), kTooLarge);
  EXPECT_EQ(said_in_layers(1, 1, 1), kTooLarge);
  const std::string plain =
      av1_frame_unit(av1_frame_of(frames, {.has_removal_times = true, .removal_time_count = 2}));
  EXPECT_EQ(said_of(av1_photo(av1_sequence_of(frames) + plain).file()), kTooLarge);
}

TEST(HeifCodedSize, AnAv1FrameHasNoRemovalTimesForOperatingPointsWithoutAModel) {
  const Av1Frames frames{.has_timing = true, .has_decoder_model = true, .is_modelled = false};
  EXPECT_EQ(said_of_frame(frames, {.has_removal_times = true, .removal_time_count = 0}), kTooLarge);
}

// libheif puts them together before the decoder sees a unit, and takes the first configuration.
TEST(HeifCodedSize, Av1UnitsGoOnFromTheConfigurationToTheData) {
  const std::string units = av1_sequence_of({}) + av1_frame_unit(av1_frame_of({}, {}));
  for (size_t cut = 0; cut <= units.size(); ++cut) {
    Draft draft;
    draft.add(1, "av01", {ispe(64, 48), av1c(units.substr(0, cut)), av1c("other")},
              units.substr(cut));
    EXPECT_EQ(said_of(draft.file()), kTooLarge) << cut;
  }
}

TEST(HeifCodedSize, AnAv1ConfigurationThatIsCutShortHoldsNoUnits) {
  for (size_t size = 0; size <= 4; ++size) {
    Draft draft;
    draft.add(1, "av01", {ispe(64, 48), box("av1C", std::string(size, '\x81'))},
              av1_still(2000, 1500));
    EXPECT_EQ(said_of(draft.file()), kTooLarge) << size;
  }
}

TEST(HeifCodedSize, DataInSeveralExtentsIsReadInOnePiece) {
  const std::string units = in_data(hevc_unit(64, 48)) + in_data(hevc_unit(2000, 1500));
  for (size_t cut = 1; cut < units.size(); ++cut) {
    Draft draft;
    draft.add(1, "hvc1", {ispe(64, 48), hvcc("")});
    draft.media = units.substr(cut) + "between" + units.substr(0, cut);
    draft.add_place(1, {{8 + units.size() - cut + 7, cut}, {8, units.size() - cut}});
    EXPECT_EQ(said_of(draft.file()), kTooLarge) << cut;
  }
}

TEST(HeifCodedSize, DataInsideOfTheMetaBoxIsReadToo) {
  Draft draft;
  draft.add(1, "hvc1", {ispe(64, 48), hvcc("")});
  draft.idat = "before" + in_data(hevc_unit(2000, 1500));
  draft.add_place(1, {{6, draft.idat.size() - 6}}, 1);
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

// One row of one column (ISO/IEC 23008-12, section 6.6.2.3), with sizes of two or four bytes.
std::string grid_of(uint64_t width_px, uint64_t height_px, int bytes = 2) {
  return number(bytes == 4 ? 1 : 0, 2) + number(0, 2) + number(width_px, bytes) +
         number(height_px, bytes);
}

// A background of four numbers, then the size (section 6.6.2.2).
std::string overlay_on(uint64_t width_px, uint64_t height_px, int bytes = 2) {
  return number(bytes == 4 ? 1 : 0, 2) + number(0, 8) + number(width_px, bytes) +
         number(height_px, bytes);
}

TEST(HeifCodedSize, ACanvasThatIsLargerThanItsContainerSaysIsRefused) {
  for (const int bytes : {2, 4}) {
    for (const auto& [type, data] : {std::pair("grid", grid_of(2000, 1500, bytes)),
                                     std::pair("iovl", overlay_on(2000, 1500, bytes))}) {
      Draft draft;
      draft.add(1, type, {ispe(64, 48)}, data);
      EXPECT_EQ(said_of(draft.file()), kTooLarge) << type << " " << bytes;
      Draft honest;
      honest.add(1, type, {ispe(2000, 1500)}, data);
      EXPECT_EQ(said_of(honest.file()), "") << type << " " << bytes;
      Draft short_one;
      short_one.add(1, type, {ispe(64, 48)}, data.substr(0, data.size() - 1));
      EXPECT_EQ(said_of(short_one.file()), "") << type << " " << bytes;
    }
  }
}

// The photo has 1 megapixel, in one tile, and its alpha a canvas of 2000 x 1000 without any.
TEST(HeifCodedSize, TheCanvasOfAPartCountsAndThePhotosOwnDoesNot) {
  Draft draft;
  draft.add(1, "grid", {ispe(1000, 1000)}, grid_of(1000, 1000));
  draft.add(2, "hvc1", {ispe(1000, 1000), hvcc(hevc_unit(1000, 1000))});
  draft.add(3, "grid", {ispe(2000, 1000)}, grid_of(2000, 1000));
  draft.refer("dimg", 1, {2});
  draft.refer("auxl", 3, {1});
  EXPECT_TRUE(check(draft.file(), 1.01));
  const auto checked = check(draft.file(), 0.99);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, "photo_too_large");
  EXPECT_EQ(checked.error().message,
            "the parts of the photo have 3 megapixels together; the limit is 2.97");
}

// Two tiles of 1000 x 1000, used twice each: 4 megapixels, and 3 times 1.4 or 1.3 are allowed.
TEST(HeifCodedSize, TilesCountAsOftenAsTheyAreUsed) {
  Draft draft;
  draft.add(1, "grid", {ispe(2000, 2000)}, grid_of(2000, 2000));
  draft.add(2, "hvc1", {ispe(1000, 1000), hvcc(hevc_unit(1000, 1000))});
  draft.add(3, "hvc1", {ispe(1000, 1000), hvcc(hevc_unit(1000, 1000))});
  draft.refer("dimg", 1, {2, 3, 2, 3});
  EXPECT_TRUE(check(draft.file(), 1.4));
  const auto checked = check(draft.file(), 1.3);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(checked.error().reason, "photo_too_large");
  EXPECT_EQ(checked.error().message,
            "the parts of the photo have 4 megapixels together; the limit is 3.9");
}

TEST(HeifCodedSize, ATileThatIsLargerThanItsContainerSaysIsRefused) {
  Draft draft;
  draft.add(1, "grid", {ispe(64, 96)}, grid_of(64, 96));
  draft.add(2, "hvc1", {ispe(64, 48), hvcc(hevc_unit(64, 48))});
  draft.add(3, "hvc1", {ispe(64, 48), hvcc(hevc_unit(2000, 1500))});
  draft.refer("dimg", 1, {2, 3});
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

// 1000 x 1000 and an alpha of 1000 x 500: 1.5 megapixels; the message rounds up.
TEST(HeifCodedSize, AlphaCountsAsAPart) {
  Draft draft;
  draft.add(1, "hvc1", {ispe(1000, 1000), hvcc(hevc_unit(1000, 1000))});
  draft.add(2, "av01", {ispe(1000, 500), av1c(av1_still(1000, 500))});
  draft.refer("auxl", 2, {1});
  EXPECT_TRUE(check(draft.file(), 0.51));
  const auto checked = check(draft.file(), 0.49);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, "photo_too_large");
  EXPECT_EQ(checked.error().message,
            "the parts of the photo have 1.5 megapixels together; the limit is 1.47");
}

TEST(HeifCodedSize, WhatIsNotDecodedForThePrimaryPictureCountsNothing) {
  Draft draft = hevc_photo(64, 48);
  draft.add(2, "hvc1", {ispe(64, 48), hvcc(hevc_unit(2000, 1500))});
  draft.refer("thmb", 2, {1});
  EXPECT_EQ(said_of(draft.file()), "");
  draft.primary = 2;
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
}

TEST(HeifCodedSize, AFileThatIsCutShortAnywhereEndsTheReading) {
  Draft draft = hevc_photo(64, 48);
  draft.add(2, "av01", {ispe(64, 48), av1c(av1_still(64, 48))}, av1_sequence({.count = 3}));
  draft.refer("auxl", 2, {1});
  const std::string file = draft.file();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(said_of(file.substr(0, size)), "") << size;
  }
}

TEST(HeifCodedSize, TheSamplesOfOtherToolsPass) {
  int sample_count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FACEFORGE_SOURCE_DIR) + "/tests/photos")) {
    const auto extension = entry.path().extension();
    if (extension != ".heic" && extension != ".avif") continue;
    const auto file = read_file(entry.path().string(), 1 << 20).value();
    const auto items = read_heif_items(file);
    ASSERT_TRUE(items) << entry.path() << ": " << items.error().message;
    EXPECT_TRUE(items->by_id.contains(items->primary)) << entry.path();
    const auto checked = check_coded_sizes(file, kPlenty);
    EXPECT_TRUE(checked) << entry.path() << ": " << checked.error().message;
    EXPECT_FALSE(check_coded_sizes(file, 1e-6)) << entry.path() << ": no size was read";
    ++sample_count;
  }
  EXPECT_GE(sample_count, 20);
}

}  // namespace
}  // namespace faceforge::image::internal
