#include "archive/tar.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::archive {
namespace {

namespace fs = std::filesystem;

struct RawEntry {
  std::string name;
  std::string contents;
  char type = '0';       // '0' a file, '1' and '2' links, '3' a device, '5' a folder
  std::string target{};  // of a link
};

std::string octal(uint64_t value, int digits) {
  std::string text(static_cast<size_t>(digits), '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value /= 8) {
    *digit = static_cast<char>('0' + value % 8);
  }
  return text;
}

// A tar writer of its own (POSIX.1-1988 ustar), which writes what no honest one would.
std::string raw_tar(const std::vector<RawEntry>& entries) {
  std::string tar;
  for (const RawEntry& entry : entries) {
    std::string head(512, '\0');
    const auto put = [&](size_t offset, const std::string& field) {
      head.replace(offset, field.size(), field);
    };
    put(0, entry.name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, octal(entry.contents.size(), 11));
    put(136, octal(0, 11));
    put(148, "        ");
    put(156, std::string(1, entry.type));
    put(157, entry.target);
    put(257, std::string("ustar\0"
                         "00",
                         8));
    uint64_t sum = 0;
    for (const char byte : head) sum += static_cast<unsigned char>(byte);
    put(148, octal(sum, 6) + '\0');
    tar += head + entry.contents;
    tar.append((512 - entry.contents.size() % 512) % 512, '\0');
  }
  return tar + std::string(1024, '\0');
}

std::string gzipped(const std::string& bytes) {
  std::string packed(bytes.size() + 4096, '\0');
  size_t used = 0;
  struct ::archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  EXPECT_EQ(archive_write_open_memory(writer, packed.data(), packed.size(), &used), ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, bytes.data(), bytes.size());
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
  packed.resize(used);
  return packed;
}

class TarTest : public testing::Test {
 protected:
  Result<void> extract(const std::string& bytes, const TarOptions& options = {}) {
    std::ofstream(file_) << bytes;
    return extract_tar(file_, destination_, options);
  }

  std::string reason(const std::string& bytes, const TarOptions& options = {}) {
    const auto extracted = extract(bytes, options);
    EXPECT_FALSE(fs::exists(destination_));
    const auto left = std::distance(fs::directory_iterator(folder_.path()), {});
    EXPECT_EQ(left, 1) << "only the tar file is left";
    return extracted ? "(none)" : extracted.error().reason;
  }

  std::map<std::string, std::string> unpacked() {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(destination_)) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().lexically_relative(destination_)] = *read_text_file(entry.path(), 1 << 20);
    }
    return files;
  }

  using Files = std::map<std::string, std::string>;
  test::TemporaryFolder folder_;
  const fs::path file_ = folder_.path() / "file.tgz";
  const fs::path destination_ = folder_.path() / "unpacked";
};

