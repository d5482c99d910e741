#include "packs/internal/npm_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_data.h"

namespace faceforge::packs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kName = "@scope/weights";

class NpmPackageTest : public testing::Test {
 protected:
  /// A folder that says it is a package.
  fs::path package(const fs::path& place, const std::string& name, const std::string& version) {
    const fs::path folder = folder_.path() / place;
    fs::create_directories(folder);
    const std::string text = R"({"name": ")" + name + R"(", "version": ")" + version + "\"}";
    EXPECT_TRUE(write_file_atomically(folder / "package.json", std::string_view(text)));
    return folder;
  }

  fs::path find(const fs::path& named) {
    const auto found = find_npm_package(kName, std::vector{named});
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(fs::path());
  }

  test::TemporaryFolder folder_;
};

TEST_F(NpmPackageTest, IsFoundByItsOwnFolderItsModulesOrAPackageBesideIt) {
  const fs::path wanted = package("node_modules/@scope/weights", kName, "1.0.0");
  const fs::path other = package("node_modules/@scope/other", "@scope/other", "1.0.0");
  EXPECT_TRUE(fs::equivalent(find(wanted), wanted));
  EXPECT_TRUE(fs::equivalent(find(folder_.path() / "node_modules"), wanted));
  EXPECT_TRUE(fs::equivalent(find(other), wanted));
}

TEST_F(NpmPackageTest, OfSeveralFoldersThatWithItsNameIsTaken) {
  const fs::path other = package("a", "@scope/other", "1.0.0");
  const fs::path wanted = package("b", kName, "1.0.0");
  EXPECT_EQ(find_npm_package(kName, std::vector{other, wanted}).value(), wanted);
}

TEST_F(NpmPackageTest, WhatIsNotThereOrAnotherPackageIsNamed) {
  const auto missing = find_npm_package(kName, std::vector{folder_.path() / "none"});
  EXPECT_EQ(missing.error().reason, "npm_package_missing");
  const auto other =
      find_npm_package(kName, std::vector{package("alone", "@scope/other", "2.0.0")});
  EXPECT_EQ(other.error().reason, "npm_package_differs");
  EXPECT_THAT(other.error().message, HasSubstr("@scope/other@2.0.0"));
}

TEST_F(NpmPackageTest, AnotherVersionIsRefusedWithBothNamed) {
  const auto refused = check_npm_package(package("a", kName, "2.0.0"), kName, "1.0.0");
  EXPECT_EQ(refused.error().reason, "npm_package_differs");
  EXPECT_THAT(refused.error().message, HasSubstr("2.0.0"));
  EXPECT_THAT(refused.error().message, HasSubstr("1.0.0"));
  EXPECT_TRUE(check_npm_package(folder_.path() / "a", kName, "2.0.0"));
}

TEST_F(NpmPackageTest, APackageThatNobodyCanConvertIsRefused) {
  const auto refused =
      convert_npm_package({.name = kName, .version = "1.0.0"}, folder_.path(), {}, folder_.path());
  EXPECT_EQ(refused.error().reason, "npm_package_unknown");
}

}  // namespace
}  // namespace faceforge::packs
