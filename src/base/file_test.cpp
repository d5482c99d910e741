#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/output_folder.h"
#include "support/ordinary_user.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  [[nodiscard]] size_t entry_count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder()), {}));
  }
  [[nodiscard]] const fs::path& folder() const { return temporary_.path(); }

 private:
  test::TemporaryFolder temporary_;
};

TEST_F(FileTest, WhatIsWrittenIsReadBackAndNothingElseIsLeft) {
  const std::string contents("a\0b\n", 4);
  ASSERT_TRUE(write_file_atomically(folder() / "note", contents));
  EXPECT_EQ(read_text_file(folder() / "note", 4).value(), contents);
  const auto bytes = read_file(folder() / "note", 4).value();
  EXPECT_TRUE(std::ranges::equal(bytes, std::as_bytes(std::span(contents))));
  EXPECT_EQ(entry_count(), 1u);
}

TEST_F(FileTest, AnExistingFileIsReplacedAndAnEmptyOneCanBeWritten) {
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("first and long")));
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("")));
  EXPECT_EQ(read_text_file(folder() / "note", 100).value(), "");
}

TEST_F(FileTest, AWrittenFileIsForItsOwnerOnly) {
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("x")));
  struct stat status {};
  ASSERT_EQ(::stat((folder() / "note").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(FileTest, AFileWhoseNameIsAsLongAsTheSystemAllowsCanBeWritten) {
  EXPECT_TRUE(write_file_atomically(folder() / std::string(255, 'n'), std::string_view("x")));
}

TEST_F(FileTest, AFullDiskIsNamedAndTheOldContentsStay) {
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("old")));
  EXPECT_EQ(file_error(ENOSPC, "write", "note").code, ErrorCode::Exhausted);
  EXPECT_EQ(file_error(EDQUOT, "write", "note").reason, "disk_full");
  // A limit on the size of files fails in the middle of the write, as a full disk does.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const old_action = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 1000, before.rlim_max };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_file_atomically(folder() / "note", std::string(100'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_action);
  ASSERT_FALSE(written);
  EXPECT_EQ(read_text_file(folder() / "note", 100).value(), "old");
  EXPECT_EQ(entry_count(), 1u);
}

