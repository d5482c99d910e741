#include "crops/crop_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "crops/crop_writer.h"
#include "support/test_data.h"

namespace faceforge::crops {
namespace {

constexpr CropShape kShape{.width_px = 4, .height_px = 3};

std::vector<std::byte> crop_of(unsigned value) {
  return std::vector<std::byte>(kShape.bytes(), static_cast<std::byte>(value));
}

/// Ada has two crops, Grace Hopper one, and nobody is known of the last.
void write_example(const std::filesystem::path& path) {
  auto writer = CropWriter::create(path, kShape);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add_person("Ada"));
  ASSERT_TRUE(writer->add_crop(crop_of(1)));
  ASSERT_TRUE(writer->add_crop(crop_of(2)));
  ASSERT_TRUE(writer->add_person("Grace Hopper \xC3\xA9"));
  ASSERT_TRUE(writer->add_crop(crop_of(3)));
  ASSERT_TRUE(writer->add_person("nobody yet"));
  ASSERT_TRUE(writer->finish());
}

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  return *read_file(path, size_t{1} << 20);
}

void put(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

class CropFileTest : public testing::Test {
 protected:
  CropFileTest() { write_example(path_); }

  /// Opens the example after a change to its bytes, and says why it was refused ("" when it was
  /// not).
  std::string reason_after(const std::function<void(std::vector<std::byte>&)>& change) {
    auto bytes = bytes_of(path_);
    change(bytes);
    const auto changed = folder_.path() / "changed.ffd";
    put(changed, bytes);
    const auto opened = CropFile::open(changed);
    return opened ? "" : opened.error().reason;
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "crops.ffd";
};

TEST_F(CropFileTest, WhatWasWrittenIsRead) {
  const auto crops = CropFile::open(path_);
  ASSERT_TRUE(crops);
  EXPECT_EQ(crops->shape(), kShape);
  ASSERT_EQ(crops->crop_count(), 3);
  ASSERT_EQ(crops->person_count(), 3);
  EXPECT_EQ(crops->name(0), "Ada");
  EXPECT_EQ(crops->name(1), "Grace Hopper \xC3\xA9");
  EXPECT_EQ(crops->person_index(0), 0);
  EXPECT_EQ(crops->person_index(1), 0);
  EXPECT_EQ(crops->person_index(2), 1);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::ranges::equal(crops->pixels(i), crop_of(i + 1))) << i;
  }
  EXPECT_TRUE(crops->verify_pixels());
}

// Byte by byte as docs/ffd-format.md has it, so that other programs can read it.
TEST_F(CropFileTest, TheBytesAreTheDocumentedOnes) {
  const auto bytes = bytes_of(path_);
  const size_t names_bytes = (4 + 3) + (4 + 15) + (4 + 10);
  ASSERT_EQ(bytes.size(), 4096 + 3 * 36 + 3 * 4 + names_bytes + 128);
  const auto u32 = [&](size_t offset) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + offset, 4);  // the test machine is little-endian
    return value;
  };
  EXPECT_EQ(std::memcmp(bytes.data(),
                        "\x89"
                        "FFD\r\n\x1a\n",
                        8),
            0);
  EXPECT_EQ(u32(8), 1);   // version
  EXPECT_EQ(u32(12), 4);  // width
  EXPECT_EQ(u32(16), 3);  // height
  EXPECT_EQ(u32(20), 3);  // channels
  EXPECT_EQ(std::to_integer<int>(bytes[4096]), 1);
  EXPECT_EQ(u32(4096 + 108), 0);      // whose the first crop is
  EXPECT_EQ(u32(4096 + 108 + 8), 1);  // and the last
  EXPECT_EQ(u32(4096 + 108 + 12), 3);
  EXPECT_EQ(std::memcmp(bytes.data() + 4096 + 108 + 16, "Ada", 3), 0);
  const size_t trailer = bytes.size() - 128;
  EXPECT_EQ(u32(trailer), 3);
  EXPECT_EQ(u32(trailer + 8), 3);
  EXPECT_EQ(u32(trailer + 16), 4096 + 108);
  EXPECT_EQ(u32(trailer + 24), 4096 + 120);
}

TEST_F(CropFileTest, TheSameCropsMakeTheSameFileAndOtherCropsAnotherHash) {
  const auto again = folder_.path() / "again.ffd";
  write_example(again);
  EXPECT_EQ(bytes_of(path_), bytes_of(again));
  const auto other_path = folder_.path() / "other.ffd";
  auto other = CropWriter::create(other_path, kShape);
  ASSERT_TRUE(other && other->add_person("Ada") && other->add_crop(crop_of(9)) && other->finish());
  EXPECT_NE(CropFile::open(path_)->sha256(), CropFile::open(other_path)->sha256());
}

TEST_F(CropFileTest, EveryByteOfHeadAndTablesIsChecked) {
  const size_t size = bytes_of(path_).size();
  for (size_t offset = 0; offset < size; ++offset) {
    if (offset == 64) offset = 4000;                   // the rest of the head is alike
    if (offset == 4096) offset += 3 * kShape.bytes();  // the pixels have a test of their own
    EXPECT_NE(reason_after([&](auto& bytes) { bytes[offset] ^= std::byte{0x10}; }), "") << offset;
  }
}

TEST_F(CropFileTest, ADamagedPixelIsFoundWhenPixelsAreVerified) {
  auto bytes = bytes_of(path_);
  bytes[4096 + 50] ^= std::byte{1};
  put(path_, bytes);
  const auto crops = CropFile::open(path_);
  ASSERT_TRUE(crops);
  const auto verified = crops->verify_pixels();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::Corrupt);
  EXPECT_EQ(verified.error().reason, "crop_file_damaged");
}

