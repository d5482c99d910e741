#include "packs/internal/pack_files.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  ASSERT_TRUE(write_file_atomically(file, text));
}

TEST(PackFiles, AFileOverTheLimitIsRefusedBeforeItIsRead) {
  const test::TemporaryFolder folder;
  write(folder.path() / "a.onnx", "a");
  Card card{.id = "one"};
  card.files = {{.path = "a.onnx"}};
  const auto limit_bytes = static_cast<uintmax_t>(CardLimits{}.file_bytes);
  fs::resize_file(folder.path() / "a.onnx", limit_bytes);  // takes no room on the disk
  EXPECT_TRUE(check_sizes(card, folder.path()));
  fs::resize_file(folder.path() / "a.onnx", limit_bytes + 1);
  const auto refused = check_sizes(card, folder.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::TooLarge);
  EXPECT_EQ(refused.error().reason, "pack_file_too_large");
  EXPECT_EQ(checked(card, folder.path()).error().reason, "pack_file_too_large");
}

TEST(PackFiles, AFolderTakesThePlaceOfAnother) {
  const test::TemporaryFolder folder;
  write(folder.path() / "made/new", "new");
  write(folder.path() / "old/old", "old");
  EXPECT_TRUE(
      replace_folder(folder.path() / "made", folder.path() / "old", folder.path() / "aside"));
  EXPECT_TRUE(fs::exists(folder.path() / "old/new"));
  EXPECT_FALSE(fs::exists(folder.path() / "old/old"));
}

TEST(PackFiles, TheOldFolderIsBackWhenTheNewOneCannotTakeItsPlace) {
  const test::TemporaryFolder folder;
  write(folder.path() / "old/old", "old");
  // Nothing is there to be exchanged or moved.
  const auto replaced =
      replace_folder(folder.path() / "made", folder.path() / "old", folder.path() / "aside");
  EXPECT_FALSE(replaced);
  EXPECT_TRUE(fs::exists(folder.path() / "old/old"));
  EXPECT_FALSE(fs::exists(folder.path() / "aside"));
}

}  // namespace
}  // namespace faceforge::packs