TEST_F(TarTest, FilesComeOutAsTheyWerePackedGzippedOrNot) {
  const std::string large(300'000, 'x');
  const std::string tar = raw_tar({{"a/", "", '5'}, {"a/1.jpg", "one"}, {"./b/2.jpg", large}});
  const Files files{{"a/1.jpg", "one"}, {"b/2.jpg", large}};
  ASSERT_TRUE(extract(tar));
  EXPECT_EQ(unpacked(), files);
  fs::remove_all(destination_);
  std::vector<uint64_t> reported;
  const auto gzip = gzipped(tar);
  ASSERT_TRUE(
      extract(gzip, {.limits = {.ratio = 1e6}, .report = [&](uint64_t done, uint64_t total) {
                       EXPECT_EQ(total, gzip.size());
                       reported.push_back(done);
                     }}));
  EXPECT_EQ(unpacked(), files);
  EXPECT_TRUE(std::ranges::is_sorted(reported));
  EXPECT_FALSE(reported.empty());
}

TEST_F(TarTest, FilesAreTheirOwnersAloneWhateverModeTheyWerePackedWith) {
  ASSERT_TRUE(extract(raw_tar({{"a/1.jpg", "one"}})));
  struct stat status {};
  ASSERT_EQ(::stat((destination_ / "a/1.jpg").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(TarTest, AnOuterFolderIsLeftOutButNotAPersonWhoIsAlone) {
  ASSERT_TRUE(extract(raw_tar({{"lfw/lfw/Ada/1.jpg", "one"}, {"lfw/lfw/Bob/1.jpg", "two"}}),
                      {.leave_out_outer_folders = true}));
  EXPECT_EQ(unpacked(), (Files{{"Ada/1.jpg", "one"}, {"Bob/1.jpg", "two"}}));
  fs::remove_all(destination_);
  ASSERT_TRUE(extract(raw_tar({{"lfw/Ada/1.jpg", "one"}}), {.leave_out_outer_folders = true}));
  EXPECT_EQ(unpacked(), (Files{{"Ada/1.jpg", "one"}}));
}

TEST_F(TarTest, NamesThatLeadOutOfTheFolderAreRefused) {
  for (const char* name : {"../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "a//x.jpg", "c:x.jpg",
                           "a\\..\\x.jpg", "a\nb.jpg", "\xFF.jpg"}) {
    EXPECT_EQ(reason(raw_tar({{"fine.jpg", "one"}, {name, "two"}})), "tar_unsafe_name") << name;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "x.jpg"));
}

TEST_F(TarTest, LinksAndDevicesAreRefused) {
  EXPECT_EQ(reason(raw_tar({{"link", "", '2', "/etc/passwd"}})), "tar_not_a_file");
  EXPECT_EQ(reason(raw_tar({{"a.jpg", "one"}, {"link", "", '1', "a.jpg"}})), "tar_not_a_file");
  EXPECT_EQ(reason(raw_tar({{"device", "", '3'}})), "tar_not_a_file");
}

TEST_F(TarTest, AFileThatIsThereTwiceIsRefusedLetterCaseAside) {
  EXPECT_EQ(reason(raw_tar({{"a.jpg", "one"}, {"a.jpg", "two"}})), "tar_duplicate_name");
  EXPECT_EQ(reason(raw_tar({{"a.jpg", "one"}, {"A.JPG", "two"}})), "tar_duplicate_name");
}

TEST_F(TarTest, MoreThanTheLimitsIsRefused) {
  const std::string tar = raw_tar({{"a.jpg", "one"}, {"b.jpg", "two"}});
  EXPECT_EQ(reason(tar, {.limits = {.entries = 1}}), "tar_too_many_entries");
  EXPECT_EQ(reason(tar, {.limits = {.total_bytes = 5}}), "tar_too_large");
}

TEST_F(TarTest, ABombIsRefusedLongBeforeItHasGrown) {
  const std::string zeros(20 << 20, '\0');
  EXPECT_EQ(reason(gzipped(raw_tar({{"bomb.jpg", zeros}}))), "tar_ratio_too_high");
}

TEST_F(TarTest, WhatIsCutOrDamagedIsRefused) {
  std::string noise;
  for (uint32_t i = 0, state = 1; i < 200'000; ++i) {
    state = state * 1664525 + 1013904223;
    noise += static_cast<char>(state >> 24);
  }
  const std::string tar = raw_tar({{"a.jpg", noise}, {"b.jpg", noise}});
  EXPECT_EQ(reason(tar.substr(0, 300'000)), "tar_damaged");
  const std::string gzip = gzipped(tar);
  EXPECT_EQ(reason(gzip.substr(0, gzip.size() / 2)), "tar_damaged");
}

TEST_F(TarTest, OtherFilesAreNoTar) {
  EXPECT_EQ(reason("this is no tar file"), "not_a_tar");
  EXPECT_EQ(reason(""), "not_a_tar");
  EXPECT_EQ(reason(gzipped("neither is this")), "not_a_tar");
  EXPECT_EQ(reason(raw_tar({})), "not_a_tar");
  EXPECT_EQ(extract_tar(folder_.path() / "absent", destination_).error().reason, "file_not_found");
}

TEST_F(TarTest, AFolderThatIsThereIsNotTouched) {
  fs::create_directory(destination_);
  EXPECT_EQ(extract(raw_tar({{"a.jpg", "one"}})).error().reason, "folder_exists");
  EXPECT_TRUE(fs::is_empty(destination_));
}

TEST_F(TarTest, AStopLeavesNothingBehind) {
  std::stop_source stop;
  EXPECT_EQ(reason(raw_tar({{"a.jpg", "one"}, {"b.jpg", "two"}}),
                   {.report = [&](uint64_t, uint64_t) { stop.request_stop(); },
                    .stop = stop.get_token()}),
            "cancelled");
}

}  // namespace
}  // namespace faceforge::archive