TEST_F(FileTest, AFullDeviceIsExhaustedAndAMissingOrReadOnlyFolderIsNamed) {
  EXPECT_EQ(write_file_atomically(folder() / "no" / "note", std::string_view("x")).error().reason,
            "folder_not_found");
  ASSERT_TRUE(write_file_atomically(folder() / "file", std::string_view("x")));
  EXPECT_EQ(write_file_atomically(folder() / "file" / "x", std::string_view("x")).error().reason,
            "folder_not_found");
  // /proc refuses new files to root as well, which permissions do not.
  const auto refused = write_file_atomically("/proc/note", std::string_view("x"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code == ErrorCode::NotFound ||
              refused.error().code == ErrorCode::Forbidden);
  for (const int number : {EACCES, EPERM, EROFS}) {
    EXPECT_EQ(file_error(number, "write", "note").reason, "file_not_writable");
    EXPECT_EQ(file_error(number, "write", "note").code, ErrorCode::Forbidden);
  }
}

TEST_F(FileTest, WhatIsNoRegularFileIsNeverReplacedByOne) {
  fs::create_directories(folder() / "taken" / "inside");
  ASSERT_EQ(::mkfifo((folder() / "pipe").c_str(), 0600), 0);
  fs::create_symlink("pipe", folder() / "link to the pipe");
  for (const fs::path& path : {folder() / "taken", folder() / "pipe", folder() / "link to the pipe",
                               fs::path("/dev/null")}) {
    const auto written = write_file_atomically(path, std::string_view("x"));
    ASSERT_FALSE(written) << path;
    EXPECT_EQ(written.error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(written.error().reason, "not_a_file");
  }
  EXPECT_TRUE(fs::is_fifo(folder() / "pipe"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(entry_count(), 3u);
}

TEST_F(FileTest, ASymbolicLinkStaysAndItsTargetIsWritten) {
  fs::create_directories(folder() / "far");
  ASSERT_TRUE(write_file_atomically(folder() / "far" / "note", std::string_view("old")));
  fs::create_symlink("far/note", folder() / "link");
  fs::create_symlink("link", folder() / "link to the link");
  fs::create_symlink(folder() / "far" / "new", folder() / "dangling");
  ASSERT_TRUE(write_file_atomically(folder() / "link to the link", std::string_view("new")));
  ASSERT_TRUE(write_file_atomically(folder() / "dangling", std::string_view("made")));
  EXPECT_TRUE(fs::is_symlink(folder() / "link to the link"));
  EXPECT_TRUE(fs::is_symlink(folder() / "link"));
  EXPECT_TRUE(fs::is_symlink(folder() / "dangling"));
  EXPECT_EQ(read_text_file(folder() / "far" / "note", 100).value(), "new");
  EXPECT_EQ(read_text_file(folder() / "far" / "new", 100).value(), "made");
  EXPECT_EQ(entry_count(), 4u);
}

TEST_F(FileTest, LinksInACircleAreAnError) {
  fs::create_symlink("b", folder() / "a");
  fs::create_symlink("a", folder() / "b");
  EXPECT_EQ(write_file_atomically(folder() / "a", std::string_view("x")).error().reason,
            "file_error");
}

TEST_F(FileTest, WhereAFileWouldGoIsKnownBeforeItIsWritten) {
  fs::create_symlink("note", folder() / "link");
  EXPECT_EQ(file_to_write(folder() / "link").value(), folder() / "note");
  EXPECT_EQ(file_to_write(folder() / "new").value(), folder() / "new");
  EXPECT_EQ(file_to_write(folder() / "no" / "note").error().reason, "folder_not_found");
  EXPECT_EQ(file_to_write("/dev/null").error().reason, "not_a_file");
}

TEST_F(FileTest, AFileInPiecesIsThereOnlyOnceItIsFinished) {
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  {
    AtomicFile given_up = AtomicFile::create(folder() / "note").value();
    ASSERT_TRUE(given_up.write(bytes("never")));
  }
  EXPECT_EQ(entry_count(), 0u);
  AtomicFile file = AtomicFile::create(folder() / "note").value();
  ASSERT_TRUE(file.write(bytes("one, ")));
  ASSERT_TRUE(file.write(bytes("two")));
  EXPECT_FALSE(fs::exists(folder() / "note"));
  ASSERT_TRUE(file.finish());
  EXPECT_EQ(read_text_file(folder() / "note", 100).value(), "one, two");
  EXPECT_EQ(entry_count(), 1u);
}

unsigned mode_of(const fs::path& path) {
  return static_cast<unsigned>(fs::status(path).permissions()) & 0777;
}

TEST_F(FileTest, APrivateFolderAndTheMissingOnesAboveItAreForTheirOwnerOnly) {
  fs::permissions(folder(), fs::perms(0755));
  ASSERT_TRUE(make_private_folder(folder() / "a" / "b"));
  EXPECT_EQ(mode_of(folder() / "a" / "b"), 0700u);
  EXPECT_EQ(mode_of(folder() / "a"), 0700u);
  EXPECT_EQ(mode_of(folder()), 0755u);  // it was there, and was not named
  ASSERT_TRUE(make_private_folder(folder() / "a" / "b"));
}

TEST_F(FileTest, AWiderFolderIsClosedToOthersAndAFileIsNone) {
  fs::create_directories(folder() / "wide");
  fs::permissions(folder() / "wide", fs::perms(0755));
  ASSERT_TRUE(make_private_folder(folder() / "wide"));
  EXPECT_EQ(mode_of(folder() / "wide"), 0700u);
  ASSERT_TRUE(write_file_atomically(folder() / "file", std::string_view("x")));
  EXPECT_EQ(make_private_folder(folder() / "file").error().reason, "not_a_folder");
  EXPECT_EQ(make_private_folder(folder() / "file" / "x").error().reason, "folder_not_found");
}

TEST_F(FileTest, AFolderForResultsIsPrivateWhenItIsNewAndKeepsItsModeWhenItIsNot) {
  ASSERT_TRUE(make_output_folder(folder() / "new"));
  EXPECT_EQ(mode_of(folder() / "new"), 0700u);
  fs::create_directories(folder() / "group");
  fs::permissions(folder() / "group", fs::perms(02775));
  ASSERT_TRUE(make_output_folder(folder() / "group"));
  EXPECT_EQ(mode_of(folder() / "group") & 0777u, 0775u);
  ASSERT_TRUE(write_file_atomically(folder() / "file", std::string_view("x")));
  EXPECT_EQ(make_output_folder(folder() / "file").error().reason, "not_a_folder");
}

TEST_F(FileTest, AMissingFileAFolderAndAPipeAreNotRead) {
  EXPECT_EQ(read_file(folder() / "nothing", 10).error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_file(folder() / "nothing", 10).error().reason, "file_not_found");
  EXPECT_EQ(read_file(folder(), 10).error().reason, "not_a_file");
  ASSERT_EQ(::mkfifo((folder() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder() / "pipe", 10).error().reason, "not_a_file");
}

TEST_F(FileTest, AnUnreadableFileIsForbidden) {
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("x")));
  const test::AsOrdinaryUser ordinary(folder());
  fs::permissions(folder() / "note", fs::perms::none);
  EXPECT_EQ(read_file(folder() / "note", 10).error().reason, "file_not_readable");
}

TEST_F(FileTest, AFileOverTheLimitIsRefusedWithBothNumbers) {
  ASSERT_TRUE(write_file_atomically(folder() / "note", std::string_view("12345")));
  const auto error = read_file(folder() / "note", 4).error();
  EXPECT_EQ(error.code, ErrorCode::TooLarge);
  EXPECT_EQ(error.reason, "file_too_large");
  EXPECT_NE(error.message.find("5 bytes or more; the limit is 4"), std::string::npos);
}

TEST_F(FileTest, AFileThatReportsNoSizeIsReadToItsEnd) {
  // Files in /proc have a size of 0 and contents all the same.
  EXPECT_NE(read_text_file("/proc/self/status", 100'000).value().find("Pid:"), std::string::npos);
  EXPECT_EQ(read_text_file("/proc/self/status", 10).error().reason, "file_too_large");
}

}  // namespace
}  // namespace faceforge
