#include "archive/zip.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::archive {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string to_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// ---- a zip writer of its own (APPNOTE 6.3.10), which writes what no honest one would

struct RawEntry {
  std::string name;
  std::string contents;
  uint32_t external_attributes = 0100644u << 16;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t claimed_size = 0xFFFFFFFF;  // of the unpacked contents; this: the true one
  uint32_t crc_error = 0;
};

uint32_t crc32_of(std::string_view contents) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : contents) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

std::string number(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 4 ? value >> (8 * i) : 0);
  return text;
}

std::string raw_zip(const std::vector<RawEntry>& entries) {
  std::string files;
  std::string directory;
  for (const RawEntry& entry : entries) {
    const auto packed = static_cast<uint32_t>(entry.contents.size());
    const uint32_t size = entry.claimed_size == 0xFFFFFFFF ? packed : entry.claimed_size;
    const std::string common =
        number(entry.flags, 2) + number(entry.method, 2) + number(0, 2) + number(0x21, 2) +
        number(crc32_of(entry.contents) ^ entry.crc_error, 4) + number(packed, 4) +
        number(size, 4) + number(static_cast<uint32_t>(entry.name.size()), 2) + number(0, 2);
    directory += "PK\x01\x02" + number(0x031E, 2) + number(20, 2) + common + number(0, 2) +
                 number(0, 2) + number(0, 2) + number(entry.external_attributes, 4) +
                 number(static_cast<uint32_t>(files.size()), 4) + entry.name;
    files += "PK\x03\x04" + number(20, 2) + common + entry.name + entry.contents;
  }
  const auto count = static_cast<uint32_t>(entries.size());
  return files + directory + "PK\x05\x06" + number(0, 4) + number(count, 2) + number(count, 2) +
         number(static_cast<uint32_t>(directory.size()), 4) +
         number(static_cast<uint32_t>(files.size()), 4) + number(0, 2);
}

// The error of reading it, which extracting it must share, leaving nothing behind.
Error refusal(const std::string& zip, const ZipLimits& limits = {}) {
  const auto read = read_zip(std::as_bytes(std::span(zip)), limits);
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "a.zip") << zip;
  const auto extracted = extract_zip(folder.path() / "a.zip", folder.path() / "out", limits);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "something was left";
  if (read || extracted) {
    ADD_FAILURE() << "this zip should have been refused";
    return {};
  }
  EXPECT_EQ(read.error().reason, extracted.error().reason);
  EXPECT_EQ(read.error().message, extracted.error().message);
  return read.error();
}

std::string reason(const std::vector<RawEntry>& entries, const ZipLimits& limits = {}) {
  return refusal(raw_zip(entries), limits).reason;
}

// A limit on the size of files: writing fails in the middle of a file, as on a full disk.
class SmallFilesOnly {
 public:
  explicit SmallFilesOnly(rlim_t limit_bytes) : old_action_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const struct rlimit small { limit_bytes, before_.rlim_max };
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  ~SmallFilesOnly() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    std::signal(SIGXFSZ, old_action_);
  }
  SmallFilesOnly(const SmallFilesOnly&) = delete;
  SmallFilesOnly& operator=(const SmallFilesOnly&) = delete;

 private:
  void (*old_action_)(int);
  struct rlimit before_ {};
};

// ---- writing and reading

