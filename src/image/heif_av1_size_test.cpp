#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "image/internal/heif_test_draft.h"

namespace faceforge::image::internal {
namespace {

TEST(Av1CodedSize, Av1SizesAreReadFromTheConfigurationAndFromTheData) {
  Draft draft;
  draft.add(1, "av01", {ispe(64, 48), av1c(av1_still(2000, 1500))}, av1_still(64, 48));
  EXPECT_EQ(said_of(draft.file()), kTooLarge);
  const std::string delimiter = number(0x1200, 2);
  EXPECT_EQ(said_of(av1_photo(delimiter + av1_still(2000, 1500)).file()), kTooLarge);
}

TEST(Av1CodedSize, Av1SizesAreReadFromUnitsWithAnExtensionOrWithoutALength) {
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

TEST(Av1CodedSize, Av1SizesAreReadBehindOperatingPoints) {
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

TEST(Av1CodedSize, NothingFollows32ZerosInAnAv1TimeBetweenPictures) {
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

TEST(Av1CodedSize, AFrameWithASizeOfItsOwnIsAsLargeAsThatInEveryKindOfAv1Sequence) {
  for (const Av1Frames& frames : all_sequences()) {
    const std::string sequence = av1_sequence_of(frames);
    for (const std::string& header : all_frame_headers(frames, true)) {
      ASSERT_EQ(said_of(av1_photo(sequence + av1_frame_unit(header)).file()), kTooLarge)
          << testing::PrintToString(sequence) << " " << testing::PrintToString(header);
    }
  }
}

TEST(Av1CodedSize, AFrameOfItsAv1SequencesSizePassesWhateverFollows) {
  for (const Av1Frames& frames : all_sequences()) {
    std::string units = av1_sequence_of(frames);
    for (const std::string& header : all_frame_headers(frames, false)) {
      units += av1_frame_unit(header);
    }
    ASSERT_EQ(said_of(av1_photo(units).file()), "") << testing::PrintToString(units);
  }
}

TEST(Av1CodedSize, AFrameSmallerThanItsAv1SequencePassesAndTwoBlocksMoreToo) {
  const auto said_of_size = [](uint64_t width_px, uint64_t height_px) {
    return said_of_frame({}, {.width_px = width_px, .height_px = height_px});
  };
  EXPECT_EQ(said_of_size(32, 24), "");
  EXPECT_EQ(said_of_size(64 + 128, 48 + 128), "");
  EXPECT_EQ(said_of_size(64 + 129, 24), sizes_said("64 x 48", "193 x 48"));
  EXPECT_EQ(said_of_size(32, 48 + 129), sizes_said("64 x 48", "64 x 177"));
  EXPECT_EQ(said_of_size(1 << 16, 1 << 14), sizes_said("64 x 48", "65536 x 16384"));
}

TEST(Av1CodedSize, TheLargestOfAllAv1FramesCounts) {
  const std::string small = av1_frame_unit(av1_frame_of({}, {.width_px = 32, .height_px = 24}));
  const std::string large = av1_frame_unit(av1_frame_of({}, {}));
  const std::string sequence = av1_sequence_of({});
  EXPECT_EQ(said_of(av1_photo(sequence + small + small).file()), "");
  EXPECT_EQ(said_of(av1_photo(sequence + small + large).file()), kTooLarge);
  EXPECT_EQ(said_of(av1_photo(sequence + large + small).file()), kTooLarge);
}

TEST(Av1CodedSize, Av1FramesAreReadByTheLastSequenceHeader) {
  const Av1Frames with_ids{.has_ids = true, .order_hint_bits = 7};
  const std::string frame = av1_frame_unit(av1_frame_of(with_ids, {}));
  const std::string other = av1_sequence_of({});
  EXPECT_EQ(said_of(av1_photo(other + av1_sequence_of(with_ids) + frame).file()), kTooLarge);
  EXPECT_EQ(said_of(av1_photo(frame).file()), "");  // the decoder takes none without
}

TEST(Av1CodedSize, AnAv1FrameAsLargeAsAnotherThatItRefersToPasses) {
  for (int reference = 0; reference < 7; ++reference) {
    const Av1Frame frame{.type = Av1FrameType::Inter, .same_size_as = reference};
    EXPECT_EQ(said_of_frame({}, frame), "") << reference;
  }
}

TEST(Av1CodedSize, AnAv1FrameThatIsShownAgainHasNoSize) {
  std::string frame = av1_frame_of({}, {});
  frame[0] = static_cast<char>(frame[0] | 0x80);
  EXPECT_EQ(said_of(av1_photo(av1_sequence_of({}) + av1_frame_unit(frame)).file()), "");
}

TEST(Av1CodedSize, FramesOfAReducedAv1SequenceHaveNoSize) {
  const std::string frame = av1_frame_unit(av1_frame_of({}, {}));
  EXPECT_EQ(said_of(av1_photo(av1_still(64, 48) + frame).file()), "");
}

TEST(Av1CodedSize, Av1FrameSizesAreReadFromAllUnitsThatHoldAFrameHeader) {
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
TEST(Av1CodedSize, AnAv1FrameHasRemovalTimesForTheOperatingPointsOfItsLayers) {
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

TEST(Av1CodedSize, AnAv1FrameHasNoRemovalTimesForOperatingPointsWithoutAModel) {
  const Av1Frames frames{.has_timing = true, .has_decoder_model = true, .is_modelled = false};
  EXPECT_EQ(said_of_frame(frames, {.has_removal_times = true, .removal_time_count = 0}), kTooLarge);
}

// libheif puts them together before the decoder sees a unit, and takes the first configuration.
TEST(Av1CodedSize, Av1UnitsGoOnFromTheConfigurationToTheData) {
  const std::string units = av1_sequence_of({}) + av1_frame_unit(av1_frame_of({}, {}));
  for (size_t cut = 0; cut <= units.size(); ++cut) {
    Draft draft;
    draft.add(1, "av01", {ispe(64, 48), av1c(units.substr(0, cut)), av1c("other")},
              units.substr(cut));
    EXPECT_EQ(said_of(draft.file()), kTooLarge) << cut;
  }
}

TEST(Av1CodedSize, AnAv1ConfigurationThatIsCutShortHoldsNoUnits) {
  for (size_t size = 0; size <= 4; ++size) {
    Draft draft;
    draft.add(1, "av01", {ispe(64, 48), box("av1C", std::string(size, '\x81'))},
              av1_still(2000, 1500));
    EXPECT_EQ(said_of(draft.file()), kTooLarge) << size;
  }
}

TEST(Av1CodedSize, AFileThatIsCutShortAnywhereEndsTheReading) {
  Draft draft = hevc_photo(64, 48);
  draft.add(2, "av01", {ispe(64, 48), av1c(av1_still(64, 48))}, av1_sequence({.count = 3}));
  draft.refer("auxl", 2, {1});
  const std::string file = draft.file();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(said_of(file.substr(0, size)), "") << size;
  }
}

}  // namespace
}  // namespace faceforge::image::internal
