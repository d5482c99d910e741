#include "store/blob_files.h"

#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/ordinary_user.h"
#include "support/test_data.h"

namespace faceforge::store {
namespace {

namespace fs = std::filesystem;

Blob bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

class BlobFilesTest : public ::testing::Test {
 protected:
  BlobFiles files() { return BlobFiles::open(folder_.path() / "photos").value(); }
  fs::path path_of(UserId account, const BlobName& name) {
    return folder_.path() / "photos" / std::to_string(account.value()) / name.text().substr(0, 2) /
           name.text();
  }

  test::TemporaryFolder folder_;
  const UserId ada_{1};
  const UserId bob_{22};
};

TEST_F(BlobFilesTest, WhatWasPutIsReadBackUnderItsHash) {
  const auto blobs = files();
  const auto put = blobs.put(ada_, bytes_of("abc")).value();
  // SHA-256 of "abc", FIPS 180-4.
  EXPECT_EQ(put.name.text(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(put.written, Written::New);
  EXPECT_EQ(blobs.get(ada_, put.name, 3).value(), bytes_of("abc"));
  EXPECT_EQ(blobs.put(ada_, bytes_of("abc"))->written, Written::AlreadyThere);
  EXPECT_EQ(blobs.list(ada_).value(), std::vector{put.name});
  EXPECT_EQ(files().get(ada_, put.name, 3).value(), bytes_of("abc"));
}

TEST_F(BlobFilesTest, AccountsDoNotSeeEachOthersFiles) {
  const auto blobs = files();
  const auto name = blobs.put(ada_, bytes_of("abc"))->name;
  EXPECT_EQ(blobs.get(bob_, name, 10).error().reason, "blob_not_found");
  EXPECT_TRUE(blobs.list(bob_)->empty());
  ASSERT_TRUE(blobs.put(bob_, bytes_of("abc")).has_value());
  ASSERT_TRUE(blobs.remove(ada_, name).has_value());
  EXPECT_TRUE(blobs.get(bob_, name, 10).has_value());
}

TEST_F(BlobFilesTest, TheMarkOfADatabaseIsKeptAndIsNoAccount) {
  EXPECT_EQ(files().mark().value(), std::nullopt);
  ASSERT_TRUE(files().set_mark("0123abcd").has_value());
  EXPECT_EQ(files().mark().value(), "0123abcd");
  EXPECT_TRUE(files().accounts()->empty());
  EXPECT_EQ(files().set_mark(std::string(101, 'x')).has_value(), true);
  EXPECT_EQ(files().mark().error().code, ErrorCode::TooLarge);
}

TEST_F(BlobFilesTest, FilesAndFoldersAreTheOwnersOnly) {
  const auto blobs = files();
  const auto path = path_of(ada_, blobs.put(ada_, bytes_of("abc"))->name);
  EXPECT_EQ(mode_of(path), 0600U);
  for (fs::path folder = path.parent_path(); folder != folder_.path();
       folder = folder.parent_path()) {
    EXPECT_EQ(mode_of(folder), 0700U) << folder;
  }
}

TEST_F(BlobFilesTest, AMissingALargeAndADamagedFileAreTold) {
  const auto blobs = files();
  const auto missing = blobs.get(ada_, BlobName::of(bytes_of("x")), 10);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_EQ(missing.error().reason, "blob_not_found");
  const auto name = blobs.put(ada_, bytes_of("abc"))->name;
  EXPECT_EQ(blobs.get(ada_, name, 2).error().code, ErrorCode::TooLarge);
  EXPECT_EQ(blobs.get(ada_, name, 2).error().reason, "blob_too_large");
  std::ofstream(path_of(ada_, name)) << "abd";
  EXPECT_EQ(blobs.get(ada_, name, 10).error().code, ErrorCode::Corrupt);
  EXPECT_EQ(blobs.get(ada_, name, 10).error().reason, "blob_corrupt");
  EXPECT_EQ(blobs.put(ada_, bytes_of("abc"))->written, Written::New) << "replaces the damaged one";
  EXPECT_TRUE(blobs.get(ada_, name, 10).has_value());
}

TEST_F(BlobFilesTest, NamesThatAreNotAHashAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("../../etc/passwd"), std::string(64, 'A'), std::string(63, 'a'),
        std::string(63, 'a') + '\0'}) {
    EXPECT_EQ(BlobName::parse(text).error().reason, "blob_name");
  }
  EXPECT_TRUE(BlobName::parse(std::string(64, 'a')).has_value());
}

TEST_F(BlobFilesTest, RemovingIsFinalAndMayBeRepeated) {
  const auto blobs = files();
  const auto name = blobs.put(ada_, bytes_of("abc"))->name;
  ASSERT_TRUE(blobs.remove(ada_, name).has_value());
  EXPECT_FALSE(fs::exists(path_of(ada_, name)));
  EXPECT_TRUE(blobs.remove(ada_, name).has_value());
  EXPECT_TRUE(blobs.list(ada_)->empty());
}

TEST_F(BlobFilesTest, RemovingAnAccountRemovesAllOfItAndNothingElse) {
  const auto blobs = files();
  ASSERT_TRUE(blobs.put(ada_, bytes_of("a")).has_value());
  ASSERT_TRUE(blobs.put(ada_, bytes_of("b")).has_value());
  ASSERT_TRUE(blobs.put(bob_, bytes_of("c")).has_value());
  EXPECT_EQ(blobs.accounts().value(), (std::vector{ada_, bob_}));
  ASSERT_TRUE(blobs.remove_account(ada_).has_value());
  EXPECT_TRUE(blobs.remove_account(ada_).has_value());
  EXPECT_EQ(blobs.accounts().value(), std::vector{bob_});
  EXPECT_FALSE(fs::exists(folder_.path() / "photos" / "1"));
}

TEST_F(BlobFilesTest, OpeningRemovesWhatAnInterruptedWriteLeft) {
  const auto name = files().put(ada_, bytes_of("abc"))->name;
  const fs::path unfinished = path_of(ada_, name).parent_path() / ".writing-k3b9Xq";
  std::ofstream(unfinished) << "half a pho";
  const auto blobs = files();
  EXPECT_FALSE(fs::exists(unfinished));
  EXPECT_EQ(blobs.list(ada_)->size(), 1U);
}

TEST_F(BlobFilesTest, OpeningLeavesAWriteOfAnotherProcessAlone) {
  const auto first = files();
  const auto name = first.put(ada_, bytes_of("abc"))->name;
  const fs::path unfinished = path_of(ada_, name).parent_path() / ".writing-k3b9Xq";
  std::ofstream(unfinished) << "half a pho";
  const auto hold = first.hold(ada_, Purpose::Adding).value();
  std::ignore = files();
  EXPECT_TRUE(fs::exists(unfinished));
}

TEST_F(BlobFilesTest, ManyMayAddAtOnceAndWhoeverRemovesIsAlone) {
  const auto blobs = files();
  std::atomic<int> adding = 0;
  std::atomic<int> added = 0;
  std::atomic<bool> removing = false;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        for (int round = 0; round < 10; ++round) {
          if (thread < 4) {
            const auto hold = blobs.hold(ada_, Purpose::Adding).value();
            ++adding;
            EXPECT_FALSE(removing);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            --adding;
            ++added;
          } else {
            const auto hold = blobs.hold(ada_, Purpose::Removing).value();
            EXPECT_FALSE(removing.exchange(true));
            EXPECT_EQ(adding, 0);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            removing = false;
          }
        }
      });
    }
  }
  EXPECT_EQ(added, 40);
}