ZipEntries some_entries() {
  ZipEntries entries;
  entries["manifest.json"] = to_bytes("{}");
  entries["deep/er/templates.npy"] = to_bytes(std::string(100'000, 'x') + "end");
  entries["empty"] = {};
  entries["gesicht-ä-脸.txt"] = to_bytes("unicode");
  return entries;
}

TEST(Zip, WhatIsWrittenIsReadBackStoredOrDeflated) {
  const auto deflated = write_zip(some_entries()).value();
  const auto stored = write_zip(some_entries(), Compression::Store).value();
  EXPECT_EQ(read_zip(deflated, {}).value(), some_entries());
  EXPECT_EQ(read_zip(stored, {}).value(), some_entries());
  EXPECT_GT(stored.size(), 100'000u);
  EXPECT_LT(deflated.size(), 2'000u);
}

TEST(Zip, TheSameEntriesGiveTheSameBytes) {
  EXPECT_EQ(write_zip(some_entries()).value(), write_zip(some_entries()).value());
}

TEST(Zip, AZipWithoutEntriesIsNotWritten) {
  EXPECT_EQ(write_zip({}).error().reason, "zip_empty");
  EXPECT_EQ(read_zip(to_bytes(raw_zip({})), {}).value(), ZipEntries{});
}

TEST(Zip, AZipMadeByPythonIsRead) {
  // zipfile of Python 3.11: the folder `d`, and `d/a.txt` of 40 times `a`, deflated.
  const std::string hex =
      "504b03041400000000000000210000000000000000000000000002000000642f504b0304140000000800"
      "00002100258a5bc9060000002800000007000000642f612e7478744b4c240e0000504b01021403140000"
      "00000000002100000000000000000000000000020000000000000000001000ed4100000000642f504b01"
      "02140314000000080000002100258a5bc906000000280000000700000000000000000000008001200000"
      "00642f612e747874504b05060000000002000200650000004b0000000000";
  std::vector<std::byte> zip;
  for (size_t i = 0; i < hex.size(); i += 2) {
    zip.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  const auto entries = read_zip(zip, {}).value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(to_text(entries.at("d/a.txt")), std::string(40, 'a'));
}

TEST(Zip, AZipWrittenByHandIsRead) {
  const auto entries = read_zip(to_bytes(raw_zip({{.name = "a/b", .contents = "hello"}})), {});
  EXPECT_EQ(to_text(entries.value().at("a/b")), "hello");
}

TEST(Zip, ExtractingMakesTheFolderWithEveryFile) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "a.zip", write_zip(some_entries()).value()));
  ASSERT_TRUE(extract_zip(folder.path() / "a.zip", folder.path() / "out", {}));
  for (const auto& [name, contents] : some_entries()) {
    EXPECT_EQ(read_file(folder.path() / "out" / name, 1 << 20).value(), contents) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2);
}

TEST(Zip, ExtractingOntoSomethingThatExistsIsRefused) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "a.zip", write_zip(some_entries()).value()));
  fs::create_directory(folder.path() / "out");
  const auto error = extract_zip(folder.path() / "a.zip", folder.path() / "out", {}).error();
  EXPECT_EQ(error.code, ErrorCode::AlreadyExists);
  EXPECT_EQ(error.reason, "folder_exists");
  EXPECT_TRUE(fs::is_empty(folder.path() / "out"));
}

TEST(Zip, AMissingZipOrFolderIsNamed) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(extract_zip(folder.path() / "no.zip", folder.path() / "out", {}).error().reason,
            "file_not_found");
  ASSERT_TRUE(write_file_atomically(folder.path() / "a.zip", write_zip(some_entries()).value()));
  EXPECT_EQ(extract_zip(folder.path() / "a.zip", folder.path() / "no" / "out", {}).error().reason,
            "folder_not_found");
}

TEST(Zip, AFullDiskLeavesNothingBehind) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomically(folder.path() / "a.zip", write_zip(some_entries()).value()));
  Result<void> extracted;
  {
    const SmallFilesOnly limit(1000);
    extracted = extract_zip(folder.path() / "a.zip", folder.path() / "out", {});
  }
  EXPECT_FALSE(extracted);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

// ---- names

TEST(Zip, NamesThatLeadOutOfTheFolderOrCannotBeShownAreRefused) {
  for (const std::string& name :
       {std::string("/etc/passwd"), std::string("../up"), std::string("a/../../up"),
        std::string("a/.."), std::string("./a"), std::string("a//b"), std::string("C:\\x"),
        std::string("c:x"), std::string("a\\b"), std::string("a\nb"), std::string("\x7f"),
        std::string("\xff\xfe"), std::string(513, 'n'), std::string(256, 'n'), std::string("/"),
        std::string("a/../")}) {
    EXPECT_EQ(reason({{.name = name, .contents = "x"}}), "zip_unsafe_name") << name;
    if (!name.ends_with('/')) {
      EXPECT_EQ(write_zip({{name, {}}}).error().reason, "zip_unsafe_name") << name;
    }
  }
  EXPECT_EQ(write_zip({{"folder/", {}}}).error().reason, "zip_unsafe_name");
  const auto error = refusal(raw_zip({{.name = "a\nb\xff", .contents = {}}}));
  EXPECT_EQ(error.message, "the name `a?b?` in the zip file has a control character");
}

