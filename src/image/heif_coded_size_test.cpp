#include "image/internal/heif_coded_size.h"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/internal/heif_items.h"
#include "image/internal/heif_orientation.h"
#include "image/internal/heif_test_draft.h"
#include "support/test_data.h"

namespace faceforge::image::internal {
namespace {

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

TEST(HeifCodedSize, TheSamplesOfOtherToolsPass) {
  int sample_count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::source_folder().string() + "/tests/photos")) {
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