TEST_F(CropFileTest, VerifyingPixelsTellsHowFarItIsAndCanBeStopped) {
  const auto crops = CropFile::open(path_);
  ASSERT_TRUE(crops);
  size_t reports = 0;
  EXPECT_TRUE(crops->verify_pixels({.report = [&](size_t, size_t) { ++reports; }}));
  EXPECT_EQ(reports, 1U) << "a piece of 16 MB";
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = crops->verify_pixels({.stop = stop.get_token()});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
}

TEST_F(CropFileTest, ATruncatedFileIsRefusedAtEveryLength) {
  const size_t size = bytes_of(path_).size();
  for (size_t length = 0; length < size; ++length) {
    if (length == 100) length = 4000;
    EXPECT_NE(reason_after([&](auto& bytes) { bytes.resize(length); }), "") << length;
  }
}

TEST_F(CropFileTest, OtherFilesAndVersionsAreToldApart) {
  EXPECT_EQ(reason_after([](auto& bytes) { bytes[1] = std::byte{'X'}; }), "not_a_crop_file");
  EXPECT_EQ(reason_after([](auto& bytes) { bytes.clear(); }), "not_a_crop_file");
  EXPECT_EQ(reason_after([](auto& bytes) { bytes[8] = std::byte{2}; }), "crop_file_version");
  EXPECT_EQ(CropFile::open(folder_.path() / "absent").error().reason, "file_not_found");
  EXPECT_EQ(CropFile::open(folder_.path()).error().reason, "not_a_file");
  const auto pipe = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(CropFile::open(pipe).error().reason, "not_a_file");
}

// Whoever writes a file by hand can also make its checksum right: the checks before it and after it
// must hold on their own. No change may crash, read outside of the file or reserve more memory than
// the file has bytes (the sanitizers and the time limit look on).
TEST_F(CropFileTest, HostileFilesWithARightChecksumAreRefusedOrReadSafely) {
  const auto original = bytes_of(path_);
  const auto changed = folder_.path() / "hostile.ffd";
  std::mt19937_64 random(1);
  const uint64_t interesting[] = {
      0,          1,         2, 3, 4, 0xFF, 4096, 4204, 0x7FFFFFFF, 0x80000000, ~0ULL, ~0ULL - 4095,
      1ULL << 63, 1ULL << 40};
  size_t opened_count = 0;
  for (int round = 0; round < 3000; ++round) {
    auto bytes = original;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t tables_end = bytes.size();
      const size_t offset = random() % 2 == 0 ? tables_end - 128 + 8 * (random() % 4)
                                              : 4204 + random() % (tables_end - 128 - 4204);
      const uint64_t value = interesting[random() % std::size(interesting)];
      std::memcpy(bytes.data() + offset, &value, std::min<size_t>(8, bytes.size() - offset));
    }
    // The checksum over what an attacker wants: head, tables as the trailer places them, trailer.
    uint64_t labels_offset = 0;
    std::memcpy(&labels_offset, bytes.data() + bytes.size() - 112, 8);
    labels_offset = std::min<uint64_t>(labels_offset, bytes.size() - 128);
    Sha256Stream hash;
    const std::span<const std::byte> all(bytes);
    hash.add(all.first(4096));
    hash.add(all.subspan(labels_offset, bytes.size() - 128 - labels_offset));
    hash.add(all.subspan(bytes.size() - 128, 96));
    std::ranges::copy(hash.finish(), bytes.end() - 32);
    put(changed, bytes);
    const auto crops = CropFile::open(changed);
    if (!crops) continue;
    ++opened_count;
    for (size_t i = 0; i < crops->crop_count(); ++i) {
      EXPECT_LT(crops->person_index(i), crops->person_count());
      EXPECT_EQ(crops->pixels(i).size(), kShape.bytes());
    }
  }
  EXPECT_GT(opened_count, 0U) << "no change was harmless: the checksum of this test is wrong";
}

TEST_F(CropFileTest, AMovedFileIsUnmappedOnce) {
  auto first = CropFile::open(path_);
  ASSERT_TRUE(first);
  const CropFile second = std::move(*first);
  EXPECT_TRUE(second.verify_pixels());
}

TEST_F(CropFileTest, NamesThatNobodyMayHaveAreRefused) {
  auto writer = CropWriter::create(path_, kShape);
  ASSERT_TRUE(writer && writer->add_person("Ada"));
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string("\xFF"),
                                  std::string(kMaxNameBytes + 1, 'a')}) {
    EXPECT_EQ(writer->add_person(name).error().reason, "person_name");
  }
  EXPECT_EQ(writer->add_person("Ada").error().reason, "person_name_twice");
}

TEST_F(CropFileTest, WithoutFinishTheOldFileStays) {
  const auto before = bytes_of(path_);
  {
    auto writer = CropWriter::create(path_, kShape);
    ASSERT_TRUE(writer && writer->add_person("Eve") && writer->add_crop(crop_of(7)));
  }
  EXPECT_EQ(bytes_of(path_), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(CropFileTest, AFileOfNothingIsAFile) {
  auto writer = CropWriter::create(path_, kShape);
  ASSERT_TRUE(writer && writer->finish());
  const auto crops = CropFile::open(path_);
  ASSERT_TRUE(crops);
  EXPECT_EQ(crops->crop_count(), 0);
  EXPECT_TRUE(crops->verify_pixels());
}

}  // namespace
}  // namespace faceforge::crops
