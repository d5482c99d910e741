#include "dataset/fetch_lfw.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/sha256.h"
#include "support/test_data.h"
#include "support/web_server.h"

namespace faceforge::dataset {
namespace {

namespace fs = std::filesystem;

class FetchLfwTest : public testing::Test {
 protected:
  /// Packs what lies in a folder with the system's own tar.
  void pack_archive(const fs::path& archive) {
    const std::string command =
        "tar -C '" + folder_.path().string() + "/made' -czf '" + archive.string() + "' lfw";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  void add(const std::string& path, const std::string& text) {
    const fs::path file = folder_.path() / "made/lfw" / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  void make_archive() {
    add("Ada/Ada_0001.jpg", "one");
    add("Ada/Ada_0002.jpg", "two");
    add("Bob/Bob_0001.jpg", "three");
    add("Bob/.DS_Store", "hidden");
    pack_archive(archive_);
  }

  test::TemporaryFolder folder_;
  const fs::path archive_ = folder_.path() / "mine.tgz";
  const fs::path output_ = folder_.path() / "lfw";
};

TEST_F(FetchLfwTest, AnArchiveOfPeopleBecomesAFolderOfPeople) {
  make_archive();
  const auto report = fetch_lfw(archive_, {.output = output_});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->person_count, 2U);
  EXPECT_EQ(report->photo_count, 3U);
  EXPECT_EQ(report->sha256, to_hex(*sha256_file(archive_)));
  EXPECT_FALSE(report->known_as);
  EXPECT_EQ(*read_text_file(output_ / "Ada/Ada_0002.jpg", 100), "two");
}

TEST_F(FetchLfwTest, AnArchiveIsHeldToTheSumThatIsAskedForAndToTheOneOfTheKnownNameItBears) {
  make_archive();
  const std::string sum = to_hex(*sha256_file(archive_));
  const std::string other(64, 'a');
  EXPECT_EQ(fetch_lfw(archive_, {.output = output_, .sha256 = other}).error().reason,
            "sha256_mismatch");
  EXPECT_EQ(fetch_lfw(archive_, {.output = output_, .sha256 = "abc"}).error().reason,
            "sha256_invalid");
  const fs::path impostor = folder_.path() / "lfw-funneled.tgz";
  fs::copy_file(archive_, impostor);
  EXPECT_EQ(fetch_lfw(impostor, {.output = output_}).error().reason, "sha256_mismatch");
  EXPECT_FALSE(fs::exists(output_));
  EXPECT_TRUE(fetch_lfw(impostor, {.output = output_, .sha256 = sum}));
}

TEST_F(FetchLfwTest, AUrlIsDownloadedCheckedAndUnpackedAndTheArchiveRemoved) {
  make_archive();
  const std::string bytes = *read_text_file(archive_, 1 << 20);
  test::WebServer server([&](const std::string&, int) -> test::WebServer::Answer {
    return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes.size()), bytes};
  });
  ASSERT_TRUE(
      write_file_atomically(folder_.path() / "lfw.tgz", std::string_view("somebody's own")));
  const std::string url = server.url("/mine.tgz");
  EXPECT_EQ(fetch_lfw(url, {.output = output_}).error().reason, "address_not_allowed");
  const auto report =
      fetch_lfw(url, {.output = output_, .allowed_addresses = net::AllowedAddresses::Any});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->photo_count, 3U);
  EXPECT_EQ(report->sha256, to_hex(*sha256_file(archive_)));
  EXPECT_EQ(*read_text_file(folder_.path() / "lfw.tgz", 100), "somebody's own");
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".faceforge")) << entry.path();
  }
}

TEST_F(FetchLfwTest, AnArchiveWithoutPeopleIsRefusedAndNothingIsLeft) {
  add("notes.txt", "no people");
  pack_archive(archive_);
  EXPECT_EQ(fetch_lfw(archive_, {.output = output_}).error().reason, "no_people_in_archive");
  EXPECT_FALSE(fs::exists(output_));
}

TEST_F(FetchLfwTest, AFolderThatIsThereIsNotTouchedAndADryRunMakesNone) {
  make_archive();
  const auto dry = fetch_lfw(archive_, {.output = output_, .dry_run = true});
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->sha256.size(), 64U);
  EXPECT_EQ(fetch_lfw("https://name:word@host/lfw.tgz", {.output = output_, .dry_run = true})
                .error()
                .reason,
            "url_invalid");
  EXPECT_FALSE(fs::exists(output_));
  fs::create_directory(output_);
  EXPECT_EQ(fetch_lfw(archive_, {.output = output_}).error().reason, "folder_exists");
  EXPECT_EQ(
      fetch_lfw(folder_.path() / "absent.tgz", {.output = folder_.path() / "new"}).error().reason,
      "file_not_found");
}

}  // namespace
}  // namespace faceforge::dataset