TEST(Zip, TheSameNameTwiceIsRefusedLetterCaseAside) {
  EXPECT_EQ(reason({{.name = "a", .contents = "1"}, {.name = "a", .contents = "2"}}),
            "zip_duplicate_name");
  EXPECT_EQ(
      reason({{.name = "Card.JSON", .contents = "1"}, {.name = "card.json", .contents = "2"}}),
      "zip_duplicate_name");
  EXPECT_EQ(reason({{.name = "a", .contents = "1"}, {.name = "a/b", .contents = "2"}}),
            "zip_duplicate_name");
  EXPECT_EQ(reason({{.name = "x/A/b", .contents = "1"}, {.name = "x/a", .contents = "2"}}),
            "zip_duplicate_name");
  EXPECT_EQ(write_zip({{"a", {}}, {"A", {}}}).error().reason, "zip_duplicate_name");
}

TEST(Zip, LinksAndDevicesAreRefused) {
  for (const uint32_t kind : {S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK}) {
    const RawEntry entry{
        .name = "link", .contents = "/etc/passwd", .external_attributes = (kind | 0777) << 16};
    EXPECT_EQ(reason({entry}), "zip_symlink") << kind;
  }
}

// ---- limits

TEST(Zip, TooManyEntriesAreRefusedWithBothNumbers) {
  const std::vector<RawEntry> three{
      {.name = "a", .contents = {}}, {.name = "b", .contents = {}}, {.name = "c", .contents = {}}};
  EXPECT_TRUE(read_zip(to_bytes(raw_zip(three)), {.entries = 3}));
  const auto error = refusal(raw_zip(three), {.entries = 2});
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "zip_too_many_entries");
  EXPECT_EQ(error.message, "the zip file has 3 entries; the limit is 2");
}

