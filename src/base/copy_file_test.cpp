#include "base/copy_file.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

namespace fs = std::filesystem;

TEST(CopyFile, HasTheContentsAndAModeOfItsOwn) {
  const test::TemporaryFolder temporary;
  const auto folder = temporary.path();
  const std::string contents(3'000'000, 'x');
  ASSERT_TRUE(write_file_atomically(folder / "note", contents));
  fs::permissions(folder / "note", fs::perms::owner_read | fs::perms::others_read);
  ASSERT_TRUE(copy_file_atomically(folder / "note", folder / "copy"));
  EXPECT_EQ(read_text_file(folder / "copy", contents.size()).value(), contents);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "copy").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(copy_file_atomically(folder / "none", folder / "copy").error().reason,
            "file_not_found");
  EXPECT_EQ(copy_file_atomically(folder, folder / "copy").error().reason, "not_a_file");
  EXPECT_EQ(copy_file_atomically(folder / "note", folder / "no" / "copy").error().reason,
            "folder_not_found");
  EXPECT_EQ(read_text_file(folder / "copy", contents.size()).value(), contents);
}

}  // namespace
}  // namespace faceforge
