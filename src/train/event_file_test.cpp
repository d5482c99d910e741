#include "train/event_file.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::train {
namespace {

/// The events of a file, after both checksums of each were computed bit by bit.
std::vector<std::string> events_of(const std::filesystem::path& folder) {
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    bytes = *read_text_file(entry.path(), 1 << 20);
  }
  const auto number_at = [&](size_t place, size_t size) {
    uint64_t number = 0;
    std::memcpy(&number, bytes.data() + place, size);
    return number;
  };
  const auto masked = [](std::string_view part) {
    uint32_t crc = 0xFFFFFFFF;
    for (const char byte : part) {
      for (int bit = 0; bit < 8; ++bit) {
        const uint32_t out = (crc ^ (static_cast<unsigned char>(byte) >> bit)) & 1;
        crc = (crc >> 1) ^ (out * 0x82F63B78U);
      }
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
  };
  std::vector<std::string> events;
  for (size_t place = 0; place < bytes.size();) {
    const size_t length = number_at(place, 8);
    EXPECT_EQ(number_at(place + 8, 4), masked(std::string_view(bytes).substr(place, 8)));
    events.push_back(bytes.substr(place + 12, length));
    EXPECT_EQ(number_at(place + 12 + length, 4), masked(events.back()));
    place += 16 + length;
  }
  return events;
}

TEST(EventFile, TheChecksumIsThatOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);            // the usual check value of CRC-32C
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(EventFile, BeginsWithItsVersionAndHoldsScalarsAsProtobufs) {
  const test::TemporaryFolder folder;
  const ManualClock clock(1'500'000'000'500);
  auto file = EventFile::create(folder.path(), clock, 0);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->add(300, std::vector<Scalar>{{"loss", 0.5}, {"a", 1}}));
  const auto events = events_of(folder.path());
  ASSERT_EQ(events.size(), 2u);
  // By hand from event.proto: 09 and the time as a double, 10 00 (step 0), then file_version.
  double seconds = 0;
  std::memcpy(&seconds, events[0].data() + 1, 8);
  EXPECT_EQ(events[0][0], '\x09');
  EXPECT_DOUBLE_EQ(seconds, 1'500'000'000.5);
  EXPECT_EQ(events[0].substr(9), std::string("\x10\x00\x1A\x0D"
                                             "brain.Event:2",
                                             17));
  // Step 300 is the varint AC 02. Summary 2A, its length 22; values 0A: tag 0A, simple_value 15.
  EXPECT_EQ(events[1].substr(9), std::string("\x10\xAC\x02\x2A\x17"
                                             "\x0A\x0B\x0A\x04loss\x15\x00\x00\x00\x3F"
                                             "\x0A\x08\x0A\x01"
                                             "a\x15\x00\x00\x80\x3F",
                                             28));
}

TEST(EventFile, ARunThatGoesOnTellsFromWhichStepEarlierEventsAreVoid) {
  const test::TemporaryFolder folder;
  const ManualClock clock;
  ASSERT_TRUE(EventFile::create(folder.path(), clock, 7));
  const auto events = events_of(folder.path());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].substr(9), "\x10\x07\x3A\x02\x08\x01");  // step 7, session_log: START
}

TEST(EventFile, AFolderThatIsNotThereIsAnError) {
  const ManualClock clock;
  const auto file = EventFile::create("/nowhere/at/all", clock, 0);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().reason, "folder_not_found");
}

}  // namespace
}  // namespace faceforge::train