TEST_F(BlobFilesTest, AFolderThatMayNotBeWrittenIsForbidden) {
  const fs::path photos = folder_.path() / "photos";
  std::ignore = files();
  const test::AsOrdinaryUser ordinary(folder_.path());
  fs::permissions(photos, fs::perms::owner_read | fs::perms::owner_exec);
  const auto opened = BlobFiles::open(photos);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::Forbidden);
  EXPECT_EQ(opened.error().reason, "file_not_writable");
  fs::permissions(photos, fs::perms::owner_all);
}

TEST_F(BlobFilesTest, AKilledWriterLeavesEveryAcknowledgedBlobWholeAndNoOther) {
  for (int round = 0; round < 5; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto blobs = files();
      for (uint64_t number = 0;; ++number) {
        Blob bytes(100'000, static_cast<std::byte>(number));
        bytes[0] = static_cast<std::byte>(round);
        const auto put = blobs.put(ada_, bytes);
        if (!put) ::_exit(1);
        if (::write(acknowledged[1], put->name.text().data(), 64) != 64) ::_exit(1);
      }
    }
    ::close(acknowledged[1]);
    std::vector<std::string> names;
    char name[64];
    while (names.size() < static_cast<size_t>(3 + 4 * round) &&
           ::read(acknowledged[0], name, 64) == 64) {
      names.emplace_back(name, 64);
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ::waitpid(child, nullptr, 0);
    ::close(acknowledged[0]);
    const auto blobs = files();
    for (const auto& text : names) {
      EXPECT_TRUE(blobs.get(ada_, BlobName::parse(text).value(), 100'000).has_value());
    }
    const auto listed = blobs.list(ada_).value();
    for (const auto& whole : listed) EXPECT_TRUE(blobs.get(ada_, whole, 100'000).has_value());
    size_t file_count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "photos" / "1")) {
      if (entry.is_regular_file()) ++file_count;
    }
    EXPECT_EQ(file_count, listed.size()) << "nothing half-written is left";
  }
}

}  // namespace
}  // namespace faceforge::store