// The directories that these records tell of are not there: whoever went on to read them would find
// the zip damaged.
TEST(Zip, TooManyEntriesAreRefusedByTheEndRecordBeforeTheDirectoryIsRead) {
  const auto end = [](uint32_t count, uint32_t directory_bytes) {
    return "PK\x05\x06" + number(0, 4) + number(count, 2) + number(count, 2) +
           number(directory_bytes, 4) + number(0, 4) + number(0, 2);
  };
  EXPECT_EQ(refusal("PK\x03\x04" + end(60'000, 2'760'000)).message,
            "the zip file has 60000 entries; the limit is 1000");
  // Some writers leave out multiples of 65536: the size of the directory tells.
  const auto modulo = refusal("PK\x03\x04" + end(1, 1'000'000'000) + std::string(100, ' '));
  EXPECT_EQ(modulo.reason, "zip_too_many_entries");
  EXPECT_EQ(modulo.message,
            "the zip file's directory has 1000000000 bytes; the limit is 2048000 for 1000 entries");
  EXPECT_EQ(refusal(end(2000, 46) + end(1, 46)).reason, "zip_too_many_entries") << "of two, any";
  EXPECT_EQ(refusal("PK\x03\x04" + end(1000, 46'000)).reason, "zip_damaged");
}

TEST(Zip, TooManyEntriesOfAZip64AreRefusedByItsOwnEndRecord) {
  const auto end64 = [](uint32_t count, uint32_t directory_bytes) {
    const std::string before = "PK\x03\x04";
    return before + "PK\x06\x06" + number(44, 4) + number(0, 4) + number(45, 2) + number(45, 2) +
           number(0, 8) + number(count, 4) + number(0, 4) + number(count, 4) + number(0, 4) +
           number(directory_bytes, 4) + number(0, 12) + "PK\x06\x07" + number(0, 4) +
           number(static_cast<uint32_t>(before.size()), 4) + number(0, 4) + number(1, 4) +
           "PK\x05\x06" + number(0, 4) + number(0xFFFF, 2) + number(0xFFFF, 2) +
           number(0xFFFFFFFF, 4) + number(0xFFFFFFFF, 4) + number(0, 2);
  };
  EXPECT_EQ(refusal(end64(1'000'000, 47'000'000)).message,
            "the zip file has 1000000 entries; the limit is 1000");
  EXPECT_EQ(refusal(end64(1, 1'000'000'000)).reason, "zip_too_many_entries");
  EXPECT_EQ(refusal(end64(1, 47)).reason, "zip_damaged") << "0xFFFF is no number of entries";
}

TEST(Zip, TooManyBytesInAllAreRefused) {
  const std::vector<RawEntry> two{{.name = "a", .contents = std::string(60, 'a')},
                                  {.name = "b", .contents = std::string(50, 'b')}};
  EXPECT_TRUE(read_zip(to_bytes(raw_zip(two)), {.total_bytes = 110}));
  const auto error = refusal(raw_zip(two), {.total_bytes = 109});
  EXPECT_EQ(error.reason, "zip_too_large");
  EXPECT_EQ(error.message, "the zip file holds more than 109 bytes, which is the limit");
}

TEST(Zip, ABombIsRefusedByItsRatioBeforeItIsUnpacked) {
  const auto bomb = write_zip({{"zeros", std::vector<std::byte>(4 << 20)}}).value();
  EXPECT_LT(bomb.size(), 10'000u);
  const auto error = refusal(to_text(bomb));
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "zip_ratio_too_high");
  EXPECT_TRUE(read_zip(bomb, {.ratio = 2000}));
  // Small contents may compress as well as they like.
  EXPECT_TRUE(read_zip(write_zip({{"zeros", std::vector<std::byte>(1 << 20)}}).value(), {}));
}

TEST(Zip, AnEntryThatGrowsBeyondItsClaimIsDamaged) {
  const auto honest = to_text(write_zip({{"a", to_bytes(std::string(5000, 'a'))}}).value());
  auto lying = honest;
  // The size stands 24 bytes into the directory's entry, 22 into the file's own header.
  const size_t entry = lying.find("PK\x01\x02");
  lying.replace(entry + 24, 4, number(100, 4));
  lying.replace(22, 4, number(100, 4));
  EXPECT_EQ(refusal(lying).reason, "zip_damaged");
  {
    // Refused before more than the claim is written, not only once all of it is there.
    const test::TemporaryFolder folder;
    ASSERT_TRUE(write_file_atomically(folder.path() / "a.zip", std::string_view(lying)));
    const SmallFilesOnly limit(200);
    const auto extracted = extract_zip(folder.path() / "a.zip", folder.path() / "out", {});
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().reason, "zip_damaged");
  }
  auto boasting = honest;
  boasting.replace(entry + 24, 4, number(50'000, 4));
  boasting.replace(22, 4, number(50'000, 4));
  EXPECT_EQ(refusal(boasting).reason, "zip_damaged");
}

// ---- damage, and what is not supported

TEST(Zip, OtherFilesAreNotZips) {
  EXPECT_EQ(refusal("").reason, "not_a_zip");
  EXPECT_EQ(refusal("hello").reason, "not_a_zip");
  EXPECT_EQ(refusal(std::string(100'000, 'x')).code, ErrorCode::InvalidInput);
}

TEST(Zip, AZipCutShortIsDamagedWhereverItEnds) {
  const auto whole = to_text(write_zip(some_entries()).value());
  for (const double part : {0.1, 0.5, 0.9, 0.99}) {
    const auto error =
        refusal(whole.substr(0, static_cast<size_t>(part * static_cast<double>(whole.size()))));
    EXPECT_EQ(error.reason, "zip_damaged") << part;
    EXPECT_EQ(error.code, ErrorCode::Corrupt);
  }
}

TEST(Zip, AWrongChecksumIsDamage) {
  EXPECT_EQ(reason({{.name = "a", .contents = "hello", .crc_error = 1}}), "zip_damaged");
}

TEST(Zip, EncryptedEntriesAndUnknownMethodsAreUnsupported) {
  EXPECT_EQ(reason({{.name = "a", .contents = "hello", .flags = 1}}), "zip_encrypted");
  const auto error = refusal(raw_zip({{.name = "a", .contents = "hello", .method = 98}}));
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_EQ(error.reason, "zip_compression_unknown");
}

TEST(Zip, AnyChangedByteGivesTheSameEntriesOrARefusalNeverOthers) {
  const auto zip = write_zip({{"a", to_bytes("hello")}, {"b/c", to_bytes("world")}}).value();
  for (size_t i = 0; i < zip.size(); ++i) {
    for (const int flip : {1, 0x80, 0xFF}) {
      auto changed = zip;
      changed[i] ^= static_cast<std::byte>(flip);
      const auto read = read_zip(changed, {});
      if (!read) continue;
      for (const auto& [name, contents] : *read) {
        EXPECT_TRUE(to_text(contents) == "hello" || to_text(contents) == "world") << i;
      }
    }
  }
}

}  // namespace
}  // namespace faceforge::archive
