#include "base/scratch_folder.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge {
namespace {

namespace fs = std::filesystem;

TEST(ScratchFolder, GoesWithItsScopeAndAllThatIsInIt) {
  const test::TemporaryFolder parent;
  fs::path place;
  {
    const ScratchFolder scratch = ScratchFolder::create_in(parent.path(), ".new-").value();
    place = scratch.path();
    EXPECT_TRUE(place.filename().string().starts_with(".new-"));
    EXPECT_EQ(fs::status(place).permissions(), fs::perms::owner_all);
    fs::create_directory(place / "inside");
    ASSERT_TRUE(write_file_atomically(place / "inside" / "file", std::string_view("text")));
    const ScratchFolder other = ScratchFolder::create_in(parent.path(), ".new-").value();
    EXPECT_NE(other.path(), place);
  }
  EXPECT_FALSE(fs::exists(place));
  EXPECT_TRUE(fs::is_empty(parent.path()));
}

TEST(ScratchFolder, StaysWhereItWasMovedOnceItIsLetGoOf) {
  const test::TemporaryFolder parent;
  {
    ScratchFolder scratch = ScratchFolder::create_in(parent.path(), ".new-").value();
    fs::rename(scratch.path(), parent.path() / "kept");
    scratch.release();
  }
  EXPECT_TRUE(fs::exists(parent.path() / "kept"));
}

TEST(ScratchFolder, SaysWhereItCannotBe) {
  const test::TemporaryFolder parent;
  const auto refused = ScratchFolder::create_in(parent.path() / "missing", ".new-");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("missing"), std::string::npos);
}

TEST(ScratchFolder, LiesInTheSystemsOwnPlaceWhereNoneIsNamed) {
  const ScratchFolder scratch = ScratchFolder::create("faceforge-").value();
  EXPECT_EQ(scratch.path().parent_path(), fs::temp_directory_path());
}

}  // namespace
}  // namespace faceforge
